"""`hops status`: how the reports of every scanner fare, at a glance."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from hops import paths, site
from hops.arguments import number_from
from hops.console import counted, print_json, printable, say
from hops.errors import Problem
from hops.graphiteweb import GraphiteWeb
from hops.options import HELP, config_option, examples, json_option
from hops.reportfiles import EXAMPLES, ReportFile, open_reports
from hops.site import Site
from hops.times import DAY, HOUR, MINUTE, age, moment
from stability_report import is_of_the_future, nearly_report_names

# Reports wait for a poll, for carbon, for Graphite: not for so long after their scan. Diamond
# speaks every interval, but where an hour is a slot of the retention, that is seen at its end.
PATIENCE = HOUR
MOST_NAMES = 3
# Where Diamond's newest word is looked for: first where it should be.
LOOK_BACK = (DAY, 30 * DAY)
# Seconds for an answer: the rest can be told without it.
GRAPHITE_PATIENCE = 10


@dataclass(frozen=True)
class Waiting:
    """A report that lies in the scanner's folder.

    Since when cannot be known: many a share has no time but that of the content.
    """

    name: str
    seconds: int
    """Since its scan."""


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
    """That of the oldest scan, but for those of the future."""
    unconfirmed: Unconfirmed | None = None
    rejected: int | None = None
    archived: int | None = None
    last_scan: LastScan | None = None
    is_archiving: bool = False
    """Whether Diamond has archived something within PATIENCE, by the share's clock."""
    left_alone: list[str] = field(default_factory=list)
    """The names of files that look like reports, and are not called like one."""
    problems: list[str] = field(default_factory=list)
    """Sentences: what is wrong, and what to do."""


@click.command(
    context_settings=HELP,
    epilog=examples("hops status", "hops status --no-scan-for 3", "hops status --json"),
)
@config_option
@click.option(
    "--no-scan-for",
    "most_days",
    type=number_from(1),
    metavar="DAYS",
    help="Find a scanner without a scan for more than so many days a problem.",
)
@json_option
def main(conf: Path, most_days: int | None, as_json: bool) -> None:
    """Say how the reports of every scanner fare.

    That is how many wait, are not yet shown by Graphite, were rejected and archived, and when the
    last scan was.

    Ends with 1 when a folder or a report cannot be read, a report waits more than an hour after its
    scan or is of the future, some were rejected of whose scan none is archived, or Diamond has said
    nothing for an hour."""
    of = site.load(conf)
    now = time.time()
    found = [_folders(of, scanner, now) for scanner in of.settings.scanners]
    if most_days is not None:
        for each in found:
            _note_no_scan(each, most_days)
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
            names = folder.names()
            waiting = [file for file in folder.files_among(names) if file.has_scanners_name]
            unreadable = [(file, trouble) for file in waiting if (trouble := folder.trouble(file))]
    except Problem as problem:
        status.problems.append(problem.message)
        return status
    status.waiting = len(waiting)
    own = of.settings.ingest_dir, of.settings.reject_dir
    status.left_alone = nearly_report_names(names, own)
    waits = [Waiting(file.name, max(0, int(now - file.epoch))) for file in _of_the_past(waiting)]
    status.oldest_waiting = max(waits, key=lambda wait: wait.seconds, default=None)
    rejected = _files_below(of, scanner, of.settings.reject_dir, status)
    archived = _files_below(of, scanner, of.settings.ingest_dir, status)
    status.rejected = None if rejected is None else len(rejected)
    status.archived = None if archived is None else len(archived)
    last = max(
        _of_the_past(waiting + (archived or [])), key=lambda file: file.epoch, default=None
    )
    if last:
        when = moment(last.epoch, of.settings.timezone)
        status.last_scan = LastScan(last.name, when, int(now - last.epoch))
    status.problems += [f"{file.path!r} cannot be read: {trouble}" for file, trouble in unreadable]
    status.problems += [
        f"{file.path!r} is of the future, and stays: is the scanner's clock right?"
        for file in waiting
        if is_of_the_future(file.epoch)
    ]
    _note_long_waits(status)
    _note_rejected(status, rejected or [], archived or [])
    return status


def _of_the_past(files: Sequence[ReportFile]) -> list[ReportFile]:
    return [file for file in files if file.epoch and not is_of_the_future(file.epoch)]


def _files_below(of: Site, scanner: Any, name: str, status: Status) -> list[ReportFile] | None:
    try:
        with open_reports(of, scanner, name) as folder:
            if name == of.settings.ingest_dir:
                status.is_archiving = 0 <= folder.age() < PATIENCE
            return folder.files()
    except Problem as problem:
        status.problems.append(problem.message)
        return None


def _note_long_waits(status: Status) -> None:
    oldest = status.oldest_waiting
    if oldest and oldest.seconds > PATIENCE:
        status.problems.append(
            f"{counted(status.waiting or 0, 'report')} waiting, {oldest.name!r} of a scan "
            f"{age(oldest.seconds)} ago: Diamond's log says what for, or that it does not run."
        )


def _note_rejected(
    status: Status, rejected: Sequence[ReportFile], archived: Sequence[ReportFile]
) -> None:
    """Notes rejected reports, but for those that came again, and were good then."""
    scans = {file.time for file in archived if file.time}
    open_ones = [file for file in rejected if file.time not in scans]
    if open_ones:
        newest = open_ones[-1]
        status.problems.append(
            f"{counted(len(open_ones), 'report')} rejected, the newest {newest.name!r}: see "
            f"the notes in {newest.folder!r}; when the cause is gone: hops reingest "
            f"--location {status.location} --rejected"
        )


def _note_no_scan(status: Status, most_days: int) -> None:
    last = status.last_scan
    if last and last.age_seconds > most_days * DAY:
        since = f"the last, {last.name!r}, was {age(last.age_seconds)} ago"
    elif last is None and status.archived is not None:
        since = "there is none at all"
    else:
        return
    limit = counted(most_days, "day")
    status.problems.append(
        f"no scan for more than {limit}: {since}. Is the scanner in use, and do its reports come "
        "here?"
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
    if status.unconfirmed is None and status.is_archiving:
        return  # and its word takes a while until Graphite shows it
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
    say(f"Reports at {now}")
    for each in found:
        say(f"\n{printable(each.location)}", "bold")
        for name, text in _numbers(each):
            say(f"  {name:11}  {text}")
        if each.left_alone:
            say(f"  {_left_alone(each.left_alone)}", "yellow")
        for problem in each.problems:
            say(f"  {problem}", "red")
    if silence:
        say(f"\nUnconfirmed reports are not known: {silence}", "yellow")


def _numbers(status: Status) -> Iterator[tuple[str, str]]:
    oldest, said, last = status.oldest_waiting, status.unconfirmed, status.last_scan
    since = f", the oldest of a scan {age(oldest.seconds)} ago" if oldest else ""
    yield "waiting", f"{_number(status.waiting)}{since}"
    yield "unconfirmed", f"{said.reports:,}, {age(said.age_seconds)} ago" if said else "unknown"
    yield "rejected", _number(status.rejected)
    yield "archived", _number(status.archived)
    none = "unknown" if status.archived is None else "none"
    yield "last scan", f"{last.time}, {age(last.age_seconds)} ago" if last else none


def _left_alone(names: Sequence[str]) -> str:
    some = ", ".join(repr(name) for name in names[:MOST_NAMES])
    more = ", ..." if names[MOST_NAMES:] else ""
    return (
        f"Left alone, as they look like reports but are not called like {EXAMPLES}: "
        f"{counted(len(names), 'file')}: {some}{more}"
    )


def _number(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"
