"""Two years of sample data in a Graphite, and the pictures of them in the README.

`script/pictures` makes these anew.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

from grafana_page import Page, ask_raw
from PIL import Image
from whisper_files import store

import stability_report
from hops.judge.verdicts import judge
from hops.quantities import QUANTITIES
from lab.diamond import PREFIX, DiamondSite
from lab.graphite import EmbeddedGraphite, Environment, find_environment
from sample_data.measure import simulate
from sample_data.report import report_text
from sample_data.scanners import NORTH, SOUTH, Scanner, example_scanners
from sample_data.schedule import DEFAULT_YEARS, schedule

PROJECT = Path(__file__).resolve().parents[2]
PICTURES = PROJECT / "docs"
SIZE = {"width": 900, "height": 230}
# In the order of their names. M. Okabe and K. Ito, Color Universal Design (2008).
DRAWN = ("centre", "lower", "upper", "value")
LOOK = {
    "colorList": "#8e8e8e,#E69F00,#E69F00,#0072B2",
    "bgcolor": "white",
    "fgcolor": "black",
    "lineMode": "connected",
    "hideLegend": "false",
    "xFormat": "%d %b",
}
# Graphite labels every 30th day, of more than a year every 240th, and cuts a label at the end.
SHOWN = 350 * 86400
LAST_DAY = date(2026, 11, 20)
AFTERNOON = time_of_day(14)
# A scan a day: graphite-web reads every slot of a series, whether there is a value in it or not.
SCHEMAS = "[stability]\npattern = .*\nretentions = 6h:25y\n"
ARCHIVES = [(6 * 3600, 25 * 365 * 4)]

NORTH_SCANNER, SOUTH_SCANNER = example_scanners(LAST_DAY)
COLUMNS = {column for quantity in QUANTITIES for column in quantity.columns}


def configuration(folder: Path, url: str) -> Path:
    """Diamond's, for these scanners and some that Graphite has nothing of; its file in `folder`."""
    scanners = {each: Path("/mnt", each) for each in (NORTH, SOUTH, "Moved/Bay1", "Else/Bay1")}
    return DiamondSite(folder, scanners, {32: "32", 64: "64"}, 2003, graphite_url=url).conf


@contextmanager
def graphite_with_years(
    folder: Path,
    environment: Environment,
    scanners: Sequence[Scanner] = (NORTH_SCANNER, SOUTH_SCANNER),
    years: float = DEFAULT_YEARS,
    web_port: int | None = None,
) -> Iterator[EmbeddedGraphite]:
    """A Graphite with what a report shows of the scanners, and with service notes."""
    with EmbeddedGraphite(
        folder, environment, web_port=web_port, storage_schemas=SCHEMAS
    ) as graphite:
        for scanner in scanners:
            store(graphite.whisper_dir, _points(scanner, years), ARCHIVES)
        post_event(graphite, _service())
        post_event(graphite, _repair())
        yield graphite


def _service() -> dict[str, Any]:
    day = NORTH_SCANNER.history.services[-1]
    return _note(NORTH, day, "Service visit: gradients and receiver adjusted")


def _repair() -> dict[str, Any]:
    repaired = SOUTH_SCANNER.history.failures[0].repaired
    assert repaired is not None
    return _note(SOUTH, repaired, "Element of the 32-channel coil replaced")


def post_event(graphite: EmbeddedGraphite, event: dict[str, object]) -> None:
    """Has Graphite keep an event: what, tags, when."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    direct.open(f"{graphite.url}/events/", data=json.dumps(event).encode()).close()


def _note(location: str, day: date, what: str) -> dict[str, Any]:
    """A service note in the afternoon of that day."""
    epoch = int(datetime.combine(day, AFTERNOON).timestamp())
    return {"what": what, "tags": ["service", location.replace("/", ".")], "when": epoch}


def _points(scanner: Scanner, years: float = DEFAULT_YEARS) -> Iterator[tuple[str, int, float]]:
    path = f"{PREFIX}.{stability_report.location_path(scanner.location)}"
    for scan in schedule([scanner], LAST_DAY, years):
        report = stability_report.parse(report_text(simulate(scan)), scan.file_name)
        epoch = int(scan.time.timestamp())
        for point in stability_report.points(report):
            if f"{point.section}.{point.column}" in COLUMNS:
                name = f"{scan.coil.channels}.{point.section}.{point.column}.{point.slice}"
                yield f"{path}.{name}", epoch, point.number


def _judged(scanner: Scanner) -> Iterator[tuple[str, int, float]]:
    """The control charts of the points."""
    columns: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    for path, epoch, value in _points(scanner):
        coil, section, column, number = path.rsplit(".", 3)
        columns[coil][f"{section}.{column}"][int(number)][epoch] = value
    for coil, values in columns.items():
        location, _, name = coil.rpartition(".")
        for quantity in QUANTITIES:
            slices = {each: dict(series) for each, series in quantity.values(values).items()}
            for what, points in judge(quantity, slices, [_repair()["when"]]).series.items():
                for epoch, number in points.items():
                    if number is not None:
                        yield f"{location}.control.{name}.{quantity.column}.{what}", epoch, number


def main() -> None:
    """Makes the pictures."""
    environment = find_environment()
    with (
        tempfile.TemporaryDirectory() as folder,
        graphite_with_years(Path(folder), environment, web_port=8080) as graphite,
    ):
        store(graphite.whisper_dir, _judged(SOUTH_SCANNER), ARCHIVES)
        _draw_report(graphite, PICTURES / "report.png")
        _draw_trends(graphite, PICTURES / "trends.png")


def _draw_report(graphite: EmbeddedGraphite, file: Path) -> None:
    conf = configuration(graphite.folder, graphite.url)
    report = ["hops", "report", "-c", str(conf), "--location", SOUTH, "--coil", "32"]
    options = ["--until", str(LAST_DAY), "-o", str(file)]
    subprocess.run([sys.executable, "-m", *report, *options], check=False)


def _draw_trends(graphite: EmbeddedGraphite, file: Path) -> None:
    """The dashboards' control charts, drawn by graphite-web, one above the other."""
    last = int(datetime.combine(LAST_DAY, AFTERNOON).timestamp())
    dashboard = json.loads((PROJECT / "grafana/dashboards/scanner.json").read_text("utf-8"))
    choices = dict(zip(("site", "building", "scanner"), SOUTH.split("/")))
    page = Page(dashboard, graphite.url, last - SHOWN, last, **choices, coil=["32"])
    drawn = [_render(page, panel) for panel in dashboard["panels"] if panel["type"] == "timeseries"]
    picture = Image.new("RGB", (SIZE["width"], SIZE["height"] * len(drawn)))
    for index, graph in enumerate(drawn):
        picture.paste(graph, (0, index * SIZE["height"]))
    picture.quantize().save(file, optimize=True)
    print(f"Written: {file}")


def _render(page: Any, panel: Any) -> Image.Image:
    # All but the marks, which are no line.
    (target,) = panel["targets"]
    query = page.fill(re.sub(r"\{.*?\}", f"{{{','.join(DRAWN)}}}", target["target"]))
    asked = {**LOOK, **SIZE, "title": panel["title"], "target": query, "until": page.until}
    form = urllib.parse.urlencode({**asked, "from": page.since}, doseq=True).encode()
    return Image.open(io.BytesIO(ask_raw(f"{page.url}/render", form)))


if __name__ == "__main__":
    main()
