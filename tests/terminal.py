"""For programs that a test starts as a person at a terminal does."""

from __future__ import annotations

import signal


def hear_the_terminal() -> None:
    """Has this process end with its terminal: a shell has its background jobs ignore the one
    signal, nohup the other."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
