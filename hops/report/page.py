"""The page of a coil: verdict, table and control charts on A4."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure

from hops.console import counted
from hops.quantities import QUANTITIES, Quantity
from hops.report import paper
from hops.report.charts import draw_charts
from hops.report.paper import GREEN, INK, LEFT, LINE, RIGHT, TOP, VERMILLION
from hops.report.verdict import State, Verdict
from hops.report.words import headline, in_newest, method, note_lines, number, sentences

COLUMNS = (
    (LEFT, "left", 0.19), (0.35, "right", 0.08), (0.43, "right", 0.08), (0.565, "right", 0.13),
    (0.635, "right", 0.07), (0.695, "right", 0.06), (0.705, "left", RIGHT - 0.705),
)
TITLES = ("newest scan", "centre", "limits", "change", "sd", "verdict")
COLORS = {State.IN: GREEN, State.OUT: VERMILLION}
MOST_SENTENCES, MOST_NOTES = 9, 5
NOTHING = "-"


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
    color = COLORS.get(state, INK) if state is State.OUT or not verdict.is_stale else INK
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
    for text in paper.table_row(figure, top, COLUMNS, ("mean of the slices" * many, *TITLES)):
        text.set_color(paper.GREY)
    y = top - 1.2 * LINE
    for quantity in QUANTITIES:
        row = _row(verdict, quantity)
        texts = paper.table_row(figure, y, COLUMNS, row)
        if row[-1].startswith("out"):
            texts[-1].set(color=VERMILLION, weight="bold")
        y -= LINE
    paper.rule(figure, top - 0.95 * LINE)
    paper.rule(figure, y)
    return y - 0.012


def _row(verdict: Verdict, quantity: Quantity) -> tuple[str, ...]:
    name = f"{quantity.name}" + f" ({quantity.unit})" * bool(quantity.unit)
    cell = verdict.cell(quantity)
    state = in_newest(verdict, quantity)
    if cell.value is None:
        return (name, *[NOTHING] * 5, state)
    newest = verdict.means[quantity].scans[-1]
    if newest.centre is None or newest.upper is None:
        return (name, number(cell.value), *[NOTHING] * 4, state)
    low = number(newest.lower) if newest.lower else "none"
    change = f"{100 * (cell.value / newest.centre - 1):+.1f} %" if newest.centre else NOTHING
    limits = f"{low} to {number(newest.upper)}"
    return (
        name, number(cell.value), number(newest.centre), limits, change, f"{cell.sigmas:+.1f}",
        state,
    )


def _notes(verdict: Verdict) -> list[str]:
    """The newest service notes, each in a line, with their numbers in the charts."""
    lines = note_lines(verdict)
    older = len(lines) - MOST_NOTES
    if older > 0:
        lines[: older + 1] = [f"The first {older + 1} service notes are not listed here."]
    return [textwrap.shorten(line, paper.WIDEST_SMALL, placeholder=" ...") for line in lines]
