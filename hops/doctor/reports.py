"""What the reports that are there say of time zone and coils."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hops.console import counted
from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.errors import Problem
from hops.reportfiles import ReportFile, Unusable, open_reports
from hops.site import Site
from stability_report import Report

# Of each scanner's waiting and archived reports, so many of the newest are read.
MOST = 100

# Seconds by which the clocks of a scanner and its share may differ.
CLOCKS_APART = 300


@dataclass(frozen=True)
class Seen:
    """A good report that was read, and where it lies."""

    location: str
    file: ReportFile
    is_waiting: bool
    changed: float
    """When the file was written to last, an epoch."""
    report: Report


def of_scanner(site: Site, scanner: Any) -> Iterator[Seen]:
    """The newest good reports of a scanner, waiting and archived."""
    for subfolder in ("", site.settings.ingest_dir):
        yield from _read(site, scanner, subfolder)


def check_time(site: Site, reports: Sequence[Seen]) -> Iterator[Finding]:
    """Whether the scanners' time zone is known, and can be the one that is named."""
    name = site.settings.timezone
    zone = ZoneInfo(name) if name else None
    now = datetime.now(zone) if zone else datetime.now().astimezone()
    text = f"it is {now.isoformat(timespec='seconds')} at the scanners"
    todo = "set timezone in StabilityCollector.conf to that of the scanners"
    if name:
        yield Finding("time zone", OK, f"{name}: {text}; compare it with a scanner's clock")
    elif now.tzname() == "UTC":
        text = f"none is named, and this machine is in UTC, as few scanners are: {text}"
        yield Finding("time zone", WARNING, text, todo)
    else:
        text = f"none is named, so this machine's is taken: {text}; compare it with a scanner's"
        yield Finding("time zone", OK, text)
    todo = f"{todo}, or correct the scanner's clock"
    for one in _newest(reports, lambda one: one.changed < one.file.epoch - CLOCKS_APART):
        hours = (one.file.epoch - one.changed) / 3600
        text = f"{one.file.path!r} was written {hours:.1f} hours before its scan, in that time zone"
        yield Finding(f"time of {one.location}", WARNING, text, todo)
    ahead = time.time() + CLOCKS_APART
    for one in _newest(reports, lambda one: one.is_waiting and one.file.epoch > ahead):
        hours = (one.file.epoch - time.time()) / 3600
        text = (
            f"{one.file.path!r} is of a scan {hours:.1f} hours from now, in that time zone, and "
            "Graphite keeps nothing that is still to come"
        )
        yield Finding(f"scans of {one.location}", WARNING, text, todo)


def check_coils(site: Site, reports: Sequence[Seen]) -> Iterator[Finding]:
    """Whether the coils that reports come from have a name."""
    unknown: dict[int, list[Seen]] = defaultdict(list)
    for one in reports:
        if one.report.channels not in site.settings.coils:
            unknown[one.report.channels].append(one)
    for channels, found in sorted(unknown.items()):
        waiting = sum(one.is_waiting for one in found)
        yield Finding(
            "coils seen",
            FAILED if waiting else WARNING,
            f"no coil of {counted(channels, 'channel')} is under [coils]; reports from there: "
            f"{waiting} waiting, {len(found) - waiting} archived, as {found[-1].file.path!r}",
            f'add a line like "{channels} = {channels}" under [coils]; without it they stay',
        )
    if not unknown and reports:
        text = f"{counted(len(reports), 'report')} read, each of a coil that has a name"
        yield Finding("coils seen", OK, text)


def _read(site: Site, scanner: Any, subfolder: str) -> Iterator[Seen]:
    # The folders' own check tells of one that cannot be used.
    with suppress(Problem), open_reports(site, scanner, subfolder) as folder:
        newest = [file for file in folder.files() if file.has_scanners_name][-MOST:]
        for file in newest:
            with suppress(Unusable):
                _, status, report = folder.read(file)
                yield Seen(scanner.location, file, not subfolder, status.st_mtime, report)


def _newest(reports: Sequence[Seen], which: Callable[[Seen], bool]) -> Iterable[Seen]:
    """Of each location the newest report of those that `which` is true of."""
    in_order = sorted(filter(which, reports), key=lambda one: one.report.time)
    return {one.location: one for one in in_order}.values()
