"""`hops check`: what is in reports, what is wrong with them, and which metrics they would make."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich import box
from rich.table import Table
from rich.text import Text

import stability_report
from hops import site
from hops.console import (
    HELP,
    config_option,
    console,
    json_option,
    print_json,
    printable,
    progress,
    say,
)
from hops.excerpt import Place, drawn, place_of
from hops.site import Site
from hops.times import DAY, moment

GOOD, WAITS, INCOMPLETE, MALFORMED, UNREADABLE = STATES = (
    "good", "waits", "incomplete", "malformed", "unreadable",
)
STYLES = {GOOD: "green", WAITS: "yellow"}
BAD_STYLE = "red"

UNKNOWN_LOCATION = "<location>"
NAMES = "Stability_20180910T090910.txt or Stability_2024-04-01T13-07-02.txt"
# What the collector calls what it keeps beside a report of the same name, and its notes.
KEPT_BESIDE = re.compile(r"([^.]+)(\.duplicate)?(\.[0-9]+)?\.txt(\.reason\.txt)?")


@dataclass(frozen=True)
class Naming:
    """Where the metrics of a report would go: as the site has it, where there is one."""

    site: Site | None
    location: str | None

    @property
    def timezone(self) -> str:
        """Of the scanners' clocks; "" for this machine's."""
        return str(self.site.settings.timezone) if self.site else ""

    def location_of(self, file: Path) -> str | None:
        """The location that was asked for, or that of the scanner whose folder the file is in."""
        if self.location:
            return self.location
        folder = file.parent.resolve()
        # A scanner's folder may be in that of another: the innermost counts.
        inside_out = (folder, *folder.parents)
        return next((self._scanners[each] for each in inside_out if each in self._scanners), None)

    @cached_property
    def _scanners(self) -> dict[Path, str]:
        """The locations of the scanners by their folders."""
        scanners = self.site.settings.scanners if self.site else ()
        return {Path(scanner.folder).resolve(): scanner.location for scanner in scanners}

    def coil(self, channels: int) -> str | None:
        """The coil of so many receive channels; None when the site does not know it."""
        return self.site.settings.coils.get(channels) if self.site else str(channels)

    def epoch(self, report: Any) -> int:
        """When the scan was made."""
        return int(stability_report.timestamp(report.time, self.timezone))

    def paths(self, file: Path, report: Any) -> list[str]:
        """The metric paths of the report in the file, in its order."""
        location = self.location_of(file)
        if self.site and location and report.channels in self.site.settings.coils:
            scanner = self.site.scanner(location)
            metrics = self.site.collector.metrics(scanner, report, self.epoch(report))
            return [metric.path for metric in metrics]
        path = stability_report.location_path(location) if location else UNKNOWN_LOCATION
        prefix = f"{self.site.prefix}.{path}" if self.site else path
        coil = self.coil(report.channels) or report.channels
        return [
            f"{prefix}.{coil}.{point.section}.{point.column}.{point.slice}"
            for point in stability_report.points(report)
        ]


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
    report: Any = None
    """The `stability_report.Report`, if it is one."""
    epoch: int = 0
    """When the scan was made, if it is one."""
    paths: Sequence[str] = ()
    """The metric paths that it would make, in the order of the report."""


# -- checking ------------------------------------------------------------------------------


def check_file(file: Path, naming: Naming) -> Checked:
    """Reads a file as the collector would."""
    try:
        data = _content(file)
    except OSError as error:
        return Checked(file, UNREADABLE, error.strerror or str(error))
    try:
        report = stability_report.parse_bytes(data, file.name)
    except stability_report.ReportError as error:
        incomplete = isinstance(error, stability_report.IncompleteReport)
        state = INCOMPLETE if incomplete else MALFORMED
        return Checked(file, state, error.reason, place_of(error, data))
    return _check_report(file, report, naming)


def _content(file: Path) -> bytes:
    # To open a FIFO would wait for a writer.
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    with file.open("rb") as stream:
        return stream.read(stability_report.MAX_BYTES + 1)


def _check_report(file: Path, report: Any, naming: Naming) -> Checked:
    epoch = naming.epoch(report)
    state, reason = GOOD, ""
    if naming.coil(report.channels) is None:
        state = WAITS
        reason = (
            f"it comes from a coil of {report.channels} channels: the collector takes it when a "
            f'line like "{report.channels} = {report.channels}" is under [coils]'
        )
    elif epoch > time.time() + DAY:  # as for the collector
        state = WAITS
        reason = "it is of the future, and the collector leaves it: is the scanner's clock right?"
    paths = naming.paths(file, report)
    return Checked(file, state, reason, report=report, epoch=epoch, paths=paths)


def find_files(arguments: Iterable[Path]) -> tuple[list[Path], list[Path], list[str]]:
    """What there is to check: the files, those that have nearly a report's name, and what is wrong
    with folders that cannot be listed.

    A file that is named is checked whatever it is called; in a folder and below, by name.
    """
    files: list[Path] = []
    nearly: list[Path] = []
    unlisted: list[str] = []

    def note(error: OSError) -> None:
        unlisted.append(f"{printable(error.filename)}: cannot be listed: {error.strerror}")

    for argument in arguments:
        if not argument.is_dir():
            files.append(argument)
            continue
        for folder, folders, names in os.walk(argument, onerror=note):
            folders.sort()
            # A folder with the name of a report is told of too.
            for name in sorted(folders + names):
                if stability_report.is_report_name(name):
                    files.append(Path(folder, name))
                elif name in names and _is_nearly_report_name(name):
                    nearly.append(Path(folder, name))
    return files, nearly, unlisted


def _is_nearly_report_name(name: str) -> bool:
    kept = KEPT_BESIDE.fullmatch(name)
    is_kept = kept is not None and stability_report.is_report_name(f"{kept[1]}.txt")
    return "stability" in name.lower() and not is_kept


# -- telling of it -------------------------------------------------------------------------


@dataclass
class Listing:
    """Many files in a line each, by folder, and what is wrong with some of them."""

    counts: Counter[str] = field(default_factory=Counter)
    _tables: dict[Path, Table] = field(default_factory=dict)
    _troubles: list[Checked] = field(default_factory=list)

    def add(self, checked: Checked) -> None:
        """Takes note of a file."""
        self.counts[checked.state] += 1
        folder = checked.file.parent
        if folder not in self._tables:
            self._tables[folder] = _files_table()
        report = checked.report
        contents: Sequence[object] = ("",) * 4
        if report:
            values = len(checked.paths)
            contents = (report.channels, report.slices, values, report.without_number or "")
        state = Text(checked.state, style=_style(checked))
        self._tables[folder].add_row(
            Text(printable(checked.file.name)), state, *map(str, contents)
        )
        if checked.state != GOOD:
            self._troubles.append(checked)

    def show(self) -> None:
        """Prints it."""
        for folder, table in self._tables.items():
            say(printable(str(folder)), style="bold")
            console.print(table)
        for checked in self._troubles:
            _show_trouble(checked)


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)


def _files_table() -> Table:
    table = _table()
    table.add_column("report", no_wrap=True, overflow="fold")
    table.add_column("state", no_wrap=True)
    for column in ("channels", "slices", "values", "nan"):
        table.add_column(column, justify="right")
    return table


def _style(checked: Checked) -> str:
    return STYLES.get(checked.state, BAD_STYLE)


def _show_trouble(checked: Checked) -> None:
    line = f"line {checked.place.number}: " if checked.place else ""
    reason = f"{printable(str(checked.file))}: {checked.state}: {line}{checked.reason}"
    say(reason, style=_style(checked))
    for each in drawn(checked.place) if checked.place else ():
        say(each)
    say("")


def _show_in_full(checked: Checked, timezone: str) -> None:
    """All that is in one file."""
    if checked.state != GOOD:
        _show_trouble(checked)
    else:
        say(f"{printable(str(checked.file))}: good", style=_style(checked))
    report = checked.report
    if not report:
        return
    zone = timezone or "this machine's time zone"
    say(f"Scan of {moment(checked.epoch, timezone)} ({zone})")
    say(
        f"Slices: {report.slices}, measurements: {report.measurements}, channels: "
        f"{report.channels}, values: {len(checked.paths)}, without a number: "
        f"{report.without_number}"
    )
    for section in report.sections:
        say(printable(section.name), style="bold")
        console.print(_section_table(section))


def _section_table(section: Any) -> Table:
    table = _table()
    names, *rows = stability_report.table_rows(section)
    for name in names:
        table.add_column(Text(printable(name)), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _show_paths(paths: Sequence[str], in_full: bool) -> None:
    if in_full:
        for path in paths:
            say(path)
    elif paths:
        say(f"Metrics: {len(paths):,}, from {paths[0]} to {paths[-1]}; --paths lists all.")


def _show_nearly(nearly: Sequence[Path]) -> None:
    if nearly:
        say("No report by name, and so left alone by the collector:", style=STYLES[WAITS])
        for file in nearly:
            say(f"  {printable(str(file))}")
        say(f"A report is called like {NAMES}.\n")


def _summary(counts: Counter[str]) -> str:
    states = ", ".join(f"{counts[state]:,} {state}" for state in STATES if counts[state])
    total = sum(counts.values())
    return f"{total:,} report{'s' * (total != 1)}: {states}."


def _for_programs(checked: Checked, naming: Naming) -> dict[str, object]:
    place, report = checked.place, checked.report
    found: dict[str, object] = {
        "file": str(checked.file),
        "state": checked.state,
        "reason": checked.reason or None,
        "line": place.number if place else None,
        "column": place.start + 1 if place else None,
    }
    if report:
        found |= {
            "time": moment(checked.epoch, naming.timezone),
            "epoch": checked.epoch,
            "location": naming.location_of(checked.file),
            "coil": naming.coil(report.channels),
            "slices": report.slices,
            "measurements": report.measurements,
            "channels": report.channels,
            "sections": [
                {"name": section.name, "columns": list(section.columns)}
                for section in report.sections
            ],
            "values": len(checked.paths),
            "without_number": report.without_number,
        }
    return found


# -- the command ---------------------------------------------------------------------------


@click.command(
    context_settings=HELP,
    epilog="Examples: hops check Stability_20180910T090910.txt | hops check /mnt/scanner/bay1 | "
    "hops check --location Harvard/Northwest/Bay1 --paths Stability_20180910T090910.txt",
)
@click.argument(
    "arguments",
    nargs=-1,
    type=click.Path(exists=True, path_type=Path),
    metavar="[FILE|DIR]...",
)
@click.option("--location", help="Of the scanner.  [default: the one whose folder a file is in]")
@click.option("--paths", "in_full", is_flag=True, help="List all metric paths.")
@config_option
@json_option
@click.pass_context
def main(
    context: click.Context,
    arguments: tuple[Path, ...],
    location: str | None,
    in_full: bool,
    conf: Path,
    as_json: bool,
) -> None:
    """Say what is in reports, what is wrong with them and where, and which metrics they would make.

    One FILE is shown in full; several, or all reports in DIR and below, in a line each. Without
    any, it is the folder that you are in.

    Nothing is needed but the files. With Diamond's configuration, metric paths, coils and time zone
    are those of the site; where the default one is not there, it is done without.

    Exit status: 0 when all reports are good, else 1.
    """
    naming = _naming(context, conf, location)
    arguments = arguments or (Path(),)
    files, nearly, unlisted = find_files(arguments)
    if as_json:
        problems = _tell_programs(files, nearly, naming)
    elif list(arguments) == files and len(files) == 1:
        problems = _tell_of_one(files[0], naming, in_full)
    else:
        problems = _tell_of_many(files, nearly, naming, in_full)
    for sentence in unlisted:
        click.echo(sentence, err=True)
    if not files:
        where = ", ".join(printable(str(argument)) for argument in arguments)
        click.echo(f"There is no report in {where}: expected names like {NAMES}.", err=True)
    if problems or unlisted or not files:
        context.exit(1)


def _naming(context: click.Context, conf: Path, location: str | None) -> Naming:
    is_chosen = context.get_parameter_source("conf") is not ParameterSource.DEFAULT
    found = site.load(conf) if is_chosen or os.access(conf, os.R_OK) else None
    if location is not None:
        try:
            stability_report.location_path(location)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--location") from None
        if found:
            found.scanner(location)
    return Naming(found, location)


def _tell_of_one(file: Path, naming: Naming, in_full: bool) -> bool:
    """Prints what is in a file; whether something is wrong with it."""
    checked = check_file(file, naming)
    _show_in_full(checked, naming.timezone)
    _show_paths(checked.paths, in_full)
    return checked.state != GOOD


def _tell_of_many(
    files: Collection[Path], nearly: Sequence[Path], naming: Naming, in_full: bool
) -> bool:
    """Prints a line for each file; whether something is wrong with one."""
    listing = Listing()
    paths: dict[str, None] = {}  # in the order of the reports
    for checked in _checked(files, naming):
        listing.add(checked)
        paths.update(dict.fromkeys(checked.paths))
    listing.show()
    _show_nearly(nearly)
    _show_paths(list(paths), in_full)
    if files:
        say(_summary(listing.counts))
    return listing.counts[GOOD] < len(files)


def _tell_programs(files: Collection[Path], nearly: Sequence[Path], naming: Naming) -> bool:
    """Prints all of it as JSON; whether something is wrong with a file."""
    reports = []
    paths: dict[str, None] = {}
    for checked in _checked(files, naming):
        reports.append(_for_programs(checked, naming))
        paths.update(dict.fromkeys(checked.paths))
    print_json(
        {"reports": reports, "metrics": list(paths), "not_reports": [str(file) for file in nearly]}
    )
    return any(report["state"] != GOOD for report in reports)


def _checked(files: Collection[Path], naming: Naming) -> Iterator[Checked]:
    """Checks one file after the other, as their numbers may be too many to keep."""
    with progress("Reading reports", len(files)) as advance:
        for file in files:
            yield check_file(file, naming)
            advance(1)
