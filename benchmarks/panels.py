"""How long the slowest panel of the dashboards takes on years of scans."""

from __future__ import annotations

import configparser
import json
import statistics
import sys
import time
from pathlib import Path
from time import perf_counter

import whisper

import stability_report
from benchmarks.results import Result
from benchmarks.site import PROJECT, SOURCE
from lab.graphite import EmbeddedGraphite, Environment

sys.path.insert(0, str(PROJECT / "tests" / "integration"))
from grafana_page import Page

DASHBOARDS = PROJECT / "grafana" / "dashboards"
SCHEMAS = PROJECT / "graphite" / "storage-schemas.conf"
LOCATION = "servers.bench.StabilityCollector.Harvard.Northwest.Bay1"
COILS = ("20", "32", "64")
INGEST = (
    "ingested",
    "oldest_waiting_seconds",
    "rejected",
    "seconds_since_last_scan",
    "unconfirmed",
    "waiting",
)
DAY = 86400
HOUR = 3600
DAYS = 5 * 365
ROUNDS = 3


def slowest_panel(folder: Path, environment: Environment) -> list[Result]:
    """Of 16 slices and 3 coils, scanned daily for five years, of which all are shown."""
    graphite = EmbeddedGraphite(folder, environment, storage_schemas=SCHEMAS.read_text())
    until = int(time.time()) // DAY * DAY
    _write_series(graphite.whisper_dir, until)
    seconds: dict[str, float] = {}
    with graphite:
        for path in sorted(DASHBOARDS.glob("*.json")):
            dashboard = json.loads(path.read_text(encoding="utf-8"))
            page = Page(dashboard, graphite.url, until - DAYS * DAY, until, coil=list(COILS))
            for panel, choices in page.panels():
                if "targets" in panel:
                    name = f"{path.stem}: {panel.get('title', '')}"
                    took = _median_seconds(page, panel, choices)
                    seconds[name] = max(took, seconds.get(name, 0))
    name, slowest = max(seconds.items(), key=lambda item: item[1])
    return [Result(f"slowest panel, five years ({name})", 1000 * slowest, "ms")]


def _median_seconds(page: Page, panel: object, choices: object) -> float:
    seconds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        page.answers(panel, choices)
        seconds.append(perf_counter() - start)
    return statistics.median(seconds)


def _write_series(whisper_dir: Path, until: int) -> None:
    """The report of each day, of each coil, and what the collector says of itself in each hour: the
    same numbers, as only their count matters."""
    schemas = configparser.ConfigParser()
    schemas.read(SCHEMAS)
    retentions = schemas["stability"]["retentions"].split(",")
    archives = [whisper.parseRetentionDef(each.strip()) for each in retentions]
    report = stability_report.read(str(SOURCE))
    since = until - (DAYS - 1) * DAY

    def write(name: str, number: float, every: int) -> None:
        path = whisper_dir.joinpath(*LOCATION.split("."), *name.split(".")).with_suffix(".wsp")
        path.parent.mkdir(parents=True, exist_ok=True)
        whisper.create(str(path), archives, xFilesFactor=0, sparse=True)
        whisper.update_many(str(path), [(epoch, number) for epoch in range(since, until, every)])

    for coil in COILS:
        for point in stability_report.points(report):
            write(f"{coil}.{point.section}.{point.column}.{point.slice}", point.number, DAY)
    for name in INGEST:
        write(f"ingest.{name}", 0, HOUR)
