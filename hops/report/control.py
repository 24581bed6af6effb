"""Control charts of individual values: limits from a baseline, and what lies beyond them.

W. A. Shewhart's chart with a centre line at the mean of the baseline and limits three standard
deviations away, for one value at a time: NIST/SEMATECH e-Handbook of Statistical Methods,
6.3.2.2, https://www.itl.nist.gov/div898/handbook/pmc/section3/pmc322.htm.

The standard deviation is s/c4 of all values of the baseline, and not the mean moving range/1.128.
The latter sees only how one scan differs from the next. Scanners also wander over weeks and with
the season, which are no faults: in the sample data, limits from the moving range take a sound coil
for a bad one on a third of all days. Of the two, s/c4 is what J. D. Cryer and T. P. Ryan recommend:
The Estimation of Sigma for an X Chart: MR/d2 or S/c4?, Journal of Quality Technology 22 (1990)
187-192.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

WIDTH = 3.0
"""Of the limits, in standard deviations, for a chart that is looked at alone."""

FEWEST = 20
"""Scans that limits are taken from: D. C. Montgomery, Introduction to Statistical Quality Control,
asks for 20 to 25."""

DAY = 86400
BASELINE_BEGINS = 365 * DAY
BASELINE_ENDS = 90 * DAY
"""Before the newest scan, in seconds: a year has all seasons in it, and what went wrong in the
last three months does not widen the limits."""

ROUNDING = 1e-9


@dataclass(frozen=True)
class Limits:
    """Centre line and distance of the limits from it, in the unit of the values."""

    centre: float
    distance: float

    @property
    def lower(self) -> float | None:
        """The lower limit; None where it is not above 0, as no quantity here goes below."""
        lower = self.centre - self.distance
        return lower if lower > 0 else None

    @property
    def upper(self) -> float:
        """The upper limit."""
        return self.centre + self.distance

    def side(self, value: float) -> int:
        """1 for a value above the upper limit, -1 for one below the lower, 0 in between."""
        slack = ROUNDING * abs(self.centre)
        if value > self.upper + slack:
            return 1
        return -1 if self.lower is not None and value < self.lower - slack else 0


@dataclass(frozen=True)
class Baseline:
    """The scans that limits are taken from: those from `since` to `until`, both epochs."""

    since: int
    until: int
    scans: int

    def of(self, series: Mapping[int, float]) -> list[float]:
        """The values of a series, by epoch, that belong to it."""
        return [value for epoch, value in series.items() if self.since <= epoch <= self.until]


@dataclass(frozen=True)
class Run:
    """The newest scans in a row that are beyond one limit: the first of them, and how many."""

    side: int
    since: int
    scans: int


def limits(values: Sequence[float], width: float = WIDTH) -> Limits | None:
    """The limits from a baseline's values, `width` standard deviations from their mean; None when
    they are fewer than FEWEST."""
    if len(values) < FEWEST:
        return None
    return Limits(fmean(values), width * sigma(values))


def sigma(values: Sequence[float]) -> float:
    """The standard deviation s/c4, in the unit of the values, of two values or more."""
    return stdev(values) / c4(len(values))


def c4(count: int) -> float:
    """What the standard deviation s of so many values is on average, as a part of the true one.

    c4(n) = sqrt(2/(n-1)) gamma(n/2) / gamma((n-1)/2): Montgomery, appendix VI.
    """
    ratio = math.lgamma(count / 2) - math.lgamma((count - 1) / 2)
    return math.sqrt(2 / (count - 1)) * math.exp(ratio)


def width_for(charts: int) -> float:
    """How many standard deviations away the limits of so many charts are, so that all of them
    together give as few false alarms as one with WIDTH (Bonferroni's correction)."""
    if charts == 1:
        return WIDTH
    normal = NormalDist()
    return -normal.inv_cdf(normal.cdf(-WIDTH) / charts)


def choose_baseline(scans: Sequence[int], notes: Sequence[int]) -> Baseline | None:
    """The baseline for the newest of the `scans`, given when they and service `notes` were.

    It is the scans from BASELINE_BEGINS to BASELINE_ENDS before the newest, but those since the
    last note where they are enough: a service may change what is normal. Where they are too few,
    as for a new scanner, it is the first FEWEST scans; None where there are not even those and
    one more.
    """
    if not scans:
        return None
    begin, end = scans[-1] - BASELINE_BEGINS, scans[-1] - BASELINE_ENDS
    for since in (*sorted(notes, reverse=True), begin):
        baseline = baseline_between(scans, max(since, begin), end)
        if baseline:
            return baseline
    before = scans[:-1]
    return baseline_between(before[:FEWEST], before[0], before[-1]) if before else None


def baseline_between(scans: Sequence[int], since: int, until: int) -> Baseline | None:
    """The baseline of the scans from `since` to `until`; None when they are fewer than FEWEST."""
    inside = [epoch for epoch in scans if since <= epoch <= until]
    return Baseline(inside[0], inside[-1], len(inside)) if len(inside) >= FEWEST else None


def newest_run(series: Mapping[int, float], within: Limits) -> Run | None:
    """How long the newest values of a series, by epoch, have been beyond one limit; None when the
    newest is not."""
    epochs = sorted(series, reverse=True)
    side = within.side(series[epochs[0]]) if epochs else 0
    if not side:
        return None
    count = next(
        (index for index, epoch in enumerate(epochs) if within.side(series[epoch]) != side),
        len(epochs),
    )
    return Run(side, epochs[count - 1], count)
