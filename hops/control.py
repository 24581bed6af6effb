"""Control charts of individual values: limits from a baseline, and what lies beyond them.

W. A. Shewhart's chart with a centre line at the mean of the baseline and limits three standard
deviations away, for one value at a time: NIST/SEMATECH e-Handbook of Statistical Methods,
6.3.2.2, https://www.itl.nist.gov/div898/handbook/pmc/section3/pmc322.htm.

The dashboards ask Graphite for the same limits, with the constants below, so that page and report
show the same numbers:

- A day's value is that of its last scan: a scan that was repeated replaces the one that went
  wrong. Days are UTC's, as Graphite's are.
- The baseline is the HISTORY that ended LAG before the newest scan: the year before it, without its
  last two months. A coil element dies over weeks: a baseline up to yesterday would die with it, and
  call a dead element normal. A year has all seasons in it. In the sample data, half a year that
  ended a month before takes sound coils for bad ones as often, and does not see the slices that
  fail.
- The standard deviation is that of all values of the baseline, and not the mean moving range/1.128.
  The latter sees only how one scan differs from the next. Scanners also wander over weeks and with
  the season, which are no faults: in the sample data, limits from the moving range take a sound
  coil for a bad one on a third of all days. J. D. Cryer and T. P. Ryan recommend the former too:
  The Estimation of Sigma for an X Chart: MR/d2 or S/c4?, Journal of Quality Technology 22 (1990)
  187-192.
- It is the population's, divided by n, which is the one that Graphite has, and not their s/c4. It
  is 4 % smaller for 20 values and 0.5 % for 150 (c4 is 0.9869 and 0.9983), when so many values
  tell a standard deviation to within 16 % and 6 %, sqrt(1 - c4^2): D. C. Montgomery, Introduction
  to Statistical Quality Control, appendix VI.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, pstdev

from hops.times import DAY

WIDTH = 3
"""Of the limits, in standard deviations, for a chart that is looked at alone."""

FEWEST = 20
"""Days with scans that limits are taken from: Montgomery asks for 20 to 25 values."""

HISTORY = 305
LAG = 60
"""Days that the baseline lasts, and that it ended before."""

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
    """The scans that limits are taken from: those from `since` to `until`, both epochs, on so many
    `days`."""

    since: int
    until: int
    days: int

    def of(self, series: Mapping[int, float]) -> list[float]:
        """The values of a series, by epoch, that belong to it: a day's last."""
        inside = (epoch for epoch in sorted(series) if self.since <= epoch <= self.until)
        return list({epoch // DAY: series[epoch] for epoch in inside}.values())


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
    return Limits(fmean(values), width * pstdev(values))


def width_for(charts: int) -> float:
    """How many standard deviations away the limits of so many charts are, so that all of them
    together give as few false alarms as one with WIDTH (Bonferroni's correction)."""
    if charts == 1:
        return WIDTH
    normal = NormalDist()
    return -normal.inv_cdf(normal.cdf(-WIDTH) / charts)


def choose_baseline(scans: Sequence[int], notes: Sequence[int]) -> Baseline | None:
    """The baseline for the newest of the `scans`, given when they and service `notes` were.

    It is the scans of the HISTORY that ended LAG before the newest, but those since the last note
    where they are enough: a service may change what is normal. Where they are too few, as for a new
    scanner, it is the scans of the first FEWEST days; None where there are not even those before
    the newest's day.
    """
    if not scans:
        return None
    newest = scans[-1] // DAY
    end = (newest - LAG + 1) * DAY
    begin = end - HISTORY * DAY
    for since in (*sorted(notes, reverse=True), begin):
        baseline = baseline_between(scans, max(since, begin), end - 1)
        if baseline:
            return baseline
    first_days = _days(epoch for epoch in scans if epoch // DAY < newest)[:FEWEST]
    return baseline_between(scans, scans[0], first_days[-1] * DAY + DAY - 1) if first_days else None


def baseline_between(scans: Sequence[int], since: int, until: int) -> Baseline | None:
    """The baseline of the scans from `since` to `until`; None when they are on fewer days than
    FEWEST."""
    inside = [epoch for epoch in scans if since <= epoch <= until]
    days = len(_days(inside))
    return Baseline(inside[0], inside[-1], days) if days >= FEWEST else None


def _days(epochs: Iterable[int]) -> list[int]:
    """The numbers of the days that the epochs are in, in order."""
    return sorted({epoch // DAY for epoch in epochs})


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
