"""The state a scanner is in during a scan: its age since the last service visit, the season, the
day's luck and the coil elements that fail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from random import Random

from sample_data.mathematics import draw, normal, wander
from sample_data.scanners import MONDAY, Failure
from sample_data.schedule import DAYS_A_YEAR, Scan

# Ageing, a year since the last service visit; relative to a scanner just serviced.
SNR_LOSS_A_YEAR = 0.035
WARMING_GROWTH_A_YEAR = 0.9
GHOST_GROWTH_A_YEAR = 0.12
UNREST_GROWTH_A_YEAR = 0.06
ADJUSTMENT = 0.012  # scatter of the signal level that a visit leaves the receiver adjusted to

WARMEST_DAY = 200  # of the year: mid July, when the cooling works hardest
MONDAY_WARMING = 1.25  # gradients that rested over the weekend warm up more
MISPLACED = 1 / 50  # of the scans have the phantom visibly off its place
MISPLACEMENT = 0.05  # of the phantom's length
PLACING = 0.003  # of the phantom's length: scatter of its place in all the other scans
UNSETTLED = 1 / 60  # of the scans run while something nearby disturbs the scanner
UNSETTLED_UNREST = 1.7

# A failing coil element.
FAILURE_DAYS = 40.0  # time constant of the decay
FAILURE_REACH = 0.15  # distance along the phantom at which its effect has fallen to 1/e


@dataclass(frozen=True)
class Variation:
    """How a quantity varies about its level, relative to it.

    From scan to scan: with the `season` (in mid July; the opposite in mid January), a `slow`
    wander over weeks and `daily` scatter. From slice to slice: a `pattern` that stays, and the
    `grain` of each scan.
    """

    season: float
    slow: float
    daily: float
    pattern: float = 0.0
    grain: float = 0.0


VARIATIONS = {
    # A warmer phantom has less magnetisation and a longer T1: less signal in summer.
    "signal": Variation(-0.006, slow=0.004, daily=0.002, pattern=0.003, grain=0.0003),
    # SNR depends on how each slice lies to the coil's elements: a strong pattern.
    "snr": Variation(-0.010, slow=0.010, daily=0.010, pattern=0.040, grain=0.012),
    "ghost": Variation(0.020, slow=0.020, daily=0.015, pattern=0.030, grain=0.008),
    # Cooling water is warmer in summer.
    "warming": Variation(0.120, slow=0.100, daily=0.120),
    "unrest": Variation(0.000, slow=0.050, daily=0.050),
}


@dataclass(frozen=True)
class Condition:
    """The scanner's state during one scan, as factors on the profiles of a coil just serviced.

    `offset` is how far the phantom lies off its place, in parts of its length; `failures` are
    pairs of an element's position and how much of it has failed, 0 to 1.
    """

    signal: float
    snr: float
    ghost: float
    warming: float
    unrest: float
    offset: float
    failures: tuple[tuple[float, float], ...]

    def failed(self, place: float) -> float:
        """How much the failing elements matter at that place along the phantom, 0 to 1."""
        return sum(
            extent * math.exp(-(((place - position) / FAILURE_REACH) ** 2))
            for position, extent in self.failures
        )


def condition_during(scan: Scan, rng: Random) -> Condition:
    """The scanner's state: ageing since the last service, season, slow wander, the day's noise."""
    day = scan.time.date()
    services = [service for service in scan.scanner.history.services if service < day]
    age = (day - max(services)).days / DAYS_A_YEAR if services else 0.0
    season = math.cos(2 * math.pi * (day.timetuple().tm_yday - WARMEST_DAY) / DAYS_A_YEAR)

    def varied(quantity: str) -> float:
        variation = VARIATIONS[quantity]
        return math.exp(
            variation.season * season
            + variation.slow * wander(f"{scan.source}/{quantity}", day)
            + variation.daily * normal(rng)
        )

    misplaced = MISPLACEMENT if rng.random() < MISPLACED else 0.0
    unsettled = UNSETTLED_UNREST if rng.random() < UNSETTLED else 1.0
    monday = MONDAY_WARMING if day.weekday() == MONDAY else 1.0
    adjustment = 1 + ADJUSTMENT * draw(f"{scan.source}/adjustment", len(services))
    return Condition(
        signal=adjustment * varied("signal"),
        snr=(1 - SNR_LOSS_A_YEAR * age) * varied("snr"),
        ghost=(1 + GHOST_GROWTH_A_YEAR * age) * varied("ghost"),
        warming=(1 + WARMING_GROWTH_A_YEAR * age) * monday * varied("warming"),
        unrest=(1 + UNREST_GROWTH_A_YEAR * age) * unsettled * varied("unrest"),
        offset=misplaced * rng.choice((-1, 1)) + PLACING * normal(rng),
        failures=tuple(
            (failure.position, extent_of(failure, day, rng))
            for failure in scan.scanner.history.failures
            if failure.channels == scan.coil.channels
        ),
    )


def extent_of(failure: Failure, day: date, rng: Random) -> float:
    """How much of the element has failed, 0 to 1: it decays, with better and worse days."""
    # Drawn whether it fails or not: so the scan's other random numbers stay the same.
    contact = 0.75 + 0.25 * rng.random()
    if day < failure.since or (failure.repaired is not None and day >= failure.repaired):
        return 0.0
    return contact * (1 - math.exp(-(day - failure.since).days / FAILURE_DAYS))
