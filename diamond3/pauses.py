"""How long a collector that did not start, or has ended, is left alone before it is tried again."""

import time
from typing import Callable

FIRST = 1.0
LONGEST = 300.0


class Pauses:
    """Pauses that double, one for each name.

    What then works for ten times as long as its pause was begins with the first one again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pauses: dict[str, float] = {}
        self._ends: dict[str, float] = {}

    def begin(self, name: str) -> float:
        """Begins the next pause of what has failed; its seconds."""
        pause = FIRST
        if name in self._pauses:
            has_worked = self._clock() - self._ends[name] > 10 * self._pauses[name]
            pause = FIRST if has_worked else min(2 * self._pauses[name], LONGEST)
        self._pauses[name] = pause
        self._ends[name] = self._clock() + pause
        return pause

    def is_over(self, name: str) -> bool:
        """Whether it may be tried again, or for the first time."""
        return name not in self._ends or self._clock() >= self._ends[name]

    def forget(self) -> None:
        """Everything may be tried at once."""
        self._pauses.clear()
        self._ends.clear()
