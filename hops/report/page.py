"""The page of a coil: verdict, table and control charts on A4."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from hops.control import WIDTH
from hops.quantities import QUANTITIES, Quantity
from hops.report.charts import GREEN, GREY, INK, VERMILLION, draw_charts
from hops.report.verdict import Verdict
from hops.report.words import headline, note_lines, number, sentences, slice_numbers

INCHES = (210 / 25.4, 297 / 25.4)
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.edgecolor": "0.35",
    "xtick.color": "0.2",
    "ytick.color": "0.2",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,
    # Names and notes may have a $ in them.
    "text.parse_math": False,
    # The same data give the same file.
    "svg.hashsalt": "hops",
}

LEFT, RIGHT, TOP, FOOT = 0.085, 0.915, 0.97, 0.018
LINE, SMALL_LINE = 0.0135, 0.0098
"""Heights of a line, as all positions in parts of the page."""
WIDEST, WIDEST_SMALL = 120, 144
"""Characters that fit into a line."""
COLUMNS = (LEFT, 0.36, 0.45, 0.60, 0.68, 0.71)
SMALLEST = 7
"""Points: what is too long even so is cut."""
MOST_SENTENCES, MOST_NOTES = 9, 5
NOTHING, WITHIN = "-", "within limits"


@contextmanager
def drawing_style() -> Iterator[None]:
    """For all that is drawn and saved: nothing depends on the user's own matplotlib settings."""
    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        # A note in letters that the font has not is drawn with boxes.
        warnings.filterwarnings("ignore", "Glyph")
        yield


def draw(verdict: Verdict, source: str) -> Figure:
    """The page of a coil, to be used within `drawing_style`; `source` is named at its foot."""
    figure = Figure(figsize=INCHES)
    FigureCanvasAgg(figure)
    below = _head(figure, verdict)
    below = _table(figure, verdict, below)
    above = _foot(figure, verdict, source)
    draw_charts(figure, verdict, (LEFT, above, RIGHT, below))
    return figure


# -- words ---------------------------------------------------------------------------------


def _head(figure: Figure, verdict: Verdict) -> float:
    """Title and verdict; returns where they end, as a part of the page's height."""
    data = verdict.data
    title = figure.text(
        LEFT, TOP, f"MRI stability of {data.location}, coil {data.coil}",
        size=14, weight="bold", va="top",
    )
    _fit(figure, title, RIGHT - LEFT)
    slices = f"{len(data.slices)} slice{'s' * (len(data.slices) != 1)}"
    figure.text(
        LEFT, TOP - 0.022,
        f"{len(data.scans):,} scans from {data.time(data.scans[0]):%Y-%m-%d} to "
        f"{data.time(verdict.newest):%Y-%m-%d}, {slices}",
        size=8.5, color=GREY, va="top",
    )
    colors = {"In control": GREEN, "Out of control": VERMILLION}
    figure.text(
        LEFT, TOP - 0.043, headline(verdict),
        size=11, weight="bold", color=colors.get(headline(verdict), INK), va="top",
    )
    y = TOP - 0.061
    for line in _lines(sentences(verdict)):
        figure.text(LEFT, y, line, size=8, color=INK, va="top")
        y -= LINE
    return y - 0.008


def _lines(told: Sequence[str]) -> list[str]:
    """The sentences in lines of the page; the last ones in short if there are too many."""
    shown = list(told[:MOST_SENTENCES])
    if len(told) > MOST_SENTENCES:
        shown[-1] = f"And {len(told) - MOST_SENTENCES + 1} more: see what is marked below."
    return [line for each in shown for line in textwrap.wrap(each, WIDEST)]


def _fit(figure: Figure, text: Text, width: float) -> None:
    """Makes a text smaller, and at last shorter, until it is no wider than a part of the page."""
    limit = width * figure.bbox.width
    while text.get_window_extent().width > limit and float(text.get_fontsize()) > SMALLEST:
        text.set_fontsize(float(text.get_fontsize()) - 0.5)
    while text.get_window_extent().width > limit:
        words = text.get_text()
        middle = len(words) // 2
        text.set_text(f"{words[: middle - 2]}…{words[middle + 2 :]}")


def _table(figure: Figure, verdict: Verdict, top: float) -> float:
    """The newest scan beside the baseline; returns where the table ends."""
    many = len(verdict.data.slices) > 1
    titles = ("mean of the slices" * many, "newest scan", "baseline", "limits", "change", "verdict")
    _table_row(figure, top, titles, color=GREY)
    y = top - 1.2 * LINE
    for quantity in QUANTITIES:
        row = _row(verdict, quantity)
        last = _table_row(figure, y, row, color=INK)
        if row[-1] not in (WITHIN, ""):
            last.set(color=VERMILLION, weight="bold")
        _fit(figure, last, RIGHT - COLUMNS[-1])
        y -= LINE
    for line in (top - 0.95 * LINE, y):
        figure.add_artist(Line2D([LEFT, RIGHT], [line, line], color="0.6", linewidth=0.6))
    return y - 0.012


def _table_row(figure: Figure, y: float, cells: Sequence[str], color: str) -> Text:
    """Writes a row, names to the left and numbers to the right; returns its last cell."""
    for x, cell, side in zip(COLUMNS, cells, ("left", *["right"] * 4, "left")):
        text = figure.text(x, y, cell, size=8, va="top", ha=side, color=color)
    return text


def _row(verdict: Verdict, quantity: Quantity) -> tuple[str, ...]:
    chart = verdict.means[quantity]
    unit = f" ({quantity.unit})" * bool(quantity.unit)
    name = f"{quantity.name}{unit}"
    value = chart.series.get(verdict.newest)
    newest = NOTHING if value is None else number(value)
    if chart.limits is None:
        return name, newest, NOTHING, NOTHING, NOTHING, ""
    centre, lower = chart.limits.centre, chart.limits.lower
    low = number(lower) if lower else "none"
    change = NOTHING if value is None or not centre else f"{100 * (value / centre - 1):+.1f} %"
    limits = f"{low} to {number(chart.limits.upper)}"
    return name, newest, number(centre), limits, change, _state(verdict, quantity)


def _state(verdict: Verdict, quantity: Quantity) -> str:
    if quantity in verdict.missing:
        return "no value"
    beyond = [each.chart for each in verdict.excursions if each.chart.quantity == quantity]
    slices = [chart.slice for chart in beyond if chart.slice is not None]
    parts = ["mean"] * any(chart.slice is None for chart in beyond)
    parts += [slice_numbers(slices)] * bool(slices)
    return f"out: {', '.join(parts)}" if parts else WITHIN


def _foot(figure: Figure, verdict: Verdict, source: str) -> float:
    """Service notes, how the limits were made, and where the data are from; returns where the
    foot begins."""
    small = [*_method(verdict), f"Data: {source}"]
    lines = [(part, GREY) for line in small for part in textwrap.wrap(line, WIDEST_SMALL)]
    lines = [(text, INK) for text in _notes(verdict)] + lines
    y = FOOT + SMALL_LINE * len(lines)
    for row, (line, color) in enumerate(lines):
        figure.text(LEFT, y - SMALL_LINE * row, line, size=6.3, color=color, va="top")
    return y + 0.03


def _notes(verdict: Verdict) -> list[str]:
    """The newest service notes, each in a line, with their numbers in the charts."""
    lines = note_lines(verdict)
    older = len(lines) - MOST_NOTES
    if older > 0:
        lines[: older + 1] = [f"The first {older + 1} service notes are not listed here."]
    return [textwrap.shorten(line, WIDEST_SMALL, placeholder=" ...") for line in lines]


def _method(verdict: Verdict) -> list[str]:
    baseline, data = verdict.baseline, verdict.data
    if not baseline:
        return []
    single = (
        f" (±{verdict.slice_width:.1f} for single slices, as "
        f"{len(data.slices) * len(QUANTITIES)} of those charts are looked at together)"
    ) * (len(data.slices) > 1)
    return [
        f"Baseline, grey in the charts: {data.time(baseline.since):%Y-%m-%d} to "
        f"{data.time(baseline.until):%Y-%m-%d}, the last scans of {baseline.days} days. Control "
        f"limits, dashed: Shewhart's chart of individual values, mean ±{WIDTH} standard deviations "
        f"of the baseline{single}; NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2. "
        "Triangles: scans beyond the limits.",
    ]
