"""`hops backfill`, the command."""

from __future__ import annotations

import signal
import stat
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from hops import site as sites
from hops.backfill.finding import (
    Findings,
    LeftOut,
    OldReport,
    find_reports,
    leave_out_what_graphite_does_not_keep,
    list_files,
)
from hops.backfill.sending import Sender, first_to_send
from hops.console import print_json, progress, say, say_some
from hops.errors import Problem
from hops.options import HELP, config_option, examples, json_option, location_option
from hops.reportfiles import EXAMPLES, Patience, resolved
from hops.site import Site

MOST_REASONS = 20


@dataclass
class Outcome:
    """What became of the reports that Graphite was to get."""

    archived: int = 0
    waiting: int = 0
    """In the scanner's folder, or not yet there."""
    was_stopped: bool = False
    errors: Sequence[str] = ()
    """The collector's, and Diamond's handlers'."""


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops backfill /old/bay1 --location Harvard/Northwest/Bay1",
        "sudo -u diamond /opt/hops/bin/hops backfill /old/bay1 --location Harvard/Northwest/Bay1 "
        "--yes",
    ),
)
@click.argument(
    "source",
    metavar="DIR",
    type=Path,  # click's own would ask the share
)
@location_option("The scanner's, as in [scanners].", required=True)
@config_option
@click.option("--yes", is_flag=True, help="Bring them in; without it they are only listed.")
@json_option
def main(source: Path, location: str, conf: Path, yes: bool, as_json: bool) -> None:
    """Bring old reports into Graphite.

    Those in DIR and below that the scanner's archive lacks are copied into the scanner's folder,
    oldest first and a few at a time, and go the way of every report: published, confirmed in
    Graphite, archived. DIR itself is never changed. It may be stopped and run again at any time,
    beside a running Diamond, too. Run it as the user that Diamond runs as, on the same machine.

    Ends with 0 when every report in DIR is in the archive, and with 1 when any is not: bad ones
    that were left out, and those that still wait.
    """
    _require_folder(source)
    site = sites.load(conf)
    scanner = site.scanner(location)
    _require_one_scanner(source, site, scanner)
    findings = _look(source, site, scanner)
    if not as_json:
        _print_findings(findings, source, site, scanner)
    if yes and findings.wanted:
        outcome = _run(findings, site, scanner)
    else:
        outcome = Outcome(waiting=len(findings.wanted))
    if as_json:
        print_json(_for_programs(findings, outcome, site, scanner))
    elif not findings.wanted:
        say("Nothing to do.")
    elif yes:
        _print_outcome(findings, outcome, site)
    else:
        say("Nothing was copied: --yes brings them in.")
    if outcome.was_stopped:
        raise SystemExit(128 + signal.SIGINT)
    if findings.left_out or outcome.waiting:
        raise SystemExit(1)


def _require_folder(source: Path) -> None:
    try:
        is_folder = stat.S_ISDIR(Patience().ask(source.stat).st_mode)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{str(source)!r} cannot be used: {error}.") from None
    if not is_folder:
        raise click.BadParameter(f"{str(source)!r} is no folder.")


def _require_one_scanner(source: Path, site: Site, scanner: Any) -> None:
    """One scanner's reports would end up among another's."""
    ours = resolved(scanner.folder)
    source = resolved(source)
    for other in site.settings.scanners:
        folder = resolved(other.folder)
        if folder != ours and (
            folder.is_relative_to(source)
            or (source.is_relative_to(folder) and not source.is_relative_to(ours))
        ):
            raise Problem(
                f"{str(source)!r} has reports of {other.location!r} in it, whose folder is "
                f"{other.folder!r}: name a folder with reports of {scanner.location!r} only."
            )


# -- what is done --------------------------------------------------------------------------


def _look(source: Path, site: Site, scanner: Any) -> Findings:
    files, unread = list_files(source, site)
    if not files and not unread:
        raise Problem(f"{str(source)!r} has no report: expected names like {EXAMPLES}.")
    with progress("Reading reports", len(files)) as advance:
        findings = find_reports(files, scanner, site, advance)
    findings.left_out += unread
    if site.settings.graphite:
        leave_out_what_graphite_does_not_keep(findings, site, scanner.location)
    return findings


def _run(findings: Findings, site: Site, scanner: Any) -> Outcome:
    wanted = findings.wanted
    with _stop_when_asked() as stop, progress("Archived reports", len(wanted)) as advance:
        sender = Sender(site, scanner, advance)
        _send(sender, findings, site, scanner, stop)
        was_stopped = stop.is_set()
    findings.left_out += sender.left_out
    archived, waiting = count_archived(wanted, sender.archived(), findings.left_out)
    return Outcome(archived, waiting, was_stopped, sender.errors)


def count_archived(
    wanted: Sequence[OldReport], archive: set[str], left_out: Sequence[LeftOut]
) -> tuple[int, int]:
    """How many of the reports that were `wanted` are in the archive, and how many still wait."""
    gone = {each.path for each in left_out}
    left = [each for each in wanted if each.file.name not in archive]
    waiting = sum(each.file.path not in gone for each in left)
    return len(wanted) - len(left), waiting


def _send(
    sender: Sender, findings: Findings, site: Site, scanner: Any, stop: threading.Event
) -> None:
    """The newest reports go first, alone: when Graphite does not take them, no others are copied,
    and when it does, it says how far back it keeps a coil of which it had nothing before."""
    first: list[OldReport] = []
    if site.settings.graphite:
        first = first_to_send(findings, site)
        if not sender.send(first, [], stop):
            return
        leave_out_what_graphite_does_not_keep(findings, site, scanner.location)
    sent = {report.file.path for report in first}
    rest = [report for report in findings.missing if report.file.path not in sent]
    sender.send(rest, findings.waiting, stop)


@contextmanager
def _stop_when_asked() -> Iterator[threading.Event]:
    """What is set when Ctrl-C is typed, or the process told to end; the second time it ends."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        stop.set()
        for each in before:
            signal.signal(each, before[each])

    before = {each: signal.signal(each, ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


# -- what is shown -------------------------------------------------------------------------


def _print_findings(findings: Findings, source: Path, site: Site, scanner: Any) -> None:
    say(f"{scanner.location}: reports in {str(source)!r} and below")
    wanted = findings.wanted
    _count(wanted, "for Graphite" + _from_to(wanted))
    for coil, count in _coils(wanted, site).items():
        say(f"{'':12}{count:,} of coil {coil}")
    if findings.waiting:
        say(f"{'':12}{len(findings.waiting):,} of all are in the scanner's folder already")
    _count(findings.archived, "archived before" + _from_to(findings.archived))
    _count(findings.duplicates, "further copies of these")
    _count(findings.left_out, "left out, and to be looked at")
    _print_left_out(findings, indent=12)
    if not wanted:
        return
    say(f"They are copied into {scanner.folder!r},")
    say(f"published as {site.path(scanner.location)},")
    if site.settings.graphite:
        say(f"confirmed by {site.settings.graphite.address}, and archived.")
    else:
        say("and archived. NOTHING CONFIRMS THEM: graphite_url is empty, and what is lost on the")
        say("way to Graphite is not noticed.")


def _print_outcome(findings: Findings, outcome: Outcome, site: Site) -> None:
    how = "Stored in Graphite" if site.settings.graphite else "Published, unconfirmed,"
    say(f"{how} and archived: {outcome.archived:,}")
    if outcome.waiting:
        say(f"Still waiting: {outcome.waiting:,}")
        for line in outcome.errors[-MOST_REASONS:]:
            say(f"    {line}")
        say("Run the same command again to go on.")
    if findings.left_out:
        say(f"Left out: {len(findings.left_out):,}")
        _print_left_out(findings, indent=4)


def _count(files: Sequence[object], what: str) -> None:
    if files:
        say(f"{len(files):10,} {what}")


def _from_to(reports: Sequence[OldReport]) -> str:
    return f", from {reports[0].time.date()} to {reports[-1].time.date()}" if reports else ""


def _coils(reports: Sequence[OldReport], site: Site) -> dict[str, int]:
    return dict(Counter(site.settings.coils[report.channels] for report in reports))


def _print_left_out(findings: Findings, indent: int) -> None:
    """A line for each reason, with the first file that it holds for."""
    by_reason = defaultdict(list)
    for each in findings.left_out:
        by_reason[each.reason].append(each.path)
    lines = [
        f"{paths[0]!r}{f' and {len(paths) - 1:,} more' if paths[1:] else ''}: {reason}"
        for reason, paths in by_reason.items()
    ]
    say_some(lines, MOST_REASONS, indent)


def _for_programs(
    findings: Findings, outcome: Outcome, site: Site, scanner: Any
) -> dict[str, object]:
    wanted = findings.wanted
    return {
        "location": scanner.location,
        "folder": scanner.folder,
        "timezone": site.settings.timezone,
        "is_confirmed": site.settings.graphite is not None,
        "wanted": {
            "reports": len(wanted),
            "first": wanted[0].time.isoformat() if wanted else None,
            "last": wanted[-1].time.isoformat() if wanted else None,
            "coils": _coils(wanted, site),
        },
        "archived_before": len(findings.archived),
        "duplicates": [asdict(each) for each in findings.duplicates],
        "left_out": [asdict(each) for each in findings.left_out],
        **asdict(outcome),
    }
