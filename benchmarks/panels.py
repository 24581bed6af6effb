"""How long Graphite takes for panels and pages of the dashboards on years of scans."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from time import perf_counter

import stability_report
from benchmarks.results import Result
from benchmarks.site import PROJECT, SOURCE
from grafana.fleet import AGE, LEARNING, OUT, SLOW
from grafana.ingest import COUNTS
from grafana.panels import CHART
from hops.quantities import QUANTITIES
from hops.retention.wanted import Wanted
from hops.times import DAY
from lab.graphite import EmbeddedGraphite, Environment

sys.path.insert(0, str(PROJECT / "tests" / "integration"))
from grafana_page import Page
from whisper_files import store

DASHBOARDS = PROJECT / "grafana" / "dashboards"
SCHEMAS = PROJECT / "graphite" / "storage-schemas.conf"
WANTED = Wanted(SCHEMAS.parent)
LOCATION = "servers.bench.StabilityCollector.Harvard.Northwest.Bay1"
FLEET = "servers.bench.StabilityCollector.Harvard.Northwest.Bay2"
COILS = ("20", "32", "64")
DAYS = 5 * 365
ROUNDS = 3


def measure(folder: Path, environment: Environment) -> list[Result]:
    """Of 16 slices and 3 coils, scanned daily for five years, of which all are shown; and the fleet
    of forty coils."""
    graphite = EmbeddedGraphite(folder, environment, storage_schemas=SCHEMAS.read_text())
    until = int(time.time()) // DAY * DAY
    _write_series(graphite.whisper_dir, until)
    for coil in range(100, 140):
        _write_verdicts(graphite.whisper_dir, f"{FLEET}.control.{coil}", until, slices=0)
    panels: dict[str, float] = {}
    pages: dict[str, float] = {}
    with graphite:
        for path in sorted(DASHBOARDS.glob("*.json")):
            took = _seconds(path, graphite.url, until, coil=list(COILS), scanner="Bay1")
            # As it opens: what is folded up is not asked for.
            pages[path.stem] = sum(sum(took.get(title, ())) for title in _unfolded(path))
            panels |= {f"{path.stem}: {title}": max(each) for title, each in took.items()}
        forty = _seconds(DASHBOARDS / "fleet.json", graphite.url, until, scanner="*", coil="*")
    return [
        _slowest("panel", panels),
        _slowest("page", pages),
        Result("fleet of forty coils, five years", 1000 * sum(map(sum, forty.values())), "ms"),
    ]


def _slowest(what: str, seconds: dict[str, float]) -> Result:
    name, slowest = max(seconds.items(), key=lambda item: item[1])
    return Result(f"slowest {what}, five years ({name})", 1000 * slowest, "ms")


def _unfolded(path: Path) -> set[str]:
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    return {panel["title"] for panel in dashboard["panels"]}


def _seconds(path: Path, url: str, until: int, **chosen: object) -> dict[str, list[float]]:
    """{title: seconds} of the panels of a page, for each repetition of one."""
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    page = Page(dashboard, url, until - DAYS * DAY, until, **chosen)
    found: dict[str, list[float]] = defaultdict(list)
    for panel, choices in page.panels():
        found[panel["title"]].append(_median_seconds(page, panel, choices))
    return found


def _median_seconds(page: Page, panel: object, choices: object) -> float:
    seconds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        page.answers(panel, choices)
        seconds.append(perf_counter() - start)
    return statistics.median(seconds)


def _write_series(whisper_dir: Path, until: int) -> None:
    """The report of each day, of each coil, how it is judged, and what the collector says of itself
    in a day: the same numbers, as only the count of slots matters."""
    report = stability_report.read(str(SOURCE))
    for coil in COILS:
        for point in stability_report.points(report):
            series = f"{LOCATION}.{coil}.{point.section}.{point.column}.{point.slice}"
            _write(whisper_dir, series, until, point.number)
        _write_verdicts(whisper_dir, f"{LOCATION}.control.{coil}", until, slices=16)
    for count in COUNTS:
        _write(whisper_dir, f"{LOCATION}.ingest.{count.name}", until, 0)


def _write_verdicts(whisper_dir: Path, control: str, until: int, slices: int) -> None:
    for name in (AGE, LEARNING, OUT, SLOW):
        _write(whisper_dir, f"{control}.{name}", until, 0)
    of_slices = (f"slices.{number}" for number in range(1, slices + 1))
    names = (*CHART, "sigmas", "slope", "slope_margin", *of_slices)
    for quantity in QUANTITIES:
        for name in names:
            _write(whisper_dir, f"{control}.{quantity.column}.{name}", until, 1)


def _write(whisper_dir: Path, series: str, until: int, number: float) -> None:
    wanted = WANTED.of(series)
    assert wanted is not None
    since = until - (DAYS - 1) * DAY
    points = [(series, epoch, number) for epoch in range(since, until, DAY)]
    store(whisper_dir, points, list(wanted.archives))
