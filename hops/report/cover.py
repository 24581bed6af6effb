"""The first page: a table that compares the coils."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hops.console import counted
from hops.report import paper
from hops.report.fleet import Fleet
from hops.report.paper import LEFT, LINE, RIGHT, TOP
from hops.report.verdict import Cell, State, Verdict
from hops.report.words import in_short, number
from hops.times import age

MOST_ROWS = 56
"""Of a page."""
FIRST, LAST = 0.475, 0.81
"""Where the columns of the quantities begin and end."""
BEYOND = RIGHT - 0.035
MARKED = "#F3B58A"


def draw(fleet: Fleet) -> Iterator[Figure]:
    """The first page, and what follows it where there are more coils than it has room for."""
    rows = fleet.worst_first
    sheets = -(-len(rows) // MOST_ROWS)
    pages = {id(verdict): sheets + n for n, verdict in enumerate(fleet.verdicts, start=1)}
    for first in range(0, len(rows), MOST_ROWS):
        figure = paper.sheet(f"MRI stability of {fleet.sites}", _about(fleet))
        y = _head(figure, fleet)
        for verdict in rows[first : first + MOST_ROWS]:
            y -= LINE
            _row(figure, fleet, y, verdict, pages[id(verdict)])
        paper.rule(figure, y - LINE)
        figure.text(LEFT, y - 1.3 * LINE, "\n".join(_legend(fleet)), size=6.3, va="top")
        paper.foot(figure, [], fleet.small_print)
        yield figure


def _about(fleet: Fleet) -> str:
    out = sum(each.state is State.OUT for each in fleet.verdicts)
    first, last = fleet.days
    return f"{counted(len(fleet.verdicts), 'coil')}, {out} out of control, {first} to {last}"


def _head(figure: Figure, fleet: Fleet) -> float:
    y = TOP - 0.05
    names = [each.name for each in fleet.quantities]
    for text in paper.table_row(
        figure, y, _places(fleet), ("location", "coil", "last scan", "age", "beyond", "page")
    ):
        text.set_color(paper.GREY)
    for (right, _), name in zip(_columns(fleet), names):
        text = figure.text(right, y, name, size=7, va="top", ha="right", color=paper.GREY)
        paper.fit(figure, text, _width(fleet) - 0.005)
    paper.rule(figure, y - 0.95 * LINE)
    return y - 0.2 * LINE


def _row(figure: Figure, fleet: Fleet, y: float, verdict: Verdict, page: int) -> None:
    data, newest = verdict.data, verdict.newest
    last = "never" if newest is None else f"{data.time(newest):%Y-%m-%d}"
    old = "" if verdict.age is None else age(verdict.age)
    words = (data.location, data.coil, last, old, in_short(verdict), str(page))
    texts = paper.table_row(figure, y, _places(fleet), words)
    if verdict.state is State.OUT:
        texts[4].set(weight="bold")
    for (right, middle), quantity in zip(_columns(fleet), fleet.quantities):
        cell = verdict.cell(quantity)
        if cell.state is State.OUT:
            place = (right - _width(fleet) + 0.006, y - 0.9 * LINE)
            figure.add_artist(Rectangle(place, _width(fleet) - 0.003, 0.98 * LINE, color=MARKED))
        for x, text in ((middle, _value(cell)), (right, _sigmas(cell))):
            figure.text(
                x, y, text, size=7, va="top", ha="right",
                weight="bold" if cell.state is State.OUT else "normal",
            )


def _value(cell: Cell) -> str:
    return "" if cell.value is None else number(cell.value)


def _sigmas(cell: Cell) -> str:
    if cell.value is None:
        return "-"
    return "learns" if cell.state is State.LEARNING else f"{cell.sigmas:+.1f}"


def _places(fleet: Fleet) -> Sequence[tuple[float, str, float]]:
    return (
        (LEFT, "left", 0.205), (0.333, "right", 0.04), (0.405, "right", 0.07),
        (FIRST, "right", 0.065), (BEYOND, "right", BEYOND - LAST), (RIGHT, "right", 1),
    )


def _columns(fleet: Fleet) -> list[tuple[float, float]]:
    """Of each quantity where its sigmas and its value end."""
    width = _width(fleet)
    rights = [FIRST + width * (n + 1) for n in range(len(fleet.quantities))]
    return [(right, right - 0.45 * width) for right in rights]


def _width(fleet: Fleet) -> float:
    return (LAST - FIRST) / len(fleet.quantities)


def _legend(fleet: Fleet) -> list[str]:
    units = ", ".join(f"{each.name} in {each.unit}" for each in fleet.quantities if each.unit)
    lines = [
        "Of each quantity the mean of the slices in the newest scan, and how many standard "
        "deviations it is from its centre line; marked: beyond a limit.",
        f"{units}. Beyond: scans of the period out of control, in the mean or in a single slice.",
    ]
    if fleet.unknown:
        lines.append(f"Graphite has nothing yet of {', '.join(fleet.unknown)}.")
    return lines
