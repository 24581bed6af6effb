"""A command that ends, though the system never answers what it asked of a share.

A process cannot end while one of its threads is held by the system. So the command runs in a
process of its own, which tells how it ends, and is left behind if it has to be.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from stability_errand import Errand

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Of Linux; see prctl(2).
PR_SET_PDEATHSIG = 1


def run(command: Callable[[], object]) -> NoReturn:
    """Ends this process as `command` ends, which raises SystemExit or returns."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        _end_as(child, reader)
    os.close(reader)
    # What a person types comes to this process once only, from the other one.
    os.setpgid(0, 0)
    _die_with_parent()
    try:
        command()
    except SystemExit as end:
        if not _is_held():
            raise
        _leave(end.code if isinstance(end.code, int) else bool(end.code), writer)
    sys.exit()


def _end_as(child: int, reader: int) -> NoReturn:
    for number in FORWARDED:
        signal.signal(number, lambda number, _: os.kill(child, number))
    told = os.read(reader, 1)
    if told:
        os._exit(told[0])
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _is_held() -> bool:
    return any(isinstance(thread, Errand) for thread in threading.enumerate())


def _leave(code: int, writer: int) -> NoReturn:
    """Lets go of what others wait for, tells how it ends, and ends when the system lets it."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for descriptor in range(3):
        os.close(descriptor)
    os.write(writer, bytes([code]))
    os._exit(code)
