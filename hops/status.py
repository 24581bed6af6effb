"""`hops status`: how the reports of every scanner fare, at a glance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from hops import paths, site
from hops.console import console, counted, print_json, say
from hops.errors import Problem
from hops.graphiteweb import GraphiteWeb
from hops.options import HELP, config_option, json_option
from hops.reportfiles import ReportFile, ReportFolder, open_reports
from hops.site import Site
from hops.times import DAY, HOUR, MINUTE, age, moment
from stability_report import is_of_the_future

# Reports wait for a poll, for carbon, for Graphite: not for so long. Diamond speaks every
# interval, but where an hour is a slot of the retention, that is seen at its end.
PATIENCE = HOUR
# Where Diamond's newest word is looked for: first where it should be.
LOOK_BACK = (DAY, 30 * DAY)
# Seconds for an answer: the rest can be told without it.
GRAPHITE_PATIENCE = 10


@dataclass(frozen=True)
class Waiting:
    """A report that lies in the scanner's folder, and for how many seconds."""

    name: str
    seconds: int


@dataclass(frozen=True)
class Unconfirmed:
    """What Diamond last said of unconfirmed reports, and when."""

    reports: int
    time: str
    age_seconds: int


@dataclass(frozen=True)
class LastScan:
    """The newest scan of which there is a report."""

    name: str
    time: str
    age_seconds: int


@dataclass
class Status:
    """How a scanner's reports fare. What is not known is None."""

    location: str
    folder: str
    waiting: int | None = None
    oldest_waiting: Waiting | None = None
    """The report that has been there longest."""
    unconfirmed: Unconfirmed | None = None
    rejected: int | None = None
    archived: int | None = None
    last_scan: LastScan | None = None
    problems: list[str] = field(default_factory=list)
    """Sentences: what is wrong, and what to do."""


@click.command(context_settings=HELP, epilog="Examples: hops status | hops status --json")
@config_option
@json_option
def main(conf: Path, as_json: bool) -> None:
    """Say how the reports of every scanner fare: those that wait, that Graphite does not yet show,
    that were rejected and archived, and the last scan.

    Ends with 1 when a folder cannot be read, reports have waited for more than an hour, some were
    rejected, or Diamond has said nothing for an hour."""
    of = site.load(conf)
    now = time.time()
    found = [_folders(of, scanner, now) for scanner in of.settings.scanners]
    silence = _listen(of, found, now)
    time_of_it = moment(now, of.settings.timezone)
    is_good = not any(each.problems for each in found)
    if as_json:
        scanners = [asdict(each) for each in found]
        told = {"time": time_of_it, "is_good": is_good, "graphite_problem": silence or None}
        print_json({**told, "scanners": scanners})
    else:
        _print(found, silence, time_of_it)
    if not is_good:
        raise SystemExit(1)


# -- what is found -------------------------------------------------------------------------


def _folders(of: Site, scanner: Any, now: float) -> Status:
    """What lies in a scanner's folder and the two below it."""
    status = Status(scanner.location, scanner.folder)
    try:
        with open_reports(of, scanner) as folder:
            waiting = [file for file in folder.files() if file.has_scanners_name]
            waits = [_wait(folder, file, now) for file in waiting]
    except Problem as problem:
        status.problems.append(problem.message)
        return status
    status.waiting = len(waiting)
    status.oldest_waiting = max(waits, key=lambda wait: wait.seconds, default=None)
    rejected = _files_below(of, scanner, of.settings.reject_dir, status)
    archived = _files_below(of, scanner, of.settings.ingest_dir, status)
    status.rejected = None if rejected is None else len(rejected)
    status.archived = None if archived is None else len(archived)
    scans = [file for file in waiting + (archived or []) if not is_of_the_future(file.epoch)]
    last = max(scans, key=lambda file: file.epoch, default=None)
    if last and last.epoch:
        when = moment(last.epoch, of.settings.timezone)
        status.last_scan = LastScan(last.name, when, int(now - last.epoch))
    _note_long_waits(status)
    if rejected:
        status.problems.append(
            f"{counted(len(rejected), 'report')} rejected, the newest {rejected[-1].name!r}: see "
            f"the notes in {rejected[-1].folder!r}; when the cause is gone: hops reingest "
            f"--location {scanner.location} --rejected"
        )
    return status


def _wait(folder: ReportFolder, file: ReportFile, now: float) -> Waiting:
    """For how long a report is in the folder: moving a file changes its status, not its content."""
    status = folder.status(file)
    return Waiting(file.name, max(0, int(now - status.st_ctime)) if status else 0)


def _files_below(of: Site, scanner: Any, name: str, status: Status) -> list[ReportFile] | None:
    try:
        with open_reports(of, scanner, name) as folder:
            return folder.files()
    except Problem as problem:
        status.problems.append(problem.message)
        return None


def _note_long_waits(status: Status) -> None:
    oldest = status.oldest_waiting
    if oldest and oldest.seconds > PATIENCE:
        status.problems.append(
            f"{counted(status.waiting or 0, 'report')} waiting, {oldest.name!r} for "
            f"{age(oldest.seconds)}: Diamond's log says what for, or that it does not run."
        )


def _listen(of: Site, found: Sequence[Status], now: float) -> str:
    """Finds out what Diamond says of itself in Graphite; returns why that is not known, or
    nothing."""
    try:
        graphite = of.graphite(GRAPHITE_PATIENCE)
        for status in found:
            status.unconfirmed = _unconfirmed(of, graphite, status.location, int(now))
            _note_silence(of, status)
    except Problem as problem:
        return problem.message
    return ""


def _unconfirmed(
    of: Site, graphite: GraphiteWeb, location: str, now: int
) -> Unconfirmed | None:
    path = paths.ingest(of.path(location), "unconfirmed")
    for seconds in LOOK_BACK:
        values = graphite.series(path, now - seconds, now + MINUTE).get(path)
        if values:
            epoch = max(values)
            when = moment(epoch, of.settings.timezone)
            return Unconfirmed(int(values[epoch]), when, now - epoch)
    return None


def _note_silence(of: Site, status: Status) -> None:
    patience = PATIENCE + 2 * float(of.collector.config["interval"])
    if status.unconfirmed is None:
        when = "in the last 30 days"
    elif status.unconfirmed.age_seconds > patience:
        when = f"for {age(status.unconfirmed.age_seconds)}"
    else:
        return
    status.problems.append(
        f"Diamond has said nothing of this scanner {when}: does it run, is the collector enabled, "
        "and does its handler reach carbon?"
    )


# -- what is shown -------------------------------------------------------------------------


def _print(found: Sequence[Status], silence: str, now: str) -> None:
    table = Table(title=f"Reports at {now}", title_justify="left")
    table.add_column("scanner", overflow="fold")
    for name in ("waiting", "unconfirmed", "rejected", "archived"):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("last scan", no_wrap=True)
    for each in found:
        oldest, said = each.oldest_waiting, each.unconfirmed
        table.add_row(
            Text(each.location),
            _number(each.waiting) + (f", up to {age(oldest.seconds)}" if oldest else ""),
            f"{said.reports}, {age(said.age_seconds)} ago" if said else "unknown",
            _number(each.rejected),
            _number(each.archived),
            _last_scan(each),
        )
    console.print(table)
    if silence:
        say(f"Unconfirmed reports are not known: {silence}", "yellow")
    for each in found:
        for problem in each.problems:
            say(f"{each.location}: {problem}", "red")


def _number(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def _last_scan(status: Status) -> str:
    if status.last_scan is None:
        return "unknown" if status.archived is None else "none"
    return f"{status.last_scan.time}\n{age(status.last_scan.age_seconds)} ago"
