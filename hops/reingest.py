"""`hops reingest`: gives archived or rejected reports back to the collector."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

import stability_folder
from hops import site
from hops.audit import audit
from hops.console import counted, print_json, say
from hops.options import (
    HELP,
    Days,
    config_option,
    days_options,
    examples,
    json_option,
    location_option,
)
from hops.reportfiles import ReportFile, ReportFolder, open_reports
from hops.site import Site


@dataclass(frozen=True)
class Move:
    """A report that is to go back into the scanner's folder."""

    name: str
    new_name: str
    """There."""
    stays_because: str | None
    """What keeps it where it is; None when it can go."""


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops reingest --location Harvard/Northwest/Bay1 --missing",
        "hops reingest --location Harvard/Northwest/Bay1 --rejected --yes",
        "hops reingest --location Harvard/Northwest/Bay1 Stability_20180910T090910.txt",
    ),
)
@config_option
@location_option("The scanner's, as in [scanners].", required=True)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@days_options
@click.option("--rejected", is_flag=True, help="Rejected reports, not archived ones.")
@click.option(
    "--missing",
    is_flag=True,
    help="Those that `hops audit` finds missing, or different for no known reason.",
)
@click.option(
    "--yes/--dry-run", "is_sure", default=False, help="Move them, or only list what would move."
)
@json_option
def main(
    conf: Path,
    location: str,
    names: Sequence[str],
    days: Days,
    rejected: bool,
    missing: bool,
    is_sure: bool,
    as_json: bool,
) -> None:
    """Give archived or rejected reports to the collector again.

    They are moved back into their scanner's folder, where it takes them at its next run.
    Choose them by NAME, by the days of the scans, or with --missing. What would move is listed;
    with --yes it moves. Nothing is overwritten: a report whose name is taken there stays. One that
    the collector renamed (Stability_X.1.txt) gets the scanner's name back; a .duplicate has to be
    named. Notes on rejected reports stay. Ends with 1 when a chosen report cannot be moved."""
    _check_choice(names, days, rejected, missing)
    of = site.load(conf)
    scanner = of.scanner(location)
    lacking = _lacking(of, location, days) if missing else None
    subfolder = of.settings.reject_dir if rejected else of.settings.ingest_dir
    with open_reports(of, scanner, subfolder) as source, open_reports(of, scanner) as target:
        files = source.files()
        chosen = _named(files, names, source.path) if names else _not_named(files, days, lacking)
        moves = _plan(source, target, chosen)
        is_done = is_sure and any(move.stays_because is None for move in moves)
        if is_done:
            moves = [_carry_out(source, target, move) for move in moves]
    if as_json:
        reports = [asdict(move) for move in moves]
        told = {"from": source.path, "to": target.path, "is_done": is_done, "reports": reports}
        print_json(told)
    else:
        _print(moves, source.path, target.path, is_done)
    if any(move.stays_because for move in moves):
        raise SystemExit(1)


# -- which reports -------------------------------------------------------------------------


def _check_choice(names: Sequence[str], days: Days, rejected: bool, missing: bool) -> None:
    if names and (missing or days != Days()):
        raise click.UsageError("Choose reports by name, or by --missing and days: not by both.")
    if missing and rejected:
        raise click.UsageError("--missing is about archived reports, --rejected about others.")
    if not (names or missing or rejected or days != Days()):
        raise click.UsageError(
            "Say which reports: name them, or take --from and --until, --missing or --rejected."
        )


def _lacking(of: Site, location: str, days: Days) -> set[str]:
    """The names of the reports that Graphite lacks, or has otherwise for no known reason."""
    result = audit(of, of.graphite(), location, days)
    return {each.scan.name for each in result.differing if each.can_be_mended}


def _named(files: Sequence[ReportFile], names: Sequence[str], where: str) -> list[ReportFile]:
    wanted = set(names)
    unknown = wanted.difference(file.name for file in files)
    if unknown:
        raise click.BadParameter(
            f"there is no report {', '.join(map(repr, sorted(unknown)))} in {where!r}: give names "
            "as they are there, without the path."
        )
    return [file for file in files if file.name in wanted]


def _not_named(
    files: Sequence[ReportFile], days: Days, only: Collection[str] | None
) -> list[ReportFile]:
    return [
        file
        for file in files
        if days.has(file.day) and file.is_plain and (only is None or file.name in only)
    ]


# -- moving --------------------------------------------------------------------------------


def _plan(
    source: ReportFolder, target: ReportFolder, files: Sequence[ReportFile]
) -> list[Move]:
    """How each of the files would move."""
    moves = []
    taken: set[str] = set()
    for file in files:
        obstacle = _obstacle(source, target, file.name, file.report_name)
        if not obstacle and file.report_name in taken:
            obstacle = "another one goes by that name"
        if not obstacle:
            taken.add(file.report_name)
        moves.append(Move(file.name, file.report_name, obstacle))
    return moves


def _obstacle(source: ReportFolder, target: ReportFolder, name: str, new: str) -> str | None:
    """Why a file cannot move; None when it can."""
    try:
        there = target.patience.ask(lambda: target.opened.status(new))
        status = source.patience.ask(lambda: _status(source, name))
        # One file under both names is an interrupted move.
        if there is None or os.path.samestat(status, there):
            return None
        is_same = source.patience.ask(
            lambda: stability_folder.have_one_content(source.opened, name, target.opened, new)
        )
    except OSError as error:
        return error.strerror or str(error)
    return f"{new!r} is there{', with the same content' if is_same else ''}"


def _status(source: ReportFolder, name: str) -> os.stat_result:
    with source.opened.reader(name) as descriptor:
        return os.fstat(descriptor)


def _carry_out(source: ReportFolder, target: ReportFolder, planned: Move) -> Move:
    """Moves a report if it can; returns what has become of that."""
    if planned.stays_because:
        return planned
    names = (source.opened, planned.name, target.opened, planned.new_name)
    try:
        is_moved = source.patience.ask(lambda: stability_folder.move(*names))
    except OSError as error:
        return replace(planned, stays_because=error.strerror or str(error))
    return planned if is_moved else replace(planned, stays_because="it has gone")


def _print(moves: Sequence[Move], source: str, target: str, is_done: bool) -> None:
    if not moves:
        say(f"There is no such report in {source!r}.")
        return
    free = sum(move.stays_because is None for move in moves)
    of_all = f"{free:,} of {counted(len(moves), 'report')}"
    say(f"{of_all} {'moved' if is_done else 'can move'} from {source!r} into {target!r}:")
    for move in moves:
        new = f" as {move.new_name!r}" if move.new_name != move.name else ""
        obstacle = f" stays: {move.stays_because}" if move.stays_because else ""
        say(f"  {move.name!r}{new}{obstacle}")
    if is_done:
        say("The collector takes them at its next run.")
    elif free:
        say("Nothing was moved: --yes moves them.")
