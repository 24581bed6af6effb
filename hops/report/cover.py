"""The first page: a table that compares the coils."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hops.quantities import WATCHED
from hops.report import paper
from hops.report.fleet import Fleet
from hops.report.paper import LEFT, LINE, RIGHT, TOP
from hops.report.verdict import Cell, Of, State, Verdict
from hops.report.words import headline, how_many, in_short, number, sentences
from hops.times import DAY

MOST_ROWS = 56
"""Of a page."""
FIRST, EACH = 0.332, 0.0855
"""Where the columns of the quantities begin, and how wide one is."""
PLACES = (
    (LEFT, "left", 0.145),
    (0.297, "right", 0.065),
    (0.33, "right", 0.028),
    *(
        (FIRST + EACH * (index + part), "right", EACH * 0.48)
        for index in range(len(WATCHED))
        for part in (0.53, 1)
    ),
    (0.846, "right", 0.08),
    (0.885, "right", 0.036),
    (RIGHT, "right", 0.03),
)
SIZE = 6.5
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
        y = _head(figure)
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


def _head(figure: Figure) -> float:
    y = TOP - 0.05
    names = ("location, coil", "last scan", "days", *[""] * 2 * len(WATCHED), "beyond", "slices")
    paper.table_row(figure, y, PLACES, (*names, "page"), SIZE, color=paper.GREY)
    look = {"size": SIZE, "color": paper.GREY}
    for index, quantity in enumerate(WATCHED, start=1):
        name = quantity.name.replace(" ", "\n", 1)
        place = (FIRST + EACH * index, y - 0.75 * LINE)
        figure.text(*place, name, va="bottom", ha="right", fontdict=look)
    paper.rule(figure, y - 0.95 * LINE)
    return y - 0.2 * LINE


def _row(figure: Figure, fleet: Fleet, y: float, verdict: Verdict, page: int) -> None:
    data, newest = verdict.data, verdict.newest
    cells = [verdict.cell(each) for each in WATCHED]
    words = (
        f"{fleet.short(data.location)}, {data.coil}",
        "never" if newest is None else f"{data.time(newest):%Y-%m-%d}",
        "" if verdict.age is None else f"{verdict.age // DAY:,}",
        *(text for cell in cells for text in _value_and_sigmas(cell)),
        in_short(verdict),
        str(len(verdict.beyond(Of.SLICE)) or ""),
        str(page),
    )
    strong = [len(PLACES) - 3] * verdict.state.is_alarm
    paper.table_row(figure, y, PLACES, words, SIZE, strong)
    for index, cell in enumerate(cells):
        if cell.state.is_alarm:
            place = (FIRST + EACH * index + 0.004, y - 0.92 * LINE)
            figure.add_artist(Rectangle(place, EACH - 0.002, LINE, color=MARKED, zorder=-1))


def _value_and_sigmas(cell: Cell) -> tuple[str, str]:
    if cell.value is None:
        return "", "-"
    if cell.state is State.LEARNING:
        return number(cell.value), "-"
    slowly = ("", "\N{NORTH EAST ARROW}", "\N{SOUTH EAST ARROW}")[cell.slow]
    return number(cell.value), f"{cell.sigmas:+.{int(abs(cell.sigmas) < 9.95)}f}{slowly}"


def _legend(fleet: Fleet) -> list[str]:
    units = ", ".join(f"{each.name} in {each.unit}" for each in WATCHED if each.unit)
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
    """What was out of control, of as many coils as there is room for; in a line where there is
    little."""
    for verdict in fleet.worst_first:
        if not verdict.state.is_alarm or y - 1.5 * LINE < LOWEST:
            return
        told = sentences(verdict)
        if y - (len(told) + 1) * 1.5 * LINE < LOWEST:
            told = []
        title = f"{verdict.data.location}, coil {verdict.data.coil}: {headline(verdict)}"
        text = figure.text(LEFT, y, title, size=8, weight="bold", va="top")
        paper.fit(figure, text, RIGHT - LEFT)
        y = paper.wrapped(figure, y - 1.1 * LINE, told) - LINE
