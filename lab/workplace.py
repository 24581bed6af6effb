"""A place for what is started: a temporary folder that goes with the program."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
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


def _end(number: int, _: object) -> None:
    """Ends the program in good order, which nothing that comes meanwhile may disturb."""
    for each in ENDINGS:
        signal.signal(each, lambda *_: None)
    if number == signal.SIGHUP:  # nothing can be written to a terminal that has gone
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
    sys.exit(128 + number)
