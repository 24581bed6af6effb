"""The queue between Diamond's collectors and handlers."""

from __future__ import annotations

import math
import multiprocessing
import os
import queue
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from diamond3 import DiamondError, metric_queue
from diamond3.metric_queue import BATCH, Manager, MetricQueue

CONTEXT = multiprocessing.get_context("fork")


@pytest.fixture
def manager() -> Iterator[Manager]:
    started = Manager(CONTEXT, lambda: None)
    yield started
    started.shutdown()


def taken(metrics: MetricQueue) -> list[Any]:
    """All that is in the queue, oldest first."""
    found = []
    while True:
        try:
            found.append(metrics.get(block=False))
        except queue.Empty:
            return found


def in_another_process(function: Any, *arguments: Any) -> None:
    process = CONTEXT.Process(target=function, args=arguments)
    process.start()
    process.join()


def put_all(metrics: MetricQueue, items: list[Any]) -> None:
    for item in items:
        metrics.put(item, block=False)


def test_items_of_another_process_come_in_order_with_the_flushes_between_them(
    manager: Manager,
) -> None:
    metrics = manager.Queue(0)
    items = [*range(3 * BATCH + 7), None, "a", None]
    in_another_process(put_all, metrics, items)
    assert metrics.qsize() == len(items)
    assert taken(metrics) == items
    assert metrics.qsize() == 0


def test_a_temporary_folder_with_a_long_name_is_no_trouble(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A socket's name has a hundred characters."""
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setattr(metric_queue, "SHORT_FOLDERS", ("/nowhere", short))
        started = Manager(CONTEXT, lambda: None)
        try:
            metrics = started.Queue(0)
            in_another_process(put_all, metrics, ["a", None])
            assert taken(metrics) == ["a", None]
        finally:
            started.shutdown()
        assert os.listdir(short) == []
    monkeypatch.setattr(metric_queue, "SHORT_FOLDERS", ("/nowhere",))
    with pytest.raises(DiamondError, match=r"too long for a socket.*/nowhere.*set TMPDIR"):
        Manager(CONTEXT, lambda: None)


def test_what_follows_soon_waits_for_the_flush(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = manager.Queue(0)
    metrics.put("first", block=False)
    monkeypatch.setattr("diamond3.metric_queue.LONGEST_WAIT", math.inf)
    metrics.put("second", block=False)
    assert metrics.qsize() == 2
    assert taken(metrics) == ["first"]
    metrics.put(None, block=False)
    assert taken(metrics) == ["second", None]


def test_a_lone_metric_of_a_collector_that_hangs_then_is_not_held_back(manager: Manager) -> None:
    metrics = manager.Queue(0)
    put_all(metrics, ["alone"])
    assert taken(metrics) == ["alone"]


def test_a_full_queue_takes_what_fits_and_says_so(manager: Manager) -> None:
    metrics = manager.Queue(10)
    put_all(metrics, list(range(12)))
    with pytest.raises(queue.Full):
        metrics.put(None, block=False)
    assert metrics.qsize() == 10
    with pytest.raises(queue.Full):
        metrics.put(None, block=False)
    assert taken(metrics) == list(range(10))
    put_all(metrics, ["again", None])
    assert taken(metrics) == ["again", None]


def test_one_that_waits_gets_what_comes(manager: Manager) -> None:
    metrics = manager.Queue(0)
    process = CONTEXT.Process(target=put_all, args=(metrics, ["late", None]))
    process.start()
    assert metrics.get(block=True, timeout=600) == "late"
    process.join()


def test_it_outlives_a_process_that_is_killed_as_it_puts(manager: Manager) -> None:
    metrics = manager.Queue(0)

    def put_for_ever() -> None:
        while True:
            put_all(metrics, [1, None])

    process = CONTEXT.Process(target=put_for_ever)
    process.start()
    while not metrics.qsize():
        time.sleep(0.001)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert taken(metrics)
    put_all(metrics, ["after", None])
    assert taken(metrics) == ["after", None]


def test_what_an_alarm_interrupts_is_sent_the_next_time(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Diamond interrupts a collector that takes too long with an exception, at any point."""

    class Alarm(Exception):
        pass

    def interrupt(items: list[Any]) -> int:
        raise Alarm

    metrics = manager.Queue(0)
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "_offer", interrupt)
        with pytest.raises(Alarm):
            metrics.put(1)
    metrics.put(None)
    assert taken(metrics) == [1, None]


def test_a_queue_that_has_gone_is_an_error_and_loses_nothing_in_silence() -> None:
    manager = Manager(CONTEXT, lambda: None)
    metrics = manager.Queue(0)
    manager.shutdown()
    with pytest.raises((OSError, EOFError)):
        metrics.put(None)
