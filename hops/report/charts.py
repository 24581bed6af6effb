"""The charts of a page: the control charts of a coil over one time axis.

Colours are those of M. Okabe and K. Ito, Color Universal Design (2008), and cividis: both can be
told apart with any colour vision, and on a grey print by their lightness; what is out of control
also has a mark of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from hops.quantities import QUANTITIES, SNR, Quantity
from hops.report.paper import BLUE, GREY, INK, PURPLE, VERMILLION
from hops.report.verdict import Chart, Verdict
from hops.report.words import number

BAND = "#BFD9EA"

LEAST_SPAN = 0.1
"""Of an axis without 0: so much of the centre line to each side at least, or else noise would look
like a change."""
AIR = 1.12
"""Axes reach a little farther than the values."""
LEAST_DAYS = 7
"""Of the time axis, which has days and months."""
MAP_STEPS = (-100, -20, -10, -5, -3, 3, 100)
MAP_COLORS = ("#5B1A00", "#A63C00", VERMILLION, "#F3B58A", "0.94", BAND)
"""Of what is bad, and the darker the worse; of what is as always; of what is better."""
MOST_CELLS = 260

Numbers = npt.NDArray[np.float64]

EPOCH = datetime(1970, 1, 1)


class Shown(NamedTuple):
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
    shown = _shown(verdict)
    mapped = has_slice_map(verdict)
    heights = [1.0] * len(QUANTITIES)
    if mapped:
        heights[:1] = [1.15, 1.25]
    grid = figure.add_gridspec(
        len(heights), 1, height_ratios=heights, hspace=0.38,
        left=left, right=right, top=top - (0.027 if verdict.data.notes else 0.016), bottom=bottom,
    )
    axes = [figure.add_subplot(grid[row]) for row in range(len(heights))]
    charts = list(axes)
    if mapped:
        _slice_map(figure, charts.pop(1), verdict, shown)
    for one, quantity in zip(charts, QUANTITIES):
        _chart(one, verdict, quantity)
    for one in axes:
        _time_axis(one, shown, labelled=one is axes[-1])
        _notes(one, verdict, shown, numbered=one is axes[0])


def draw_chart(figure: Figure, verdict: Verdict, quantity: Quantity | None) -> str:
    """Draws the chart of a quantity, or the map of the slices (None), on all of the figure; returns
    its title, which is not drawn."""
    figure.subplots_adjust(left=0.12, right=0.86, bottom=0.11, top=0.92)
    axes = figure.add_subplot()
    shown = _shown(verdict)
    if quantity is None:
        _slice_map(figure, axes, verdict, shown)
    else:
        _chart(axes, verdict, quantity)
    _time_axis(axes, shown, labelled=True, most=5)
    _notes(axes, verdict, shown, numbered=True)
    title = axes.get_title(loc="left")
    axes.set_title("", loc="left")
    return title


def has_slice_map(verdict: Verdict) -> bool:
    """Whether there are several slices that were judged."""
    return bool(verdict.slices[SNR]) and any(
        scan.centre is not None for scan in verdict.means[SNR].scans
    )


def _shown(verdict: Verdict) -> Shown:
    """From the first scan to the end of the period, with a little air."""
    data = verdict.data
    begin = data.scans[0] if data.scans else data.period.since
    first, last = _days(verdict, [begin, data.period.until])
    first = min(first, last - LEAST_DAYS)
    air = (last - first) * 0.012
    return Shown(first - air, last + air)


def _chart(axes: Axes, verdict: Verdict, quantity: Quantity) -> None:
    chart = verdict.means[quantity]
    many = len(verdict.data.slices) > 1
    title = f"{quantity.name}: {quantity.meaning}" + ", mean of the slices" * many
    _title(axes, title)
    axes.set_ylabel(quantity.unit)
    if not chart.scans:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=GREY)
        axes.set_yticks([])
        return
    if many and quantity.starts_at_zero:
        _title(axes, f"{title}; light: least to greatest slice")
        _band(axes, verdict, quantity)
    axes.grid(axis="x", color="0.85", linewidth=0.4, zorder=-2)
    times = _days(verdict, [scan.epoch for scan in chart.scans])
    values = _numbers(scan.value for scan in chart.scans)
    size = 4 if len(times) < 60 else 2.2 if len(times) < 400 else 1.2
    axes.plot(*_broken(times, values), color=BLUE, linewidth=0.5, alpha=0.6)
    axes.plot(times, values, ".", color=BLUE, markersize=size)
    _limits(axes, chart, times)
    _average(axes, verdict, verdict.averages[quantity])
    _marks(axes, chart, times, values)
    _value_axis(axes, chart)


def _limits(axes: Axes, chart: Chart, times: Numbers) -> None:
    """Lines of the limits that each scan was judged by."""

    def line(numbers: Iterable[float | None], **look: Any) -> None:
        at, limits = _broken(times, _numbers(numbers))
        axes.plot(at, limits, drawstyle="steps-mid", linewidth=0.7, **look)

    size = 3 if len(times) == 1 else 0
    line((scan.centre for scan in chart.scans), color=INK, marker="_", markersize=size)
    for numbers in ([s.lower or None for s in chart.scans], [s.upper for s in chart.scans]):
        line(numbers, color=INK, dashes=(4, 2), marker="_", markersize=size)
    own = [scan.limit for scan in chart.scans]
    line(own, color=VERMILLION, dashes=(6, 1.5, 1, 1.5), marker="_", markersize=size)
    newest = next((limit for limit in reversed(own) if limit is not None), None)
    if newest is not None:
        _title(axes, f"{axes.get_title(loc='left')}; site's limit {number(newest)}: dash-dotted")


def _average(axes: Axes, verdict: Verdict, chart: Chart) -> None:
    """The moving average, thick where it is a slow change."""
    times = _days(verdict, [scan.epoch for scan in chart.scans])
    values = _numbers(scan.value for scan in chart.scans)
    axes.plot(*_broken(times, values), color=PURPLE, linewidth=0.8)
    sides = [chart.side(scan) for scan in chart.scans]
    slow = np.array([side != 0 and not chart.quantity.is_better(side) for side in sides], bool)
    axes.plot(times[slow], values[slow], ".", color=PURPLE, markersize=3.5)


def _marks(axes: Axes, chart: Chart, times: Numbers, values: Numbers) -> None:
    """Triangles beyond control limits, filled where it is a fault; squares beyond the site's."""
    for side, mark in ((1, "^"), (-1, "v"), (0, "s")):
        is_bad = not side or chart.quantity.bad * side >= 0
        beyond = [chart.side(scan) == side if side else scan.over > 0 for scan in chart.scans]
        axes.plot(
            times[beyond], values[beyond], mark, markersize=3.2,
            color=VERMILLION if is_bad else "white", markeredgecolor=INK, markeredgewidth=0.3,
        )


def _value_axis(axes: Axes, chart: Chart) -> None:
    """From 0 where 0 is best; else wide enough not to make much of little, and in percent of the
    newest centre line beside it."""
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if chart.quantity.starts_at_zero:
        axes.set_ylim(0, AIR * axes.dataLim.ymax or 1)
        return
    values = [scan.value for scan in chart.scans]
    centres = [scan.centre for scan in chart.scans if scan.centre is not None]
    centre = centres[-1] if centres else sum(values) / len(values)
    reach = max(abs(axes.dataLim.ymax - centre), abs(axes.dataLim.ymin - centre))
    span = max(LEAST_SPAN * abs(centre), AIR * reach) or 1
    axes.set_ylim(centre - span, centre + span)
    _title(axes, f"{axes.get_title(loc='left')}; the axis does not begin at 0")
    if centres and centre:
        percent = axes.secondary_yaxis(
            "right",
            functions=(
                lambda value: 100 * np.asarray(value, float) / centre - 100,
                lambda percent: (np.asarray(percent, float) + 100) * centre / 100,
            ),
        )
        percent.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        percent.yaxis.set_major_formatter(PercentFormatter(decimals=0))
        percent.set_ylabel("from centre")


def _band(axes: Axes, verdict: Verdict, quantity: Quantity) -> None:
    scans = verdict.data.by_scan(quantity)
    times = _days(verdict, list(scans))
    at, low = _broken(times, _numbers(map(min, scans.values())))
    _, high = _broken(times, _numbers(map(max, scans.values())))
    axes.fill_between(at, low, high, color=BAND, linewidth=0)


def _numbers(values: Iterable[float | None]) -> Numbers:
    return np.array([np.nan if value is None else value for value in values], float)


def _broken(times: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    """The points of a line that has gaps where there were no scans for long."""
    steps = np.diff(times)
    long = max(30.0, 5 * float(np.median(steps))) if len(steps) else 0
    gaps = np.flatnonzero(steps > long) + 1
    # At both ends, so that the steps of a line do not reach into a gap.
    ends = np.column_stack([times[gaps - 1], times[gaps]]).ravel()
    return np.insert(times, gaps.repeat(2), ends), np.insert(values, gaps.repeat(2), np.nan)


def _slice_map(figure: Figure, axes: Axes, verdict: Verdict, shown: Shown) -> None:
    """The SNR of every slice over time, in standard deviations from the slice's own centre line."""
    days = max(1, round(shown.days / MOST_CELLS))
    each = f"the mean of {days} days" if days > 1 else "a day"
    _title(axes, f"SNR of each slice, in sd from its centre line; a cell is {each}")
    numbers = verdict.data.slices
    edges = np.arange(np.floor(shown.since), shown.until + days, days)
    cells = np.full((len(numbers), len(edges) - 1), np.nan)
    judged = {scan.epoch for scan in verdict.means[SNR].scans if scan.centre is not None}
    for row, chart in enumerate(verdict.slices[SNR]):
        scans = [scan for scan in chart.scans if scan.epoch in judged]
        at = _days(verdict, [scan.epoch for scan in scans])
        counts, _ = np.histogram(at, edges)
        sums, _ = np.histogram(at, edges, weights=[scan.sigmas for scan in scans])
        np.divide(sums, counts, out=cells[row], where=counts > 0)
    rows = np.append(np.array(numbers) - 0.5, numbers[-1] + 0.5)
    colors = ListedColormap(MAP_COLORS)
    norm = BoundaryNorm(MAP_STEPS, colors.N)
    picture = axes.pcolormesh(edges, rows, cells, cmap=colors, norm=norm, rasterized=True)
    axes.set_ylabel("slice")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    scale = axes.inset_axes((1.012, 0, 0.012, 1))
    figure.colorbar(picture, cax=scale, spacing="uniform", ticks=MAP_STEPS[1:-1], format="%d sd")


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", size=7.5, pad=3, color=INK)


def _time_axis(axes: Axes, shown: Shown, labelled: bool, most: int = 9) -> None:
    axes.set_xlim(shown.since, shown.until)
    pattern = "%Y-%m" if shown.days > 200 else "%Y-%m-%d"
    locator = AutoDateLocator(minticks=3, maxticks=most)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(DateFormatter(pattern))  # type: ignore[no-untyped-call]
    axes.tick_params(axis="x", labelbottom=labelled)


def _notes(axes: Axes, verdict: Verdict, shown: Shown, numbered: bool) -> None:
    """A line at each service note; its number is that in the list at the foot."""
    times = _days(verdict, [note.epoch for note in verdict.data.notes])
    for index, time in enumerate(times, start=1):
        if not shown.since <= time <= shown.until:
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
