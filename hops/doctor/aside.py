"""Looks into folders that may never answer, by a process that can be left behind.

What hangs in the system cannot be interrupted, and on some file systems keeps even a process that
ends from going: so the process that waits for an answer is not the one that asks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from stability_errand import Errand

T = TypeVar("T")

# Seconds in which nothing comes from a folder before it is left alone.
PATIENCE = 10

# More than any command has open.
MOST_DESCRIPTORS = 65536


class _End:
    """Nothing else comes of that work; or it raised `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


def aside(
    work: Mapping[str, Callable[[], Iterable[T]]], prepare: Callable[[], object]
) -> tuple[dict[str, list[T]], set[str]]:
    """What each function of `work` yields, all done at once after `prepare`, and those of which
    nothing has come for PATIENCE seconds. Raises what one of them raises."""
    here, there = Pipe(duplex=False)
    if os.fork() == 0:
        try:
            here.close()
            _let_go_of_all_but(there.fileno())
            _do(there, work, prepare)
        finally:
            os._exit(0)
    there.close()
    with here:
        return _gather(here, list(work))


def _gather(
    connection: Connection, names: list[str]
) -> tuple[dict[str, list[T]], set[str]]:
    found: dict[str, list[T]] = {name: [] for name in names}
    deadlines = dict.fromkeys(names, time.monotonic() + PATIENCE)
    while deadlines and connection.poll(max(0, max(deadlines.values()) - time.monotonic())):
        name, item = connection.recv()
        if not isinstance(item, _End):
            found[name].append(item)
            deadlines[name] = time.monotonic() + PATIENCE
        elif item.error:
            raise item.error
        else:
            del deadlines[name]
    return found, set(deadlines)


def _let_go_of_all_but(descriptor: int) -> None:
    """Whoever waits for the end of what we could write to would wait for who is left behind."""
    null = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):
        os.dup2(null, each)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, MOST_DESCRIPTORS)


def _do(
    connection: Connection,
    work: Mapping[str, Callable[[], Iterable[Any]]],
    prepare: Callable[[], object],
) -> None:
    lock = threading.Lock()

    def send(name: str, item: Any) -> None:
        with lock:
            connection.send((name, item))

    def one(name: str, function: Callable[[], Iterable[Any]]) -> None:
        try:
            for item in function():
                send(name, item)
        except Exception as error:  # raised by the process that waits
            send(name, _End(error))
        else:
            send(name, _End())

    try:
        prepare()
    except Exception as error:  # as above
        send("", _End(error))
        return
    errands = [Errand(partial(one, name, function)) for name, function in work.items()]
    for errand in errands:
        errand.start()
    for errand in errands:
        errand.join()
