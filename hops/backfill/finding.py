"""What is in a folder of old reports, and which of them the scanner's archive lacks.

Two reports of a scanner are the same scan when their names tell the same time, in either form, and
they say the same when all of their numbers do, whatever their line ends.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import stability_report
from hops.archive import report_name_of, why_not_good
from hops.errors import Problem


@dataclass(frozen=True)
class Found:
    """A good report."""

    path: Path
    time: datetime
    """On the scanner's clock."""
    epoch: int
    channels: int
    numbers: bytes
    """A digest of all that it says."""

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class LeftOut:
    """What stays where it is, and why."""

    path: Path
    reason: str


@dataclass
class Findings:
    """What to do with each file that has a report's name; reports come oldest first."""

    missing: list[Found] = field(default_factory=list)
    """To be copied into the scanner's folder."""
    waiting: list[Found] = field(default_factory=list)
    """Already in the scanner's folder."""
    archived: list[Found] = field(default_factory=list)
    """Already in its archive."""
    duplicates: list[LeftOut] = field(default_factory=list)
    """Further copies of one of these."""
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def wanted(self) -> list[Found]:
        """What Graphite is to get now."""
        return sorted(self.missing + self.waiting, key=_by_time)

    def leave_out(self, reports: Sequence[Found], reason: str) -> None:
        """Has `reports`, which were missing, stay where they are."""
        those = set(reports)
        self.missing = [report for report in self.missing if report not in those]
        self.left_out += [LeftOut(report.path, reason) for report in reports]


def list_files(source: Path) -> tuple[list[Path], list[LeftOut]]:
    """The regular files with reports' names in `source` and below it, and what cannot be looked
    into. No link is followed."""
    paths: list[Path] = []
    left_out: list[LeftOut] = []

    def skip(error: OSError) -> None:
        left_out.append(LeftOut(Path(error.filename), f"cannot be read: {error.strerror}"))

    for folder, subfolders, names in os.walk(source, onerror=skip):
        subfolders.sort()
        for name in subfolders:
            if os.path.islink(os.path.join(folder, name)):
                left_out.append(LeftOut(Path(folder, name), "is a link to a folder: name it alone"))
        for name in filter(stability_report.is_report_name, sorted(names)):
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                paths.append(path)
            else:
                left_out.append(LeftOut(path, "is no regular file"))
    return paths, left_out


def sort_out(
    paths: Sequence[Path], scanner: Any, settings: Any, advance: Callable[[int], object]
) -> Findings:
    """What to do with the files at `paths`.

    `scanner`, `settings`: the collector's `Scanner` and `Settings`; `advance` is told of each file.
    Raises Problem when the scanner's folder cannot be used.
    """
    findings = Findings()
    good = list(_good_reports(paths, settings, findings.left_out, advance))
    scans = _one_a_scan(good, findings)
    archive = _Stored(os.path.join(scanner.folder, settings.ingest_dir))
    folder = _Stored(scanner.folder, must_exist=True)
    for report in sorted(scans, key=_by_time):
        if report.time in archive.names:
            _compare(report, archive, findings.archived, findings.left_out)
        elif report.time in folder.names:
            _compare(report, folder, findings.waiting, findings.left_out)
        else:
            findings.missing.append(report)
    return findings


def read(path: Path) -> tuple[bytes, stability_report.Report]:
    """A file's content, and what it says. Raises ReportError, and OSError."""
    with path.open("rb") as stream:
        data = stream.read(stability_report.MAX_BYTES + 1)
    return data, stability_report.parse_bytes(data, path.name)


def digest(report: stability_report.Report) -> bytes:
    """Of all that a report says, but for its name."""
    says = (report.slices, report.measurements, report.channels, report.sections)
    return hashlib.sha256(repr(says).encode()).digest()


def _by_time(report: Found) -> tuple[datetime, str]:
    return report.time, str(report.path)


def _good_reports(
    paths: Sequence[Path],
    settings: Any,
    left_out: list[LeftOut],
    advance: Callable[[int], object],
) -> Iterator[Found]:
    """Those that the collector would publish; the others are `left_out`."""
    from stability_collector import is_of_the_future

    for path in paths:
        advance(1)
        try:
            _, report = read(path)
        except OSError as error:
            left_out.append(LeftOut(path, f"cannot be read: {error.strerror}"))
            continue
        except stability_report.ReportError as error:
            left_out.append(LeftOut(path, why_not_good(error)))
            continue
        epoch = stability_report.timestamp(report.time, settings.timezone)
        if report.channels not in settings.coils:
            left_out.append(
                LeftOut(
                    path,
                    f"comes from a coil of {report.channels} channels: add a line like "
                    f'"{report.channels} = {report.channels}" under [coils]',
                )
            )
        elif is_of_the_future(epoch):
            left_out.append(LeftOut(path, "is of the future: is the scanner's clock right?"))
        else:
            yield Found(path, report.time, epoch, report.channels, digest(report))


def _one_a_scan(reports: Sequence[Found], findings: Findings) -> list[Found]:
    """One report of each scan; none of a scan of which reports say different things."""
    times = defaultdict(set)
    scans: dict[datetime, list[Found]] = defaultdict(list)
    for report in reports:
        times[report.numbers].add(report.time)
        scans[report.time].append(report)
    chosen = []
    for copies in scans.values():
        first = copies[0]
        if len({report.numbers for report in copies}) > 1:
            those = ", ".join(repr(str(report.path)) for report in copies)
            reason = f"is one of {those}, which say different things of one scan"
            findings.left_out += [LeftOut(report.path, reason) for report in copies]
        elif len(times[first.numbers]) > 1:
            other = min(times[first.numbers] - {first.time})
            reason = f"says the same as a scan of {other}: one of the names is wrong"
            findings.left_out += [LeftOut(report.path, reason) for report in copies]
        else:
            chosen.append(first)
            findings.duplicates += [
                LeftOut(copy.path, f"says the same as {str(first.path)!r}") for copy in copies[1:]
            ]
    return chosen


def _compare(
    report: Found, stored: _Stored, same: list[Found], left_out: list[LeftOut]
) -> None:
    """Notes `report` under the name that it has where it is stored, if it is the same there."""
    names = stored.names[report.time]
    name = next((name for name in names if stored.digest(name) == report.numbers), None)
    if name is None:
        other = os.path.join(stored.folder, names[0])
        left_out.append(LeftOut(report.path, f"says something else than {other!r}"))
    else:
        same.append(replace(report, path=Path(stored.folder, name)))


class _Stored:
    """The reports in a scanner's folder or its archive.

    Attributes: `folder` (str), and `names`, from the time of a scan to the names of its files, of
    which an archive may have `<name>.1.txt` and `<name>.duplicate.txt`, too.
    """

    def __init__(self, folder: str, must_exist: bool = False) -> None:
        from stability_collector import Folder

        self.folder = folder
        try:
            with Folder(folder) as opened:
                names = opened.names()
        except FileNotFoundError as error:
            if must_exist:
                raise _unusable(folder, error) from None
            names = []
        except OSError as error:
            raise _unusable(folder, error) from None
        self.names: dict[datetime, list[str]] = {}
        for name in sorted(names):
            # What is no report's is of no interest.
            with suppress(stability_report.ReportError):
                time = stability_report.scan_time(report_name_of(name))
                self.names.setdefault(time, []).append(name)

    def digest(self, name: str) -> bytes | None:
        """Of what a file says; None when it is no report."""
        from stability_collector import Folder

        try:
            with Folder(self.folder) as opened:
                data, _ = opened.read(name)
            return digest(stability_report.parse_bytes(data, report_name_of(name)))
        except (OSError, stability_report.ReportError):
            return None


def _unusable(folder: str, error: OSError) -> Problem:
    return Problem(
        f"{folder!r} cannot be used: {error.strerror}; is the share mounted, and may you read it?"
    )
