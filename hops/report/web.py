"""Pages for any web server or a share: a table of the fleet, and a page a coil.

They ask nobody for anything, not even for a style or a script, and have the browser see to it.
Names and notes are untrusted: the templates escape all that is not Markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from hops.console import counted, printable
from hops.quantities import QUANTITIES, WATCHED, Quantity
from hops.report.charts import draw_chart, has_slice_map
from hops.report.fleet import Fleet
from hops.report.paper import drawing_style
from hops.report.verdict import NO_SCAN, Chart, Of, Scan, State, Verdict
from hops.report.words import how_many, in_short, line, method, number, sentences, signed, told
from hops.times import DAY
from stability_report import location_path

INDEX = "index.html"
NEWEST_SCANS = 30
CHART_INCHES = (4.4, 2.2)
SVG_STYLE = {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 8}

SIGNS = {
    State.OUT: "\N{BALLOT X}",
    State.SLOW: "~",
    State.INCOMPLETE: "!",
    State.UNKNOWN: "?",
    State.LEARNING: "\N{HORIZONTAL ELLIPSIS}",
    State.IN: "\N{CHECK MARK}",
}
"""Of the newest scan, the worst first: seen without colour."""


class Cell(NamedTuple):
    """A value in a table."""

    name: str
    value: str = ""
    sigmas: str = ""
    mark: str = ""
    """`low`, `high`: out of control on that side; `over`: beyond the site's own limit."""
    slow: str = ""
    """`falls`, `rises`: changes slowly."""


@dataclass(frozen=True)
class Row:
    """A coil in the table of the fleet."""

    location: str
    coil: str
    href: str
    state: State
    day: str
    age: int | None
    """Days since the newest scan."""
    is_late: bool
    cells: Sequence[Cell]
    beyond: str
    in_slices: int
    """Scans with single slices beyond limits."""

    @property
    def sign(self) -> str:
        """Its state's."""
        return SIGNS[self.state]

    @property
    def order(self) -> tuple[int, int, bool]:
        """The worst first."""
        out = sum(bool(cell.mark) for cell in self.cells)
        return list(SIGNS).index(self.state), -out, not self.is_late


def write(fleet: Fleet, folder: Path) -> Path:
    """Writes the page of each coil into `folder`, and then the table of them all, whose path is
    returned. A page is there whole, or as it was before. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    templates = Environment(
        loader=PackageLoader("hops.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    templates.globals["small_print"] = fleet.small_print
    rows = []
    coil = templates.get_template("coil.html")
    for verdict in fleet.verdicts:
        rows.append(_row(verdict))
        _put(folder / rows[-1].href, coil.render(row=rows[-1], **_page(verdict)))
    rows.sort(key=lambda row: row.order)
    table = templates.get_template("fleet.html").render(
        rows=rows, quantities=WATCHED, unknown=fleet.unknown, summary=_summary(rows)
    )
    return _put(folder / INDEX, table)


def _put(path: Path, text: str) -> Path:
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    return new.replace(path)


def _summary(rows: Sequence[Row]) -> str:
    coils, late = how_many([row.state for row in rows]), sum(row.is_late for row in rows)
    return f"{coils}, {late} without a scan for {NO_SCAN // DAY} days"


def _row(verdict: Verdict) -> Row:
    data, newest = verdict.data, verdict.newest
    return Row(
        data.location,
        data.coil,
        f"{location_path(data.location)}.{data.coil}.html",
        verdict.state_now,
        "never" if newest is None else f"{data.time(newest):%Y-%m-%d}",
        None if verdict.age is None else verdict.age // DAY,
        verdict.is_stale or newest is None,
        [_newest(verdict, each) for each in WATCHED],
        in_short(verdict),
        len(verdict.beyond(Of.SLICE)),
    )


def _newest(verdict: Verdict, quantity: Quantity) -> Cell:
    chart, cell = verdict.means[quantity], verdict.cell(quantity)
    if cell.value is None:
        return Cell(quantity.name)
    return _cell(chart, chart.scans[-1])._replace(slow=("", "rises", "falls")[cell.slow])


def _cell(chart: Chart, scan: Scan) -> Cell:
    is_judged = scan.centre is not None or scan.sigmas
    side = chart.side(scan)
    mark = "over" if scan.over > 0 else ""
    if side and not chart.quantity.is_better(side):
        mark = "low" if side < 0 else "high"
    sigmas = signed(scan.sigmas) if is_judged else ""
    return Cell(chart.quantity.name, number(scan.value), sigmas, mark)


# -- a coil --------------------------------------------------------------------------------


def _page(verdict: Verdict) -> dict[str, object]:
    data = verdict.data
    first, last = (f"{data.time(epoch):%Y-%m-%d}" for epoch in data.period)
    if data.scans:
        first = f"{data.time(data.scans[0]):%Y-%m-%d}"
    before = told(verdict, [each for each in verdict.excursions if each.since is None])
    now = [each for each in sentences(verdict) if each not in before]
    return {
        "period": f"{counted(len(data.scans), 'scan')} from {first} to {last}, "
        f"{counted(len(data.slices), 'slice')}",
        "now": now or [f"The newest scan of coil {data.coil} is within its control limits."],
        "before": before,
        "quantities": QUANTITIES,
        "newest": [(line(verdict, each), _newest(verdict, each)) for each in QUANTITIES],
        "charts": list(_charts(verdict)) if data.scans else [],
        "slices": list(_slices(verdict)),
        "scans": list(_last_scans(verdict)),
        "notes": [
            (f"{data.time(note.epoch):%Y-%m-%d}", printable(note.what)) for note in data.notes
        ],
        "without_notes": data.without_notes,
        "method": method(verdict),
    }


def _slices(verdict: Verdict) -> Iterator[tuple[int, list[Cell]]]:
    """The newest scan in each slice, where there are several."""
    for newest in verdict.data.scans[-1:]:
        for charts in zip(*verdict.slices.values()):
            yield charts[0].slice, [_at(chart, newest) for chart in charts]


def _last_scans(verdict: Verdict) -> Iterator[tuple[str, list[Cell]]]:
    data = verdict.data
    for scan in data.scans[: -NEWEST_SCANS - 1 : -1]:
        cells = [_at(verdict.means[each], scan) for each in QUANTITIES]
        yield f"{data.time(scan):%Y-%m-%d %H:%M}", cells


def _at(chart: Chart, epoch: int) -> Cell:
    """What a chart has of a scan."""
    newest_first = reversed(chart.scans)
    scan = next((each for each in newest_first if each.epoch == epoch), None)
    return _cell(chart, scan) if scan else Cell(chart.quantity.name)


def _charts(verdict: Verdict) -> Iterator[tuple[str, Markup]]:
    """The title of each chart, and the picture."""
    which: list[Quantity | None] = list(QUANTITIES)
    if has_slice_map(verdict):
        which.insert(1, None)
    with drawing_style(SVG_STYLE):
        for quantity in which:
            figure = Figure(CHART_INCHES)
            title = draw_chart(figure, verdict, quantity)
            yield title, _svg(figure, title)


def _svg(figure: Figure, title: str) -> Markup:
    """A figure as an element of a page: matplotlib escapes the texts in it."""
    buffer = StringIO()
    FigureCanvasSVG(figure)
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg ") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    # Numbers of the parts, which begin anew in each picture of a page.
    drawn = re.sub(r' id="[a-zA-Z]+(?:\.[a-zA-Z]+)?_\d+"', "", drawn)
    label = Markup('<svg role="img" aria-label="{}" ').format(title)
    return Markup(drawn.replace("<svg ", label, 1))
