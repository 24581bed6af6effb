"""The queue between Diamond's collectors and handlers, crossed by many metrics at a time.

Diamond keeps its queue in a process of its own, so that a collector that is killed cannot leave a
lock on it. But each metric then takes a call to that process and an answer from it, on the way in
and again on the way out, and there is pickled, unpickled, and pickled again. A batch takes as many
calls as a metric did, and the process in between does not look into it.

What a collector puts goes on at once if nothing has for a second; else it waits in its own process
until BATCH metrics are together, until the collector puts one a second later, or until it flushes,
as Diamond does after every run, also after one that it interrupts. What is taken out is handed on
one by one.
"""

import math
import multiprocessing.context
import os
import pickle
import queue
import tempfile
import threading
import time
from collections import deque
from contextlib import suppress
from multiprocessing.managers import SyncManager
from typing import Any, Callable, Optional

from diamond3.errors import DiamondError

# A handler that is killed takes no more than a batch with it.
BATCH = 500
LONGEST_WAIT = 1.0
SHORT_FOLDERS = ("/tmp", "/var/tmp")


class _Batches:
    """Pickled batches, first in, first out: what is in the queue's own process."""

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._size = 0
        self._batches: deque[tuple[int, bytes]] = deque()
        self._changed = threading.Condition()

    def offer(self, count: int, batch: bytes) -> int:
        """Takes a batch of `count` if there is room for all; how many there was room for."""
        with self._changed:
            room = self._maxsize - self._size if self._maxsize > 0 else count
            if count <= room:
                self._batches.append((count, batch))
                self._size += count
                self._changed.notify()
            return room

    def take(self, timeout: Optional[float]) -> Optional[bytes]:
        """The oldest batch; None when there is none for `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._batches, timeout):
                return None
            count, batch = self._batches.popleft()
            self._size -= count
            return batch

    def qsize(self) -> int:
        return self._size


class _Manager(SyncManager):
    """Starts the process of the queue; `batches` gives what is in it."""

    batches: Callable[[int], Any]


_Manager.register("batches", _Batches, exposed=("offer", "take", "qsize"))


class MetricQueue:
    """What Diamond uses of a `queue.Queue`, between processes that were forked from one."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches
        self._put: list[Any] = []
        self._sent_at = -math.inf
        self._taken: deque[Any] = deque()

    def put(self, item: Any, block: bool = True) -> None:
        """Puts a metric, or None to have what is before it flushed; never blocks.

        Raises:
            queue.Full: some of what was put did not fit, and is dropped.
        """
        self._put.append(item)
        is_late = time.monotonic() - self._sent_at > LONGEST_WAIT
        if item is None or is_late or len(self._put) >= BATCH:
            self._send()

    def get(self, block: bool = True, timeout: Optional[float] = None) -> Any:
        """The oldest item.

        Raises:
            queue.Empty: there was none for `timeout` seconds, or at once if not to `block`.
        """
        if not self._taken:
            batch = self._batches.take(timeout if block else 0)
            if batch is None:
                raise queue.Empty
            self._taken.extend(pickle.loads(batch))
        return self._taken.popleft()

    def qsize(self) -> int:
        """How many items were put and not taken out."""
        return int(self._batches.qsize()) + len(self._put)

    def _send(self) -> None:
        # An interruption leaves all of it for the next time: a metric sent twice does no harm.
        room = self._offer(self._put)
        fits = room >= len(self._put)
        if not fits and room > 0:
            self._offer(self._put[:room])
        self._put = []
        self._sent_at = time.monotonic()
        if not fits:
            raise queue.Full

    def _offer(self, items: list[Any]) -> int:
        return int(self._batches.offer(len(items), pickle.dumps(items, pickle.HIGHEST_PROTOCOL)))


class Manager:
    """What Diamond uses of a `multiprocessing.Manager`."""

    def __init__(
        self, context: multiprocessing.context.BaseContext, initialize: Callable[[], None]
    ) -> None:
        """Starts a process that calls `initialize` first.

        Raises:
            DiamondError: there is no place for the queue's socket.
        """
        self._folder = _short_folder() if _is_too_long(tempfile.gettempdir()) else None
        address = os.path.join(self._folder.name, "queue") if self._folder else None
        self._manager = _Manager(address, ctx=context)
        self._manager.start(initialize)

    def Queue(self, maxsize: int = 0) -> MetricQueue:
        """A queue for at most `maxsize` items, for any number if that is 0."""
        return MetricQueue(self._manager.batches(maxsize))

    def shutdown(self) -> None:
        self._manager.shutdown()
        if self._folder:
            self._folder.cleanup()


def _is_too_long(folder: str) -> bool:
    """Whether a socket's name below it would be: Linux takes 107 bytes, macOS 103."""
    return len(os.fsencode(folder)) + len("/pymp-01234567/listener-01234567") > 103


def _short_folder() -> tempfile.TemporaryDirectory[str]:
    for folder in SHORT_FOLDERS:
        with suppress(OSError):  # the next will do
            return tempfile.TemporaryDirectory(prefix="diamond3-", dir=folder)
    raise DiamondError(
        f"the name of the temporary folder {tempfile.gettempdir()} is too long for a socket in it, "
        f"and {' and '.join(SHORT_FOLDERS)} cannot be written to; set TMPDIR to another folder"
    )
