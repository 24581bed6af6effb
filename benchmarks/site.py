"""Scanners' folders full of reports, and the collector that looks after one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from diamond.handler.Handler import Handler
from diamond.metric import Metric

import stability_report
from lab.diamond import HOSTNAME, PREFIX, DiamondSite
from sample_data.samples import FOLDER as SAMPLES
from stability_collector import StabilityCollector

PROJECT = Path(__file__).resolve().parents[1]
REAL = PROJECT.parent / "shared" / "real" / "Stability_20180910T090910.txt"
# One of 16 slices and 32 channels, as the real one.
SAMPLE = SAMPLES / "Stability_20260302T070412.txt"
SOURCE = REAL if REAL.exists() else SAMPLE

# Of which Graphite still keeps something.
FIRST_DAY = datetime(2010, 1, 1, 7)
LOCATION = "Harvard/Northwest/Bay1"
COIL = f"{PREFIX}.Harvard.Northwest.Bay1.32"
# Long ago, so that a report has settled.
WRITTEN = 1_000_000_000


class NullHandler(Handler):  # type: ignore[misc]
    """A Diamond handler that takes metrics and does nothing."""

    def process(self, metric: Any) -> None:
        pass


class Bay:
    """A folder that gets a report a day, all with the content of SOURCE."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = folder / "Ingested"
        self.archive.mkdir(parents=True)
        self._content = SOURCE.read_bytes()
        self._next_scan = FIRST_DAY

    def scan(self, count: int = 1) -> None:
        """Puts `count` reports into the folder."""
        for _ in range(count):
            path = self.folder / self._name(timedelta(days=1))
            path.write_bytes(self._content)
            os.utime(path, (WRITTEN, WRITTEN))

    def fill_archive(self, count: int) -> None:
        """Has `count` archived reports, which are empty: nobody reads them."""
        for _ in range(count):
            (self.archive / self._name(timedelta(hours=1))).touch()

    def fill_with_others(self, count: int) -> None:
        """Puts `count` files that are no reports into the folder."""
        for number in range(count):
            (self.folder / f"IM_{number:05d}.dcm").touch()

    def _name(self, then: timedelta) -> str:
        """The name of the next report; `then` is how much later the one after it is made."""
        scan, self._next_scan = self._next_scan, self._next_scan + then
        return f"Stability_{scan:%Y%m%dT%H%M%S}.txt"


def collector_of(folder: Path, bay: Bay, handlers: list[Any], graphite_url: str = "") -> Any:
    """A StabilityCollector for the bay, configured in `folder` as Diamond does."""
    site = DiamondSite(
        folder,
        {LOCATION: bay.folder},
        {32: "32"},
        2003,
        timezone="UTC",
        settle_seconds=0,
        confirm_seconds=0,
        graphite_url=graphite_url,
    )
    return StabilityCollector(configfile=str(site.conf), handlers=handlers)


class _Unread(logging.Handler):
    """Makes the lines of a log, and writes them nowhere."""

    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)


@contextmanager
def diamonds_log() -> Iterator[None]:
    """Diamond's logger, as Diamond's own configuration has it: at INFO."""
    logger = logging.getLogger("diamond")
    handler = _Unread()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)


def points() -> list[tuple[str, float, int]]:
    """Metric path, number and decimals of what is in the report."""
    return [
        (f"{COIL}.{point.section}.{point.column}.{point.slice}", point.number, point.decimals)
        for point in stability_report.points(stability_report.read(str(SOURCE)))
    ]


def publish_ready_made(collector: Any, wanted: list[tuple[str, float, int]], epoch: int) -> None:
    """The least that a collector can do: makes a report's Metrics and hands them over."""
    for path, number, decimals in wanted:
        collector.publish_metric(
            Metric(path, number, None, epoch, decimals, HOSTNAME, "GAUGE", 60.0)
        )
