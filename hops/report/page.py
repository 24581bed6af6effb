"""The page of a coil: verdict, table and control charts on A4."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure

from hops.console import counted
from hops.quantities import QUANTITIES
from hops.report import paper
from hops.report.charts import draw_charts
from hops.report.paper import GREEN, INK, LEFT, LINE, RIGHT, TOP, VERMILLION
from hops.report.verdict import State, Verdict
from hops.report.words import headline, line, method, note_lines, sentences

COLUMNS = (
    (LEFT, "left", 0.155), (0.305, "right", 0.08), (0.36, "right", 0.05), (0.48, "right", 0.105),
    (0.53, "right", 0.045), (0.57, "right", 0.04), (0.675, "right", 0.1),
    (0.685, "left", RIGHT - 0.685),
)
TITLES = ("newest scan", "centre", "limits", "%", "sd", "% a year", "verdict")
COLORS = {State.IN: GREEN, State.OUT: VERMILLION, State.SLOW: VERMILLION}
MOST_SENTENCES, MOST_NOTES = 9, 5


def draw(verdict: Verdict, small: Sequence[str]) -> Figure:
    """The page of a coil, to be used within `drawing_style`; `small`: what is printed at its
    foot."""
    data = verdict.data
    days = [f"{data.time(epoch):%Y-%m-%d}" for epoch in data.scans]
    when = f"from {days[0]} to {days[-1]}" if len(days) > 1 else f"on {''.join(days)}"
    about = f" {when}, {counted(len(data.slices), 'slice')}" if days else ""
    figure = paper.sheet(
        f"MRI stability of {data.location}, coil {data.coil}",
        f"{counted(len(days), 'scan')}{about}",
    )
    below = _words(figure, verdict)
    below = _table(figure, verdict, below)
    above = paper.foot(figure, _notes(verdict), [*method(verdict), *small])
    draw_charts(figure, verdict, (LEFT, above, RIGHT, below))
    return figure


def _words(figure: Figure, verdict: Verdict) -> float:
    """The verdict; returns where it ends, as a part of the page's height."""
    state = verdict.state
    color = INK if verdict.is_stale and state is State.IN else COLORS.get(state, INK)
    head = figure.text(
        LEFT, TOP - 0.043, headline(verdict), size=11, weight="bold", color=color, va="top"
    )
    paper.fit(figure, head, RIGHT - LEFT)
    told = sentences(verdict)
    if len(told) > MOST_SENTENCES:
        more = len(told) - MOST_SENTENCES + 1
        told[MOST_SENTENCES - 1 :] = [f"And {more} more: see what is marked below."]
    return paper.wrapped(figure, TOP - 0.061, told) - 0.008


def _table(figure: Figure, verdict: Verdict, top: float) -> float:
    """The newest scan beside its limits; returns where the table ends."""
    many = len(verdict.data.slices) > 1
    titles = ("mean of the slices" * many, *TITLES)
    paper.table_row(figure, top, COLUMNS, titles, color=paper.GREY)
    y = top - 1.2 * LINE
    for quantity in QUANTITIES:
        row = line(verdict, quantity)
        limits = f"{row.lower or 'none'} to {row.upper}" if row.upper else ""
        numbers = (row.value, row.centre, limits, row.percent, row.sigmas, row.slope)
        cells = (row.name, *(each or "-" for each in numbers), row.verdict)
        strong = [6] * row.is_sure + [7] * verdict.cell(quantity).state.is_alarm
        paper.table_row(figure, y, COLUMNS, cells, strong=strong)
        y -= LINE
    paper.rule(figure, top - 0.95 * LINE)
    paper.rule(figure, y)
    return y - 0.012


def _notes(verdict: Verdict) -> list[str]:
    """The newest service notes, each in a line, with their numbers in the charts."""
    lines = note_lines(verdict)
    older = len(lines) - MOST_NOTES
    if older > 0:
        lines[: older + 1] = [f"The first {older + 1} service notes are not listed here."]
    return [textwrap.shorten(line, paper.WIDEST_SMALL, placeholder=" ...") for line in lines]
