"""What it costs to judge the scans of a coil."""

from __future__ import annotations

import random
import time

from benchmarks.results import Result
from hops.judge.verdicts import judge
from hops.quantities import QUANTITIES
from hops.times import DAY

SLICES = 16
# The year that is judged comes after a history.
YEARS = 2
ROUNDS = 3


def a_year_of_a_coil() -> Result:
    """Processor time for a year of daily scans, of 16 slices: all quantities."""
    values = random.Random(20261126)
    slices = {
        number: {day * DAY: values.gauss(300, 3) for day in range(YEARS * 365)}
        for number in range(1, SLICES + 1)
    }
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for quantity in QUANTITIES:
            judge(quantity, slices, [])
        seconds.append((time.process_time() - start) / YEARS)
    return Result("judging a year of a coil, processor time", min(seconds), "s", 0.5, "the limit")
