"""How a quantity has changed over the last year, and how sure that is.

The slope of a line through the means of thirty days each, by least squares, with a 95 % confidence
interval. Scans of neighbouring days are alike, as scanners wander for weeks: so many scans are
fewer independent values than they seem, and an interval that takes them for independent misses the
truth in four of ten years of the sample data. Means of thirty days, counted for
n (1 - r) / (1 + r) values when neighbours correlate by r, miss it in one of ten. B. D. Santer et
al., Journal of Geophysical Research 105:7337-7356 (2000), section 3.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import NamedTuple

from hops import student
from hops.times import DAY

YEAR = 365 * DAY
MONTH = 30 * DAY
MONTHS = 12
FEWEST_MONTHS = 6
"""That a slope is of, and that it is of at least: since the last service, and with scans."""
LEAST_DEGREES = 2
CONFIDENCE = 0.95


class Slope(NamedTuple):
    """A change in percent of the mean a year, and how far the truth may be from it either way: one
    that is less than that is none."""

    percent: float
    margin: float


def slope(series: Mapping[int, float], notes: Iterable[int] = ()) -> Slope | None:
    """That of the year that ends with the last value of a series, by epoch; None where there are
    too few months. What was before the last of the `notes`, epochs, does not count."""
    end = max(series, default=0)
    since = max((note for note in notes if note <= end), default=0)
    months: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for epoch, value in series.items():
        if epoch > end - MONTHS * MONTH and epoch >= since:
            months[(end - epoch) // MONTH].append(((epoch - end) / YEAR, value))
    if len(months) < FEWEST_MONTHS:
        return None
    times = [fmean(time for time, _ in months[each]) for each in sorted(months)]
    values = [fmean(value for _, value in months[each]) for each in sorted(months)]
    return _slope(times, values)


def _slope(times: list[float], values: list[float]) -> Slope | None:
    time, value = fmean(times), fmean(values)
    if not value:
        return None
    spread = sum((each - time) ** 2 for each in times)
    a_year = sum((t - time) * (v - value) for t, v in zip(times, values)) / spread
    left = [v - value - a_year * (t - time) for t, v in zip(times, values)]
    squares = sum(each**2 for each in left)
    alike = sum(one * other for one, other in zip(left, left[1:])) / squares if squares else 0.0
    independent = len(left) * (1 - max(0.0, alike)) / (1 + max(0.0, alike))
    degrees = max(independent - 2, LEAST_DEGREES)
    error = math.sqrt(squares / degrees / spread)
    margin = student.quantile((1 + CONFIDENCE) / 2, degrees) * error
    return Slope(100 * a_year / value, 100 * margin / abs(value))
