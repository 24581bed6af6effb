r"""Graphite queries: what is asked of the render API, as text.

The control charts are those of `hops report`, whose limits `hops.control` explains. Scans
are sparse, a point a day among slots without any, so that

- the slices of a scan, which are in one slot, are averaged first, and then the day's last
  scan stands for the day (`summarize`);
- there are no limits where the history has scans on less than LEAST of its days.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hops import control

HISTORY = f"{control.HISTORY}d"
LAG = f"{control.LAG}d"
LEAST = round((control.FEWEST - 0.5) / control.HISTORY, 3)
SIGMAS = control.WIDTH

# The heat map's: cells of a week, which is what a year has room for.
WEEK = "7d"
HISTORY_IN_WEEKS = "308d"
LAG_IN_WEEKS = "56d"
LEAST_WEEKS = 0.15

# Of a location; a scanner's path has one node a level.
LEVELS = (1, 2, 3, 4)


class Limits(NamedTuple):
    """A control chart's lines, as queries with a value a day."""

    centre: str
    lower: str
    upper: str


def scans(metric: str) -> str:
    """The mean of the slices (or whatever series) of `metric`, at the times of the scans."""
    return f"averageSeries({metric})"


def daily(metric: str) -> str:
    """The day's last scan, at the beginning of its UTC day."""
    return f"summarize({scans(metric)},'1d','last')"


def centre(metric: str) -> str:
    """The mean of the history, whose newest day counts only up to the time of day it is now."""
    return _history(daily(metric), "average")


def sigma(metric: str) -> str:
    """The (population) standard deviation in the history, in the metric's unit."""
    return _history(daily(metric), "stddev")


def _history(series: str, function: str) -> str:
    # In this order, because Graphite evaluates what is in a timeShift twice.
    return f"movingWindow(timeShift({series},'{LAG}'),'{HISTORY}','{function}',{LEAST})"


def limits(metric: str) -> Limits:
    """The centre line and SIGMAS standard deviations below and above it."""
    distance = f"scale({sigma(metric)},{SIGMAS})"
    return Limits(
        centre(metric),
        f"diffSeries({centre(metric)},{distance})",
        f"sumSeries({centre(metric)},{distance})",
    )


def deviation(metric: str) -> str:
    """How many standard deviations each day's scan is from the centre line: (x - m) / s.

    The difference of no scan and the centre line is the centre line to Graphite; a product has no
    value where one of its factors has none. And a product keeps the name that its factors have in
    common, which is what an alert is called by.
    """
    difference = f"diffSeries({daily(metric)},{centre(metric)})"
    return f"multiplySeries({_one(daily(metric))},{difference},invert({sigma(metric)}))"


def _one(series: str) -> str:
    """1 where the series has a value, and nothing elsewhere."""
    return f"offset(scale({series},0),1)"


def marked(metric: str, deviations: str) -> str:
    """The day's scan where `deviations` has a value; nothing elsewhere."""
    return f"multiplySeries({daily(metric)},{_one(deviations)})"


def above(metric: str) -> str:
    """The scans above the upper limit."""
    return marked(metric, f"removeBelowValue({deviation(metric)},{SIGMAS})")


def below(metric: str) -> str:
    """The scans below the lower limit."""
    return marked(metric, f"removeAboveValue({deviation(metric)},-{SIGMAS})")


def beyond(metric: str) -> str:
    """The scans beyond either limit."""
    return marked(metric, f"removeBelowValue(absolute({deviation(metric)}),{SIGMAS})")


def by_slice(metric: str) -> str:
    r"""A series for each slice, called by its number, in the order of the slices."""
    return f"sortByName({_slice_names(metric)},true)"


def weeks_by_slice(metric: str) -> str:
    """For each slice, the mean of a week in percent of the slice's centre line."""
    week = f"summarize({metric},'{WEEK}','avg')"
    shifted = f"timeShift({week},'{LAG_IN_WEEKS}')"
    history = f"movingWindow({shifted},'{HISTORY_IN_WEEKS}','average',{LEAST_WEEKS})"
    return f"sortByName({_slice_names(f'scale(divideSeriesLists({week},{history}),100)')},true)"


def _slice_names(series: str) -> str:
    # Of the first path in a name the last node. No dollar sign, which is Grafana's.
    return rf"aliasSub({series},'^(?:\w+\()*[^,()]*\.(\d+)(?:[,()].*)?','\1')"


def age(metric: str) -> str:
    """Seconds since the last scan, to within a slot: t - k as k * (t/k - 1), where k is the time of
    the last scan up to the time t; a product has no value before the first scan."""
    then = f"keepLastValue(divideSeries({_clock()},{_one(scans(metric))}))"
    return f"multiplySeries({then},offset(divideSeries({_clock()},{then}),-1))"


def _clock() -> str:
    # A slot of an hour begins when its first ten minutes do.
    return "consolidateBy(time('clock',600),'min')"


def named(series: str, name: str) -> str:
    return f"alias({series},'{name}')"


def any_location(prefix: str, below: str) -> str:
    """The series `below` every location under `prefix`, however many levels it has."""
    return _group(f"{prefix}.StabilityCollector.{'.'.join('*' * n)}.{below}" for n in LEVELS)


def for_each_coil(prefix: str, section: str, template: str) -> str:
    """`template`, in which % stands for the path of a coil, for each coil with recent scans.

    The coil is four nodes before the end of its series: coil, section, column, slice.
    """
    series = any_location(prefix, f"*.{section}.*")
    return f'applyByNode({series},-4,"{template}","%")'


def _group(series: Iterable[str]) -> str:
    return f"group({','.join(series)})"
