"""Control charts of individual values: limits from a baseline, and what lies beyond them.

W. A. Shewhart's chart with a centre line at the mean of the baseline and limits three standard
deviations away, for one value at a time: NIST/SEMATECH e-Handbook of Statistical Methods,
6.3.2.2, https://www.itl.nist.gov/div898/handbook/pmc/section3/pmc322.htm.

This is the only definition: the judge stores what it says, and pages, alerts and reports read that.

- A day's value is that of its last scan: a scan that was repeated replaces the one that went
  wrong. Days are UTC's, as Graphite's are.
- The baseline of a scan is the HISTORY that ended LAG before it: the year before, without its last
  two months. A coil element dies over weeks: a baseline up to yesterday would die with it, and
  call a dead element normal. A year has all seasons in it. In the sample data, half a year that
  ended a month before takes sound coils for bad ones as often, and does not see the slices that
  fail.
- A service may change what is normal: nothing before the last service note counts.
- Where the baseline has scans on fewer than FEWEST days, it is the first FEWEST days with a scan
  since the note, or of all, so that limits go on without a jump once there are more. Until there
  are so many before a scan's day, the chart is learning: it has no limits.
- The standard deviation is that of all values of the baseline, and not the mean moving range/1.128.
  The latter sees only how one scan differs from the next. Scanners also wander over weeks and with
  the season, which are no faults: in the sample data, limits from the moving range take a sound
  coil for a bad one on a third of all days. J. D. Cryer and T. P. Ryan recommend the former too:
  The Estimation of Sigma for an X Chart: MR/d2 or S/c4?, Journal of Quality Technology 22 (1990)
  187-192.
- What changes slowly is seen by a second chart, that of the exponentially weighted moving average
  (S. W. Roberts, Technometrics 1 (1959) 239-250; handbook, 6.3.2.4): a scan counts with a weight of
  EWMA_WEIGHT, those before it with the rest, and the limits are EWMA_WIDTH of the average's
  standard deviations from the same centre line. A scan counts no more than one on its limit, so
  that a misplaced phantom is not taken for a slow change. The handbook's width of 3 is for
  independent scans; with it sound coils of the sample data alarm for a quarter of the time. With 5
  they alarm less often than by single scans, SNR 163 times and not 178 in 96 years of coils, and
  the element that fails is seen a week earlier.
- What is judged is a scan to come, by a mean and a deviation that so few days do not tell exactly:
  the deviation is made as much greater as it takes for WIDTH of them to hold of such a scan what
  WIDTH standard deviations hold of a normal distribution (`predicted`): 21 % for 20 days, 1 % for
  305. Without it sound coils of the sample data are called bad more often by the first days after a
  service than by a year: the signal on 9 % of the days, now on 4 %.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, groupby
from statistics import NormalDist
from typing import NamedTuple, Optional

from hops import student
from hops.times import DAY, Period

WIDTH = 3
"""Of the limits, in standard deviations, for a chart that is looked at alone."""

FEWEST = 20
"""Days with scans that limits are taken from: Montgomery asks for 20 to 25 values."""

HISTORY = 305
LAG = 60
"""Days that the baseline lasts, and that it ended before."""

EWMA_WEIGHT = 0.2
EWMA_WIDTH = 5
"""Of the newest scan in the moving average, and of its limits in its standard deviations."""

MOST_SIGMAS = 100.0
"""No value is called farther away: of a baseline that never varied, every other one is."""

ROUNDING = 1e-9
_UNITS = 2**80
"""Values are summed as whole numbers of such parts of 1. Such sums are exact: the difference of two
is that of the days between, and it does not matter where one began to sum."""


@dataclass(frozen=True)
class Limits:
    """Centre line and standard deviation of a scan to come, in the unit of the values; the limits
    are `width` standard deviations away."""

    centre: float
    sigma: float
    width: float = WIDTH

    @property
    def distance(self) -> float:
        """Of the limits from the centre line."""
        return self.width * self.sigma

    @property
    def lower(self) -> float:
        """The lower limit; 0, which nothing is below, where it would be less."""
        return max(0.0, self.centre - self.distance)

    @property
    def upper(self) -> float:
        """The upper limit."""
        return self.centre + self.distance

    @property
    def of_average(self) -> Limits:
        """Those of the moving average."""
        narrower = math.sqrt(EWMA_WEIGHT / (2 - EWMA_WEIGHT))
        return Limits(self.centre, self.sigma * narrower, EWMA_WIDTH)

    def sigmas(self, value: float) -> float:
        """How many standard deviations a value is above the centre line; negative: below."""
        away = value - self.centre
        if abs(away) <= ROUNDING * abs(self.centre):
            return 0.0
        if abs(away) >= MOST_SIGMAS * self.sigma:
            return math.copysign(MOST_SIGMAS, away)
        return away / self.sigma

    def side(self, value: float) -> int:
        """1 for a value above the upper limit, -1 for one below the lower, 0 in between."""
        slack = ROUNDING * abs(self.centre)
        if value > self.upper + slack:
            return 1
        return -1 if value < self.lower - slack else 0


class Baseline(NamedTuple):
    """What limits are from: the last scans of so many `days`, from one epoch to another."""

    since: int
    until: int
    days: int


class Judged(NamedTuple):
    """A scan's value in a chart, and the limits for it."""

    epoch: int
    value: float
    average: float
    """The moving average of the scans up to this one."""
    limits: Limits | None
    """None while the chart is learning."""
    baseline: Baseline | None
    days_to_learn: int
    """Days with scans that are still needed; 0 where there are limits."""


def judge(
    series: Mapping[int, float], notes: Iterable[int] = (), fixed: Period | None = None
) -> list[Judged]:
    """Every value of a chart, by epoch, with the limits for it, oldest first.

    `notes`: when services changed what is normal, as epochs. `fixed`: the baseline of all scans,
    as for an accreditation; notes then change nothing.
    """
    services = sorted(notes) if fixed is None else []
    judged = []
    for _, since_service in groupby(sorted(series), lambda epoch: bisect_right(services, epoch)):
        scans = {epoch: series[epoch] for epoch in since_service}
        history, average = _History(_within(scans, fixed)), _Average()
        for epoch, value in scans.items():
            found = history.before(epoch) if fixed is None else history.of_all_days()
            judged.append(Judged(epoch, value, average.add(epoch, value, found[0]), *found))
    return judged


def _within(series: Mapping[int, float], period: Period | None) -> Mapping[int, float]:
    if period is None:
        return series
    return {epoch: series[epoch] for epoch in series if period.since <= epoch <= period.until}


Found = tuple[Optional[Limits], Optional[Baseline], int]
"""Limits, what they are from, and how many days they lack."""


class _Average:
    """The moving average of the days since the last service, of each day the last scan."""

    def __init__(self) -> None:
        self._day = -1
        self._value: float | None = None
        self._before: float | None = None

    def add(self, epoch: int, value: float, limits: Limits | None) -> float:
        """The average with a scan, later than all before."""
        if epoch // DAY != self._day:
            self._day, self._before = epoch // DAY, self._value
        counted = min(max(value, limits.lower), limits.upper) if limits else value
        before = counted if self._before is None else self._before
        self._value = before + EWMA_WEIGHT * (counted - before)
        return self._value


class _History:
    """The days of a chart, and the limits that some of them give."""

    def __init__(self, series: Mapping[int, float]) -> None:
        # Of each day the last scan.
        self._epochs = [*{epoch // DAY: epoch for epoch in sorted(series)}.values()]
        values = [int(series[epoch] * float(_UNITS)) for epoch in self._epochs]
        # Of no day, the first, the first two, and so on.
        self._sums = [0, *accumulate(values)]
        self._sums_of_squares = [0, *accumulate(value**2 for value in values)]

    def before(self, epoch: int) -> Found:
        """What holds for a scan, by the days before its own."""
        day = epoch // DAY
        first, end = self._days_before(day - LAG - HISTORY + 1), self._days_before(day - LAG + 1)
        if end - first >= FEWEST:
            return self._found(first, end)
        days = self._days_before(day)
        return self._found(0, FEWEST) if days >= FEWEST else _learning(days)

    def of_all_days(self) -> Found:
        """What holds if all days are the baseline."""
        days = len(self._epochs)
        return self._found(0, days) if days >= FEWEST else _learning(days)

    def _days_before(self, day: int) -> int:
        return bisect_left(self._epochs, day * DAY)

    def _found(self, first: int, end: int) -> Found:
        """What the days give, from one index up to another."""
        days = end - first
        total = self._sums[end] - self._sums[first]
        squares = self._sums_of_squares[end] - self._sums_of_squares[first]
        scale = days * _UNITS
        sigma = predicted(math.isqrt(days * squares - total * total) / scale, days)
        baseline = Baseline(self._epochs[first], self._epochs[end - 1], days)
        return Limits(total / scale, sigma), baseline, 0


def _learning(days: int) -> Found:
    return None, None, FEWEST - days


def predicted(deviation: float, days: int) -> float:
    """The standard deviation of a scan to come, by the population's `deviation` of so many days:
    limits are those of a prediction interval for one more value. G. J. Hahn and W. Q. Meeker,
    Statistical Intervals, chapter 4."""
    probability = NormalDist().cdf(WIDTH)
    wider = student.quantile(probability, days - 1) / WIDTH
    return deviation * wider * math.sqrt((days + 1) / (days - 1))


def width_for(charts: int) -> float:
    """How many standard deviations away the limits of so many charts are, so that all of them
    together give as few false alarms as one with WIDTH (Bonferroni's correction)."""
    if charts == 1:
        return WIDTH
    normal = NormalDist()
    return -normal.inv_cdf(normal.cdf(-WIDTH) / charts)
