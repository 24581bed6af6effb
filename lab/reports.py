"""The reports that the demo sends: invented ones, or copies of somebody's own."""

from __future__ import annotations

import filecmp
import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import stability_report
from hops.console import progress
from hops.errors import Problem
from hops.sample import make_reports
from sample_data.scanners import FOLDERS, example_scanners
from sample_data.schedule import newest_day, schedule

ARCHIVE = "Ingested"
# Seconds in a slot: an hour is enough for a scan a day, ten minutes for any two scans.
STEPS = (3600, 600, 60)


@dataclass
class Reports:
    """Scanners' folders by location, the good reports in them with their locations, and what is
    wrong with files that are no good."""

    scanners: dict[str, Path]
    good: list[tuple[str, stability_report.Report]] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)

    def read(self) -> Reports:
        """Reads them all."""
        for location, folder in self.scanners.items():
            for path in sorted(folder.glob("*.txt")):
                try:
                    self.good.append((location, stability_report.read(str(path))))
                except stability_report.ReportError as error:
                    self.bad.append(str(error))
        return self

    def archived(self) -> int:
        """How many the collector has archived."""
        return sum(len(list(each.glob(f"{ARCHIVE}/*.txt"))) for each in self.scanners.values())

    def step(self) -> int:
        """The largest of STEPS, in seconds, in which no two of the good ones share a slot."""
        for step in STEPS:
            slots = {
                (location, report.channels, stability_report.timestamp(report.time) // step)
                for location, report in self.good
            }
            if len(slots) == len(self.good):
                break
        return step


def invented(folder: Path, years: float) -> Reports:
    """So many years of those of two scanners, in folders in `folder`."""
    until = newest_day(datetime.now())
    make_reports(folder, schedule(example_scanners(until), until, years))
    return Reports({location: folder / name for location, name in FOLDERS.items()}).read()


def copied(source: Path, folder: Path) -> Reports:
    """Copies of those in `source`, and in the folders directly below it: a scanner each."""
    reports = Reports({})
    paths = sorted(path for path in source.rglob("*") if stability_report.is_report_name(path.name))
    if not paths:
        raise Problem(
            f"{source} has no report: expected names like Stability_20180910T090910.txt."
        )
    with progress("Copying reports", len(paths)) as advance:
        for path in paths:
            advance(1)
            below = path.relative_to(source).parts
            scanner = below[0] if len(below) > 1 and below[0] != ARCHIVE else source.resolve().name
            target = folder / stability_report.metric_name(scanner) / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            # As many levels as the dashboards have.
            reports.scanners[f"Demo/Copied/{target.parent.name}"] = target.parent
            if not target.exists():
                shutil.copy2(path, target)
            elif not filecmp.cmp(path, target, shallow=False):
                reports.bad.append(f"{str(path)!r}: left out, another of this name is there")
    return reports.read()
