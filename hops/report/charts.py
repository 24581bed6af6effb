"""The charts of a page: the control charts of a coil over one time axis.

Colours are those of M. Okabe and K. Ito, Color Universal Design (2008), and cividis: both can be
told apart with any colour vision, and on a grey print by their lightness; what is out of control
also has a mark of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from hops.control import Limits
from hops.quantities import QUANTITIES, SNR, Quantity
from hops.report.verdict import Chart, Verdict

INK, GREY = "0.1", "0.4"
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
BAND, BASELINE = "#BFD9EA", "0.93"

LEAST_SPAN = 0.1
"""Of an axis without 0: so much of the baseline to each side at least, or else noise would look
like a change."""
AIR = 1.12
"""Axes reach a little farther than the values."""
MAP_RANGE = (70, 110)
"""Percent of the baseline, the same on every page."""
MOST_CELLS = 260

Numbers = npt.NDArray[np.float64]

EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Period:
    """The time that the charts show, in days since 1970 as matplotlib counts them."""

    since: float
    until: float

    @property
    def days(self) -> float:
        """How long it is."""
        return self.until - self.since


def draw_charts(
    figure: Figure, verdict: Verdict, place: tuple[float, float, float, float]
) -> None:
    """Draws all charts into a `place` of the page: left, bottom, right, top in parts of it."""
    left, bottom, right, top = place
    period = _period(verdict)
    mapped = len(verdict.data.slices) > 1 and verdict.means[SNR].limits is not None
    heights = [1.15, 1.25, 1, 1, 1, 1] if mapped else [1] * len(QUANTITIES)
    grid = figure.add_gridspec(
        len(heights), 1, height_ratios=heights, hspace=0.38,
        left=left, right=right, top=top - (0.027 if verdict.data.notes else 0.016), bottom=bottom,
    )
    axes = [figure.add_subplot(grid[row]) for row in range(len(heights))]
    charts = list(axes)
    if mapped:
        _slice_map(figure, charts.pop(1), verdict, period)
    for one, quantity in zip(charts, QUANTITIES):
        _chart(one, verdict, verdict.means[quantity])
    for one in axes:
        _time_axis(one, period, labelled=one is axes[-1])
        _notes(one, verdict, period, numbered=one is axes[0])


def _period(verdict: Verdict) -> Period:
    """All scans, with a little air."""
    first, last = _days(verdict, [verdict.data.scans[0], verdict.newest])
    air = max((last - first) * 0.012, 1.0)
    return Period(first - air, last + air)


def _chart(axes: Axes, verdict: Verdict, chart: Chart) -> None:
    quantity = chart.quantity
    many = len(verdict.data.slices) > 1
    title = f"{quantity.name}: {quantity.meaning}" + ", mean of the slices" * many
    _title(axes, title)
    axes.set_ylabel(quantity.unit)
    if not chart.series:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=GREY)
        axes.set_yticks([])
        return
    if many and quantity.starts_at_zero:
        _title(axes, f"{title}; light: least to greatest slice")
        _band(axes, verdict, quantity)
    axes.grid(axis="x", color="0.85", linewidth=0.4, zorder=-2)
    _baseline(axes, verdict)
    epochs = sorted(chart.series)
    times = _days(verdict, epochs)
    values = np.array([chart.series[epoch] for epoch in epochs])
    size = 4 if len(epochs) < 60 else 2.2 if len(epochs) < 400 else 1.2
    axes.plot(*_broken(times, values), color=BLUE, linewidth=0.5, alpha=0.6)
    axes.plot(times, values, ".", color=BLUE, markersize=size)
    if chart.limits:
        _limits(axes, chart.limits, times, values)
    _value_axis(axes, chart, values)


def _limits(axes: Axes, limits: Limits, times: Numbers, values: Numbers) -> None:
    axes.axhline(limits.centre, color=INK, linewidth=0.7)
    for limit in (limits.lower, limits.upper):
        if limit:
            axes.axhline(limit, color=INK, linewidth=0.7, dashes=(4, 2))
    for side, mark in ((1, "^"), (-1, "v")):
        beyond = [limits.side(value) == side for value in values]
        axes.plot(
            times[beyond], values[beyond], mark, color=VERMILLION, markersize=3.2,
            markeredgecolor=INK, markeredgewidth=0.3,
        )


def _value_axis(axes: Axes, chart: Chart, values: Numbers) -> None:
    """From 0 where 0 is best; else wide enough not to make much of little, and in percent of the
    baseline beside it."""
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if chart.quantity.starts_at_zero:
        axes.set_ylim(0, AIR * axes.dataLim.ymax)
        return
    centre = chart.limits.centre if chart.limits else float(np.mean(values))
    distance = chart.limits.distance if chart.limits else 0.0
    reach = max(distance, float(np.max(np.abs(values - centre))))
    span = max(LEAST_SPAN * abs(centre), AIR * reach)
    axes.set_ylim(centre - span, centre + span)
    _title(axes, f"{axes.get_title(loc='left')}; the axis does not begin at 0")
    if chart.limits and centre:
        percent = axes.secondary_yaxis(
            "right",
            functions=(
                lambda value: 100 * np.asarray(value, float) / centre - 100,
                lambda percent: (np.asarray(percent, float) + 100) * centre / 100,
            ),
        )
        percent.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        percent.yaxis.set_major_formatter(PercentFormatter(decimals=0))
        percent.set_ylabel("from baseline")


def _band(axes: Axes, verdict: Verdict, quantity: Quantity) -> None:
    scans = verdict.data.by_scan(quantity)
    times = _days(verdict, list(scans))
    lowest = np.array([min(values) for values in scans.values()])
    highest = np.array([max(values) for values in scans.values()])
    at, low = _broken(times, lowest)
    _, high = _broken(times, highest)
    axes.fill_between(at, low, high, color=BAND, linewidth=0)


def _broken(times: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    """The points of a line that has gaps where there were no scans for long."""
    steps = np.diff(times)
    long = max(30.0, 5 * float(np.median(steps))) if len(steps) else 0
    gaps = np.flatnonzero(steps > long) + 1
    return np.insert(times, gaps, times[gaps - 1]), np.insert(values, gaps, np.nan)


def _baseline(axes: Axes, verdict: Verdict) -> None:
    if verdict.baseline:
        since, until = _days(verdict, [verdict.baseline.since, verdict.baseline.until])
        axes.axvspan(since, until, color=BASELINE, linewidth=0, zorder=-1)


def _slice_map(figure: Figure, axes: Axes, verdict: Verdict, period: Period) -> None:
    """The SNR of every slice over time, relative to the slice's own baseline."""
    days = max(7, round(period.days / MOST_CELLS))
    _title(axes, f"SNR of each slice, in % of its baseline; a cell is the mean of {days} days")
    numbers = verdict.data.slices
    edges = np.arange(period.since, period.until + days, days)
    cells = np.full((len(numbers), len(edges) - 1), np.nan)
    for row, chart in enumerate(verdict.slices[SNR]):
        if chart.limits and chart.limits.centre:
            at = _days(verdict, list(chart.series))
            values = 100 * np.array(list(chart.series.values())) / chart.limits.centre
            counts, _ = np.histogram(at, edges)
            sums, _ = np.histogram(at, edges, weights=values)
            np.divide(sums, counts, out=cells[row], where=counts > 0)
    rows = np.append(np.array(numbers) - 0.5, numbers[-1] + 0.5)
    picture = axes.pcolormesh(
        edges, rows, cells, cmap="cividis", vmin=MAP_RANGE[0], vmax=MAP_RANGE[1], rasterized=True
    )
    axes.set_ylabel("slice")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    scale = axes.inset_axes((1.012, 0, 0.012, 1))
    figure.colorbar(picture, cax=scale, extend="both", format=PercentFormatter(decimals=0))


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", size=7.5, pad=3, color=INK)


def _time_axis(axes: Axes, period: Period, labelled: bool) -> None:
    axes.set_xlim(period.since, period.until)
    pattern = "%Y-%m" if period.days > 200 else "%Y-%m-%d"
    locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(DateFormatter(pattern))  # type: ignore[no-untyped-call]
    axes.tick_params(axis="x", labelbottom=labelled)


def _notes(axes: Axes, verdict: Verdict, period: Period, numbered: bool) -> None:
    """A line at each service note; its number is that in the list at the foot."""
    times = _days(verdict, [note.epoch for note in verdict.data.notes])
    for index, time in enumerate(times, start=1):
        if not period.since <= time <= period.until:
            continue
        axes.axvline(time, color=INK, linewidth=0.8, linestyle=":")
        if numbered:
            # Between the chart and its title.
            axes.set_title(axes.get_title(loc="left"), loc="left", size=7.5, pad=14, color=INK)
            axes.annotate(
                str(index), (time, 1), xycoords=axes.get_xaxis_transform(),
                xytext=(0, 3), textcoords="offset points", ha="center", va="bottom",
                size=6.5, weight="bold",
                bbox={"boxstyle": "circle,pad=0.15", "facecolor": "white", "linewidth": 0.6},
            )


def _days(verdict: Verdict, epochs: Sequence[int]) -> Numbers:
    """Epochs in local time, in days since 1970 as matplotlib counts them."""
    day = timedelta(days=1)
    return np.array([(verdict.data.time(epoch) - EPOCH) / day for epoch in epochs], float)
