"""What is in a file, and what is wrong with it, as the collector would see it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import stability_report
from hops import paths
from hops.check.excerpt import Place, place_of
from hops.reportfiles import Patience, read_as_collector, resolved, why_left
from hops.site import Site
from hops.times import moment
from stability_report import IncompleteReport, Report, ReportError

GOOD, WAITS, INCOMPLETE, MALFORMED, UNREADABLE = STATES = (
    "good", "waits", "incomplete", "malformed", "unreadable",
)

MOST_LINES = 5

UNKNOWN_LOCATION = "<location>"


@dataclass(frozen=True)
class Contents:
    """What is in a file that is a report."""

    time: str
    epoch: int
    location: str | None
    coil: str | None
    slices: int
    measurements: int
    channels: int
    sections: list[dict[str, object]]
    """The `name` and the `columns` of each."""
    values: int
    without_number: int
    lacks: tuple[str, ...]
    """Which of the sequence's sections it has not."""
    unknown_lines: tuple[int, ...]
    """The numbers of lines outside any table that nobody knows."""

    @property
    def warnings(self) -> list[str]:
        """Sentences: what a person should know of it, though it is good."""
        warnings = []
        if self.lacks:
            warnings.append(
                f"it has no {', '.join(self.lacks)}: the collector leaves it alone for an hour, if "
                "the coil's last report had more, and then publishes it as it is"
            )
        if self.unknown_lines:
            lines = ", ".join(map(str, self.unknown_lines[:MOST_LINES]))
            more = ", ..." if self.unknown_lines[MOST_LINES:] else ""
            warnings.append(
                f"it has lines outside any table that nobody knows, and they are skipped: "
                f"{lines}{more}"
            )
        return warnings


@dataclass(frozen=True)
class Checked:
    """A file, and what was found out about it."""

    file: Path
    state: str
    """One of STATES."""
    reason: str = ""
    """Why it is not good."""
    place: Place | None = None
    """Where it is not good."""
    report: Report | None = None
    contents: Contents | None = None
    paths: tuple[str, ...] = ()
    """The metric paths that it would make, in the order of the report."""

    def for_programs(self) -> dict[str, object]:
        """What --json has of it."""
        return {
            "file": str(self.file),
            "state": self.state,
            "reason": self.reason or None,
            "line": self.place.number if self.place else None,
            "column": self.place.start + 1 if self.place else None,
            **(asdict(self.contents) if self.contents else {}),
        }


@dataclass(frozen=True)
class Checker:
    """Checks files with metric paths, coils and times as the site has them, where there is one."""

    site: Site | None
    location: str | None
    """Of the reports; None: that of the scanner whose folder a file is in."""
    _patience: defaultdict[Path, Patience] = field(default_factory=lambda: defaultdict(Patience))
    """By folder."""

    @property
    def timezone(self) -> str:
        """Of the scanners' clocks; "" for this machine's."""
        return str(self.site.settings.timezone) if self.site else ""

    def check(self, file: Path) -> Checked:
        """Reads a file as the collector would."""
        try:
            data = self._patience[file.parent].ask(lambda: read_as_collector(file))
        except OSError as error:
            return Checked(file, UNREADABLE, error.strerror or str(error))
        try:
            report = stability_report.parse_bytes(data, file.name)
        except ReportError as error:
            state = INCOMPLETE if isinstance(error, IncompleteReport) else MALFORMED
            return Checked(file, state, error.reason, place_of(error, data))
        epoch = stability_report.timestamp(report.time, self.timezone)
        location = self._location_of(file)
        metrics = self._metrics(location, report, epoch)
        contents = Contents(
            time=moment(epoch, self.timezone),
            epoch=epoch,
            location=location,
            coil=self._coil(report),
            slices=report.slices,
            measurements=report.measurements,
            channels=report.channels,
            sections=[{"name": each.name, "columns": each.columns} for each in report.sections],
            values=len(metrics),
            without_number=report.without_number,
            lacks=report.lacks,
            unknown_lines=report.unknown,
        )
        why = why_left(report, epoch, self.site.settings.coils if self.site else None)
        state, reason = (WAITS, f"it {why}") if why else (GOOD, "")
        return Checked(file, state, reason, None, report, contents, metrics)

    def _location_of(self, file: Path) -> str | None:
        if self.location:
            return self.location
        folder = resolved(file.parent)
        # A scanner's folder may be in that of another: the innermost counts.
        inside_out = (folder, *folder.parents)
        return next((self._scanners[each] for each in inside_out if each in self._scanners), None)

    @cached_property
    def _scanners(self) -> dict[Path, str]:
        """The locations of the scanners by their folders."""
        scanners = self.site.settings.scanners if self.site else ()
        return {resolved(scanner.folder): scanner.location for scanner in scanners}

    def _coil(self, report: Report) -> str | None:
        """The coil of so many receive channels; None when the site does not know it."""
        if self.site is None:
            return str(report.channels)
        name: str | None = self.site.settings.coils.get(report.channels)
        return name

    def _metrics(self, location: str | None, report: Report, epoch: int) -> tuple[str, ...]:
        coil = self._coil(report)
        if self.site and location and coil:
            metrics = self.site.collector.metrics(self.site.scanner(location), report, epoch)
            return tuple(metric.path for metric in metrics)
        path = stability_report.location_path(location) if location else UNKNOWN_LOCATION
        scanner = f"{self.site.prefix}.{path}" if self.site else path
        coil = coil or str(report.channels)
        return tuple(
            str(paths.Series(scanner, coil, point.section, point.column, str(point.slice)))
            for point in stability_report.points(report)
        )
