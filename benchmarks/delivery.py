"""Reports through Diamond's queue and GraphiteHandler, beside a collector that does the least."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Callable, NamedTuple

from configobj import ConfigObj
from diamond.handler.graphite import GraphiteHandler
from diamond.handler.queue import QueueHandler
from diamond.utils.scheduler import handler_process

from benchmarks.results import Result
from benchmarks.site import (
    FIRST_DAY,
    Bay,
    NullHandler,
    collector_of,
    points,
    publish_ready_made,
)
from diamond3.metric_queue import Manager
from hops.times import DAY
from lab.graphite import EmbeddedGraphite, Environment

FORK = multiprocessing.get_context("fork")
PATIENCE = 120

PUBLISHED = "the published queue"
OURS = "diamond3's queue"
QUEUES: dict[str, Callable[[], Any]] = {
    PUBLISHED: FORK.Manager,
    OURS: lambda: Manager(FORK, lambda: None),
}
READY_MADE = "ready-made Metrics"


class Cost(NamedTuple):
    """Milliseconds until the last point was sent, and of the sender's processor."""

    until_sent: float
    busy: float


class Watch(NullHandler):
    """A Diamond handler that notes when those before it were flushed after so many metrics."""

    def __init__(self) -> None:
        super().__init__({})
        self._count = FORK.Value("q", 0, lock=False)
        self._wanted = FORK.Value("q", 0, lock=False)
        self._flushed_at = FORK.Value("d", 0, lock=False)

    def process(self, metric: Any) -> None:
        self._count.value += 1

    def flush(self) -> None:
        if self._count.value >= self._wanted.value and not self._flushed_at.value:
            self._flushed_at.value = perf_counter()  # the same clock in all processes

    def expect(self, count: int) -> None:
        """From now on, so many metrics are to come."""
        self._count.value, self._wanted.value, self._flushed_at.value = 0, count, 0

    def flushed_at(self) -> float:
        """Waits until they have come."""
        deadline = perf_counter() + PATIENCE
        while not self._flushed_at.value:
            if perf_counter() > deadline:
                raise TimeoutError(
                    f"{self._count.value} of {self._wanted.value} metrics came out of the queue"
                )
            time.sleep(0.001)
        return float(self._flushed_at.value)


class Road:
    """Diamond's queue, and the process of its handlers, which send to `port`."""

    def __init__(self, make_manager: Callable[[], Any], port: int) -> None:
        self.manager = make_manager()
        self.watch = Watch()
        self.queue = self.manager.Queue(16384)
        settings = ConfigObj({"host": "127.0.0.1", "port": port, "batch": 448, "timeout": 15})
        self.handler = QueueHandler(
            config=ConfigObj({"server": {"metric_queue_size": 16384}}), queue=self.queue
        )
        self.process = FORK.Process(target=self._handle, args=(settings,), daemon=True)
        self.process.start()

    def _handle(self, settings: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        handlers = [GraphiteHandler(settings), self.watch]
        handler_process(handlers, self.queue, logging.getLogger("diamond"))

    def __enter__(self) -> Road:
        return self

    def __exit__(self, *exception: object) -> None:
        self.handler.enabled = False
        self.process.terminate()
        self.process.join()
        self.manager.shutdown()


@contextmanager
def sink() -> Iterator[int]:
    """A process that reads what comes to a port, and forgets it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = FORK.Process(target=_swallow, args=(server,), daemon=True)
        process.start()
        try:
            yield server.getsockname()[1]
        finally:
            process.terminate()
            process.join()


def _swallow(server: socket.socket) -> None:
    while True:
        connection, _ = server.accept()
        with connection:
            while connection.recv(1 << 16):
                pass


def to_a_socket(folder: Path, quick: bool) -> list[Result]:
    """Delivery without confirmation, through each queue."""
    with sink() as port:
        costs = _through_each_queue(folder, port, quick)
    published, ours = (floor.until_sent for floor, _ in costs.values())
    return [
        *_until_sent("to a socket", costs),
        Result(f"{READY_MADE}, {OURS}", ours, "ms", published, PUBLISHED),
    ]


def to_carbon(folder: Path, environment: Environment, quick: bool) -> list[Result]:
    """Delivery into a real carbon with confirmation, through each queue."""
    with EmbeddedGraphite(folder / "graphite", environment) as graphite:
        costs = _through_each_queue(folder, graphite.line_port, quick, graphite.url)
    floor, ours = costs[OURS]
    return [
        *_until_sent("to carbon, confirmed", costs),
        Result("the collector's processor time", ours.busy, "ms", floor.busy, READY_MADE),
    ]


def _through_each_queue(
    folder: Path, port: int, quick: bool, graphite_url: str = ""
) -> dict[str, tuple[Cost, Cost]]:
    reports, rounds = (10, 3) if quick else (30, 7)
    costs = {}
    for name, make_manager in QUEUES.items():
        with Road(make_manager, port) as road:
            side = folder / name.split()[0]
            costs[name] = _side_by_side(side, road, reports, rounds, graphite_url)
    return costs


def _until_sent(where: str, costs: Mapping[str, tuple[Cost, Cost]]) -> list[Result]:
    """Of the collector, beside ready-made Metrics, through each queue."""
    return [
        Result(f"{where}, {name}", ours.until_sent, "ms", floor.until_sent, READY_MADE)
        for name, (floor, ours) in costs.items()
    ]


def _side_by_side(
    folder: Path, road: Road, reports: int, rounds: int, graphite_url: str
) -> tuple[Cost, Cost]:
    """Medians of the floor and of the collector, by turns."""
    bay = Bay(folder / "bay")
    collector = collector_of(folder, bay, [road.handler], graphite_url)
    wanted = points()
    first_epoch = int(FIRST_DAY.timestamp())

    def publish() -> None:
        for number in range(reports):
            publish_ready_made(collector, wanted, first_epoch + DAY * number)
            road.handler._flush()

    def collect() -> None:
        while any(bay.folder.glob("*.txt")):
            collector.collect()
            road.handler._flush()

    floor, ours = [], []
    for _ in range(rounds + 1):
        floor.append(_deliver(road, publish, reports * len(wanted)))
        bay.scan(reports)
        ours.append(_deliver(road, collect, reports * len(wanted)))
    # In the first round connections, metric paths and whisper files were made.
    return _median(floor[1:], reports), _median(ours[1:], reports)


def _deliver(road: Road, send: Callable[[], None], count: int) -> Cost:
    road.watch.expect(count)
    start, busy = perf_counter(), process_time()
    send()
    busy = process_time() - busy
    return Cost(1000 * (road.watch.flushed_at() - start), 1000 * busy)


def _median(costs: list[Cost], reports: int) -> Cost:
    return Cost(*(statistics.median(each) / reports for each in zip(*costs)))
