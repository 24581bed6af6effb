"""`hops status`: how the reports of every scanner fare, at a glance."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from hops import archive, paths, site
from hops.archive import File
from hops.console import console, counted, print_json, say
from hops.errors import Problem
from hops.graphiteweb import GraphiteWeb
from hops.options import HELP, config_option, json_option
from hops.site import Site
from hops.times import DAY, HOUR, MINUTE, age, moment
from stability_report import is_report_name

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
class Spoken:
    """What Diamond last said of unconfirmed reports, and when (epoch)."""

    unconfirmed: int
    epoch: int


@dataclass
class Status:
    """How a scanner's reports fare. What is not known is None."""

    location: str
    folder: str
    waiting: int | None = None
    oldest: Waiting | None = None
    """Of the waiting reports, the one that has been there longest."""
    spoken: Spoken | None = None
    rejected: int | None = None
    archived: int | None = None
    last_scan: File | None = None
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
    if as_json:
        print_json(_for_programs(of, found, silence, now))
    else:
        _print(of, found, silence, now)
    if any(each.problems for each in found):
        raise SystemExit(1)


# -- what is found -------------------------------------------------------------------------


def _folders(of: Site, scanner: Any, now: float) -> Status:
    """What lies in a scanner's folder and the two below it."""
    settings = of.settings
    status = Status(scanner.location, scanner.folder)
    try:
        with archive.open_folder(scanner.folder) as folder:
            files = [f for f in archive.files(folder, settings.timezone) if is_report_name(f.name)]
            waiting = [_waiting(folder, file, now) for file in files]
        status.waiting = len(waiting)
        status.oldest = max(waiting, key=lambda each: each.seconds, default=None)
    except OSError as error:
        status.problems.append(_unreadable(scanner.folder, error))
        return status
    rejected = _files_below(of, scanner, settings.reject_dir, status)
    archived = _files_below(of, scanner, settings.ingest_dir, status)
    status.rejected = None if rejected is None else len(rejected)
    status.archived = None if archived is None else len(archived)
    past = [each for each in files + (archived or []) if 0 < each.epoch <= now + DAY]
    status.last_scan = max(past, key=lambda file: file.epoch, default=None)
    _note_long_waits(status)
    if rejected:
        status.problems.append(
            f"{counted(len(rejected), 'report')} rejected, the newest {rejected[-1].name!r}: see "
            f"the notes in {os.path.join(scanner.folder, settings.reject_dir)!r}; when the cause "
            f"is gone: hops reingest --location {scanner.location} --rejected"
        )
    return status


def _waiting(folder: Any, file: File, now: float) -> Waiting:
    """For how long a report is in the folder: moving a file changes its status, not its content."""
    status = folder.status(file.name)
    return Waiting(file.name, max(0, int(now - status.st_ctime)) if status else 0)


def _files_below(of: Site, scanner: Any, name: str, status: Status) -> list[File] | None:
    try:
        with archive.open_subfolder(scanner, name) as folder:
            return archive.files(folder, of.settings.timezone)
    except OSError as error:
        status.problems.append(_unreadable(os.path.join(scanner.folder, name), error))
        return None


def _unreadable(path: str, error: OSError) -> str:
    return (
        f"{path!r} cannot be read ({error.strerror}): is the share mounted, and may you read it?"
    )


def _note_long_waits(status: Status) -> None:
    if status.oldest and status.oldest.seconds > PATIENCE:
        status.problems.append(
            f"{counted(status.waiting or 0, 'report')} waiting, {status.oldest.name!r} for "
            f"{age(status.oldest.seconds)}: Diamond's log says what for, or that it does not run."
        )


def _listen(of: Site, found: Sequence[Status], now: float) -> str:
    """Finds out what Diamond says of itself in Graphite; returns why that is not known, or
    nothing."""
    try:
        graphite = of.graphite(GRAPHITE_PATIENCE)
        for status in found:
            status.spoken = _spoken(of, graphite, status.location, int(now))
            _note_silence(of, status, now)
    except Problem as problem:
        return problem.message
    return ""


def _spoken(of: Site, graphite: GraphiteWeb, location: str, now: int) -> Spoken | None:
    path = paths.ingest(of.path(location), "unconfirmed")
    for seconds in LOOK_BACK:
        values = graphite.series(path, now - seconds, now + MINUTE).get(path)
        if values:
            epoch = max(values)
            return Spoken(int(values[epoch]), epoch)
    return None


def _note_silence(of: Site, status: Status, now: float) -> None:
    patience = PATIENCE + 2 * float(of.collector.config["interval"])
    if status.spoken is None:
        when = "in the last 30 days"
    elif now - status.spoken.epoch > patience:
        when = f"for {age(now - status.spoken.epoch)}"
    else:
        return
    status.problems.append(
        f"Diamond has said nothing of this scanner {when}: does it run, is the collector enabled, "
        "and does its handler reach carbon?"
    )


# -- what is shown -------------------------------------------------------------------------


def _for_programs(
    of: Site, found: Sequence[Status], silence: str, now: float
) -> dict[str, object]:
    zone = of.settings.timezone
    return {
        "time": moment(now, zone),
        "is_good": not any(each.problems for each in found),
        "graphite_problem": silence or None,
        "scanners": [
            {
                "location": each.location,
                "folder": each.folder,
                "waiting": each.waiting,
                "oldest_waiting": each.oldest
                and {"name": each.oldest.name, "seconds": each.oldest.seconds},
                "unconfirmed": each.spoken
                and {
                    "reports": each.spoken.unconfirmed,
                    "time": moment(each.spoken.epoch, zone),
                    "age_seconds": int(now - each.spoken.epoch),
                },
                "rejected": each.rejected,
                "archived": each.archived,
                "last_scan": each.last_scan
                and {
                    "name": each.last_scan.name,
                    "time": moment(each.last_scan.epoch, zone),
                    "age_seconds": int(now - each.last_scan.epoch),
                },
                "problems": each.problems,
            }
            for each in found
        ],
    }


def _print(of: Site, found: Sequence[Status], silence: str, now: float) -> None:
    table = Table(title=f"Reports at {moment(now, of.settings.timezone)}", title_justify="left")
    table.add_column("scanner", overflow="fold")
    for name in ("waiting", "unconfirmed", "rejected", "archived"):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("last scan", no_wrap=True)
    for each in found:
        table.add_row(
            Text(each.location),
            _number(each.waiting)
            + (f", up to {age(each.oldest.seconds)}" if each.oldest else ""),
            f"{each.spoken.unconfirmed}, {age(now - each.spoken.epoch)} ago"
            if each.spoken
            else "unknown",
            _number(each.rejected),
            _number(each.archived),
            _last_scan(of, each, now),
        )
    console.print(table)
    if silence:
        say(f"Unconfirmed reports are not known: {silence}", "yellow")
    for each in found:
        for problem in each.problems:
            say(f"{each.location}: {problem}", "red")


def _number(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def _last_scan(of: Site, status: Status, now: float) -> str:
    scan = status.last_scan
    if scan is None:
        return "unknown" if status.archived is None else "none"
    return f"{moment(scan.epoch, of.settings.timezone)}\n{age(now - scan.epoch)} ago"
