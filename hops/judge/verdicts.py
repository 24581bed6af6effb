"""What should be stored of a coil's scans: the series of a quantity, as numbers by epoch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from statistics import fmean
from typing import NamedTuple, Optional

from hops import control
from hops.control import Judged, Limits
from hops.graphiteweb import Series
from hops.judge.rules import Limit
from hops.quantities import WATCHED, Quantity
from hops.slope import Slope, slope
from hops.times import Period

NOTHING = -1.0
"""What is stored where there should be nothing and was something before, as of a service noted
later: Graphite cannot delete a point, and no watched quantity is less than 0."""

DIGITS = 12
"""Of a number that is stored: more would be noise of arithmetic."""

MARKS = ("beyond", "ewma_beyond", "beyond_limit")
"""The series that have a point only where something is bad."""

Points = dict[int, Optional[float]]


class Newest(NamedTuple):
    """The verdict on the newest scan that has a quantity."""

    epoch: int
    is_out: bool
    """Whether it is beyond its bad side, or the site's own limit."""
    days_to_learn: int
    is_slow: bool
    """Whether the moving average is beyond its bad side."""


class Verdicts(NamedTuple):
    """On one quantity of a coil."""

    series: Mapping[str, Points]
    """By the last levels of their paths: for each scan a number, or None for no point."""
    newest: Newest | None


def judge(
    quantity: Quantity,
    slices: Mapping[int, Series],
    services: Collection[int],
    fixed: Period | None = None,
    limit: Limit | None = None,
) -> Verdicts:
    """The verdicts on the values of a quantity in each slice, by the baseline that is `fixed` or
    begins anew at the `services`, epochs, and by the site's own `limit`."""
    means = control.judge(mean(slices), services, fixed)
    series: dict[str, Points] = defaultdict(dict)
    for judged in means:
        for name, value in _of_mean(quantity, judged, limit):
            series[name][judged.epoch] = None if value is None else rounded(value)
    for number, values in slices.items():
        series[f"slices.{number}"] = {
            judged.epoch: rounded(_sigmas(judged))
            for judged in control.judge(values, services, fixed)
        }
    if not means:
        return Verdicts(series, None)
    last = means[-1]
    # Of the newest scan alone: it is a year's, and no chart of its own.
    changed = slope({each.epoch: each.value for each in means}, services) or Slope(0.0, 0.0)
    series["slope"][last.epoch] = rounded(changed.percent)
    series["slope_margin"][last.epoch] = rounded(changed.margin)
    is_marked = {name: series[name][last.epoch] is not None for name in MARKS}
    is_out = (quantity in WATCHED and is_marked["beyond"]) or is_marked["beyond_limit"]
    is_slow = quantity in WATCHED and is_marked["ewma_beyond"]
    return Verdicts(series, Newest(last.epoch, is_out, last.days_to_learn, is_slow))


def mean(slices: Mapping[int, Series]) -> Series:
    """The mean over the slices that each scan has."""
    return {epoch: fmean(values) for epoch, values in by_scan(slices).items()}


def by_scan(slices: Mapping[int, Series]) -> dict[int, list[float]]:
    """The values of all slices in each scan, in the order of the scans."""
    found: dict[int, list[float]] = defaultdict(list)
    for series in slices.values():
        for epoch, value in series.items():
            found[epoch].append(value)
    return {epoch: found[epoch] for epoch in sorted(found)}


def _of_mean(
    quantity: Quantity, judged: Judged, limit: Limit | None
) -> Iterator[tuple[str, float | None]]:
    limits, value, average = judged.limits, judged.value, judged.average
    of_average = limits.of_average if limits else None
    yield "value", value
    yield "centre", limits.centre if limits else None
    yield "lower", limits.lower if limits else None
    yield "upper", limits.upper if limits else None
    # Also while it is learning, so that the last one is always that of the newest scan.
    yield "sigmas", _sigmas(judged)
    yield "beyond", value if _is_bad(quantity, value, limits) else None
    yield "ewma", average if limits else None
    yield "ewma_sigmas", of_average.sigmas(average) if of_average else 0.0
    yield "ewma_beyond", average if _is_bad(quantity, average, of_average) else None
    over = limit.over(value) if limit else None
    yield "limit", limit.value if limit else None
    yield "over_limit", over
    yield "beyond_limit", value if over is not None and over > 0 else None


def _sigmas(judged: Judged) -> float:
    return judged.limits.sigmas(judged.value) if judged.limits else 0.0


def _is_bad(quantity: Quantity, value: float, limits: Limits | None) -> bool:
    """Whether it is beyond a limit, and no better for that."""
    side = limits.side(value) if limits else 0
    return side != 0 and not quantity.is_better(side)


def rounded(value: float) -> float:
    """A number as it is stored."""
    return float(f"{value:.{DIGITS}g}")
