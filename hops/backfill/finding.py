"""What is in a folder of old reports, and which of them the scanner's archive lacks.

Two reports of a scanner are the same scan when their names tell the same time, in either form, and
they say the same when all of their numbers do, whatever their line ends.
"""

from __future__ import annotations

import hashlib
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hops import paths
from hops.reportfiles import (
    Patience,
    ReportFile,
    ReportFolder,
    Unusable,
    all_below,
    open_reports,
    read,
    report_file,
    why_left,
)
from hops.site import Site
from stability_report import Report


@dataclass(frozen=True)
class OldReport:
    """A good report, without its numbers: there may be ten thousands."""

    file: ReportFile
    time: datetime
    """Of the scan, on the scanner's clock."""
    channels: int
    digest: bytes
    """Of all that it says."""


@dataclass(frozen=True)
class LeftOut:
    """What stays where it is, and why."""

    path: str
    reason: str


@dataclass
class Findings:
    """What to do with each file that has a report's name; reports come oldest first."""

    missing: list[OldReport] = field(default_factory=list)
    """To be copied into the scanner's folder."""
    waiting: list[OldReport] = field(default_factory=list)
    """Already in the scanner's folder."""
    archived: list[OldReport] = field(default_factory=list)
    """Already in its archive."""
    duplicates: list[LeftOut] = field(default_factory=list)
    """Further copies of one of these."""
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def wanted(self) -> list[OldReport]:
        """What Graphite is to get now."""
        return sorted(self.missing + self.waiting, key=_by_time)

    def leave_out(self, path: str, reason: str) -> None:
        self.left_out.append(LeftOut(path, reason))


def find_reports(
    files: Sequence[ReportFile], scanner: Any, site: Site, advance: Callable[[int], object]
) -> Findings:
    """What to do with the `files`, as `list_files` has them; `advance` is told of each.

    Raises Problem when the scanner's folder cannot be used.
    """
    findings = Findings()
    scans = _one_a_scan(list(_good_reports(files, site, findings, advance)), findings)
    with (
        open_reports(site, scanner, site.settings.ingest_dir) as archive,
        open_reports(site, scanner) as folder,
    ):
        archived, waiting = _by_scan(archive), _by_scan(folder)
        for report in sorted(scans, key=_by_time):
            if report.time in archived:
                _compare(report, archive, archived[report.time], findings.archived, findings)
            elif report.time in waiting:
                _compare(report, folder, waiting[report.time], findings.waiting, findings)
            else:
                findings.missing.append(report)
    return findings


def list_files(source: Path, site: Site) -> tuple[list[ReportFile], list[LeftOut]]:
    """The regular files with reports' names in `source` and below it, and what cannot be looked
    into. No link is followed."""
    found: list[ReportFile] = []
    left_out: list[LeftOut] = []

    def cannot_read(error: OSError) -> None:
        left_out.append(LeftOut(error.filename, f"cannot be read: {error.strerror}"))

    patience = Patience()
    for path in all_below(source, cannot_read, patience):
        file = report_file(str(path.parent), path.name, site.settings.timezone)
        is_report = file is not None and file.has_scanners_name
        try:
            mode = patience.ask(path.lstat).st_mode
            leads_on = stat.S_ISLNK(mode) and patience.ask(path.is_dir)
        except OSError as error:
            if is_report:
                cannot_read(OSError(error.errno, error.strerror, str(path)))
            continue
        if leads_on:
            left_out.append(LeftOut(str(path), "is a link to a folder: name it alone"))
        elif file and is_report:
            if stat.S_ISREG(mode):
                found.append(file)
            elif not stat.S_ISDIR(mode):
                left_out.append(LeftOut(file.path, "is no regular file"))
    return found, left_out


def digest(report: Report) -> bytes:
    """Of all that a report says, but for its name."""
    says = (report.slices, report.measurements, report.channels, report.sections)
    return hashlib.sha256(repr(says).encode()).digest()


def leave_out_what_graphite_does_not_keep(findings: Findings, site: Site, location: str) -> None:
    """Has reports that are older than that stay where they are; of a coil that has no series yet,
    it is not known.

    Raises Problem when Graphite does not answer.
    """
    graphite = site.graphite()
    kept_since = {}
    for channels in {report.channels for report in findings.missing}:
        coil = site.settings.coils[channels]
        series = graphite.expand(str(paths.Series(site.path(location), coil, slice="1")))
        kept_since[channels] = (graphite.kept_since(series[0]) if series else None) or 0
    missing, findings.missing = findings.missing, []
    for report in missing:
        since = kept_since[report.channels]
        if report.file.epoch < since:
            coil, day = site.settings.coils[report.channels], date.fromtimestamp(since)
            reason = f"is too old: Graphite keeps coil {coil} since {day} only"
            findings.leave_out(report.file.path, reason)
        else:
            findings.missing.append(report)


def _by_time(report: OldReport) -> tuple[datetime, str]:
    return report.time, report.file.path


def _good_reports(
    files: Sequence[ReportFile], site: Site, findings: Findings, advance: Callable[[int], object]
) -> Iterator[OldReport]:
    """Those that the collector would publish; the others are left out."""
    patience = Patience()
    for file in files:
        advance(1)
        try:
            report = read(file.path, patience).report
            why = why_left(report, file.epoch, site.settings.coils)
        except Unusable as reason:
            why = str(reason)
        if why:
            findings.leave_out(file.path, why)
        else:
            yield OldReport(file, report.time, report.channels, digest(report))


def _one_a_scan(reports: Sequence[OldReport], findings: Findings) -> list[OldReport]:
    """One report of each scan; none of a scan of which reports say different things."""
    times = defaultdict(set)
    scans: dict[datetime, list[OldReport]] = defaultdict(list)
    for report in reports:
        times[report.digest].add(report.time)
        scans[report.time].append(report)
    chosen = []
    for copies in scans.values():
        first = copies[0]
        wrong = ""
        if len({report.digest for report in copies}) > 1:
            those = ", ".join(repr(report.file.path) for report in copies)
            wrong = f"is one of {those}, which say different things of one scan"
        elif len(times[first.digest]) > 1:
            other = min(times[first.digest] - {first.time})
            wrong = f"says the same as a scan of {other}: one of the names is wrong"
        if wrong:
            for report in copies:
                findings.leave_out(report.file.path, wrong)
            continue
        chosen.append(first)
        same = f"says the same as {first.file.path!r}"
        findings.duplicates += [LeftOut(copy.file.path, same) for copy in copies[1:]]
    return chosen


def _by_scan(folder: ReportFolder) -> dict[datetime, list[ReportFile]]:
    """From the time of a scan to its files, of which an archive may have `<name>.1.txt` and
    `<name>.duplicate.txt`, too."""
    scans = defaultdict(list)
    for file in folder.files():
        if file.time:
            scans[file.time].append(file)
    return dict(scans)


def _compare(
    report: OldReport,
    place: ReportFolder,
    stored: Sequence[ReportFile],
    same: list[OldReport],
    findings: Findings,
) -> None:
    """Notes `report` as the one of the `stored` files that says the same."""
    for file in stored:
        try:
            is_same = digest(place.read(file).report) == report.digest
        except Unusable:
            continue
        if is_same:
            same.append(replace(report, file=file))
            return
    reason = f"says something else than {stored[0].path!r}"
    findings.leave_out(report.file.path, reason)
