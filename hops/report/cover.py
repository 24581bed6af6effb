"""The first page: a table that compares the coils."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hops.report import paper
from hops.report.fleet import Fleet
from hops.report.paper import LEFT, LINE, RIGHT, TOP
from hops.report.verdict import Cell, Of, State, Verdict
from hops.report.words import headline, how_many, in_short, number, sentences
from hops.times import DAY

MOST_ROWS = 56
"""Of a page."""
PLACES = (
    (LEFT, "left", 0.165), (0.28, "right", 0.04), (0.35, "right", 0.065), (0.385, "right", 0.033),
    (0.845, "right", 0.065), (0.882, "right", 0.035), (RIGHT, "right", 0.03),
)
"""Of what is no quantity; between the fourth and the fifth is room for these."""
FIRST, LAST = PLACES[3][0], PLACES[4][0] - PLACES[4][2]
SIZE, NUMBERS = 7, 6.5
MARKED = "#F3B58A"
LOWEST = 0.1
"""Where words below the table end, as a part of the page's height."""


def draw(fleet: Fleet) -> Iterator[Figure]:
    """The first page, and what follows it where there are more coils than it has room for."""
    rows = fleet.worst_first
    sheets = -(-len(rows) // MOST_ROWS)
    pages = {id(verdict): sheets + n for n, verdict in enumerate(fleet.verdicts, start=1)}
    for first in range(0, len(rows), MOST_ROWS):
        figure = paper.sheet(f"MRI stability of {fleet.sites}", _about(fleet))
        y = _head(figure, fleet)
        for verdict in rows[first : first + MOST_ROWS]:
            y -= 1.05 * LINE
            _row(figure, fleet, y, verdict, pages[id(verdict)])
        paper.rule(figure, y - LINE)
        legend = paper.wrapped(figure, y - 1.3 * LINE, _legend(fleet), size=6.3)
        if first + MOST_ROWS >= len(rows):
            _words(figure, fleet, legend - 2 * LINE)
        paper.foot(figure, [], fleet.small_print)
        yield figure


def _about(fleet: Fleet) -> str:
    first, last = fleet.days
    return f"{first} to {last}: {how_many([each.state for each in fleet.verdicts])}"


def _head(figure: Figure, fleet: Fleet) -> float:
    y = TOP - 0.05
    titles = ("location", "coil", "last scan", "days", "beyond", "slices", "page")
    paper.table_row(figure, y, PLACES, titles, SIZE, color=paper.GREY)
    for right, quantity in zip(_rights(fleet), fleet.quantities):
        name = quantity.name.replace(" ", "\n", 1)
        text = figure.text(right, y - 0.75 * LINE, name, size=NUMBERS, va="bottom", ha="right")
        text.set_color(paper.GREY)
    paper.rule(figure, y - 0.95 * LINE)
    return y - 0.2 * LINE


def _row(figure: Figure, fleet: Fleet, y: float, verdict: Verdict, page: int) -> None:
    data, newest = verdict.data, verdict.newest
    last = "never" if newest is None else f"{data.time(newest):%Y-%m-%d}"
    old = "" if verdict.age is None else f"{verdict.age // DAY:,}"
    slices = str(len(verdict.beyond(Of.SLICE)) or "")
    words = (fleet.short(data.location), data.coil, last, old, in_short(verdict), slices, str(page))
    strong = [4] if verdict.state in (State.OUT, State.SLOW) else []
    paper.table_row(figure, y, PLACES, words, SIZE, strong)
    width = _width(fleet)
    for right, quantity in zip(_rights(fleet), fleet.quantities):
        cell = verdict.cell(quantity)
        for x, text in ((right - 0.44 * width, _value(cell)), (right, _sigmas(cell))):
            figure.text(x, y, text, size=NUMBERS, va="top", ha="right")
        if cell.state in (State.OUT, State.SLOW):
            place = (right - width + 0.004, y - 0.92 * LINE)
            figure.add_artist(Rectangle(place, width - 0.002, LINE, color=MARKED, zorder=-1))


def _value(cell: Cell) -> str:
    return "" if cell.value is None else number(cell.value)


def _sigmas(cell: Cell) -> str:
    if cell.value is None or cell.state is State.LEARNING:
        return "-"
    slowly = ("", "\N{NORTH EAST ARROW}", "\N{SOUTH EAST ARROW}")[cell.slow]
    return f"{cell.sigmas:+.{int(abs(cell.sigmas) < 9.95)}f}{slowly}"


def _rights(fleet: Fleet) -> list[float]:
    """Of each quantity where its column ends."""
    return [FIRST + _width(fleet) * (n + 1) for n in range(len(fleet.quantities))]


def _width(fleet: Fleet) -> float:
    return (LAST - FIRST) / len(fleet.quantities)


def _legend(fleet: Fleet) -> list[str]:
    units = ", ".join(f"{each.name} in {each.unit}" for each in fleet.quantities if each.unit)
    lines = [
        "Days: since the last scan. Of each quantity the mean of the slices in the newest scan, "
        "and how many standard deviations it is from its centre line; marked: beyond a limit, or "
        f"with an arrow: a slow change. {units}. Beyond: scans of the period out of control. "
        "Slices: scans with single slices beyond their limits, which are not counted.",
    ]
    if fleet.unknown:
        lines.append(f"Graphite has nothing yet of {', '.join(fleet.unknown)}.")
    return lines


def _words(figure: Figure, fleet: Fleet, y: float) -> None:
    """What was out of control, of as many coils as there is room for."""
    for verdict in fleet.worst_first:
        told = sentences(verdict)
        if verdict.state is State.IN or y - (len(told) + 1) * 1.5 * LINE < LOWEST:
            return
        title = f"{verdict.data.location}, coil {verdict.data.coil}: {headline(verdict)}"
        text = figure.text(LEFT, y, title, size=8, weight="bold", va="top")
        paper.fit(figure, text, RIGHT - LEFT)
        y = paper.wrapped(figure, y - 1.1 * LINE, told) - LINE
