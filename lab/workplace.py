"""A place for what is started: a temporary folder, and processes, that go with the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Ctrl-C, what asks a program to end, and a terminal that closes.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def workplace(name: str) -> Iterator[Path]:
    """A folder called by `name`, until the program ends, also by one of ENDINGS: then with 128 and
    the signal's number, as a shell has it."""
    for number in ENDINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _end)
    try:
        with tempfile.TemporaryDirectory(prefix=f"hops-{name}-") as folder:
            yield Path(folder)
    except SystemExit as end:
        if end.code in [128 + number for number in ENDINGS]:
            print("Stopped; the temporary folder is gone.")
        raise


@contextmanager
def running(start: Callable[[], subprocess.Popen[bytes]]) -> Iterator[subprocess.Popen[bytes]]:
    """The process that `start` starts; it is ended in good order if it has not ended by itself."""
    process = None
    try:
        with end_put_off():
            process = start()
        yield process
    finally:
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait()


@contextmanager
def end_put_off() -> Iterator[None]:
    """Has an end of the program that comes meanwhile wait: a process that was started, but that
    nobody knows yet, would be left behind."""
    came: list[int] = []
    ours = [number for number in ENDINGS if signal.getsignal(number) is _end]
    for number in ours:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, _end)
        if came:
            _end(came[0], None)


def _end(number: int, _: object) -> None:
    """Ends the program in good order, which nothing that comes meanwhile may disturb."""
    for each in ENDINGS:
        signal.signal(each, lambda *_: None)
    if number == signal.SIGHUP:  # nothing can be written to a terminal that has gone
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
    sys.exit(128 + number)
