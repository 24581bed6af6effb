"""`hops reingest`: gives archived or rejected reports back to the collector."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from hops import archive, site
from hops.archive import File
from hops.audit import audit
from hops.console import counted, print_json, say
from hops.errors import Problem
from hops.options import HELP, Days, config_option, days_options, json_option
from hops.site import Site

# What systems say where a file cannot have two names: of a share, or of files of others.
NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)


@dataclass(frozen=True)
class Move:
    """A report that is to go back into the scanner's folder."""

    name: str
    new: str
    """Its name there."""
    obstacle: str
    """Why it stays where it is; nothing when it can go."""


@click.command(
    context_settings=HELP,
    epilog="Examples: hops reingest --location Harvard/Northwest/Bay1 --missing | "
    "hops reingest --location Harvard/Northwest/Bay1 --rejected --yes | "
    "hops reingest --location Harvard/Northwest/Bay1 Stability_20180910T090910.txt",
)
@config_option
@click.option("--location", metavar="A/B/C", required=True, help="Scanner, as in [scanners].")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@days_options
@click.option("--rejected", is_flag=True, help="Rejected reports, not archived ones.")
@click.option(
    "--missing",
    is_flag=True,
    help="Those that `hops audit` finds missing, or different for no known reason.",
)
@click.option(
    "--yes/--dry-run",
    "is_sure",
    default=None,
    help="Move without asking, or only list what would move.  [default: list, then ask]",
)
@json_option
def main(
    conf: Path,
    location: str,
    names: Sequence[str],
    days: Days,
    rejected: bool,
    missing: bool,
    is_sure: bool | None,
    as_json: bool,
) -> None:
    """Move archived reports back into their scanner's folder, where the collector takes them again.

    Choose them by NAME, by the days of the scans, or with --missing. What would move is listed
    first. Nothing is overwritten: a report whose name is taken there stays. One that the collector
    renamed (Stability_X.1.txt) gets the scanner's name back; a .duplicate has to be named. Notes
    on rejected reports stay. Ends with 1 when a chosen report cannot be moved. With --json nobody
    is asked: --yes moves them."""
    _check_choice(names, days, rejected, missing)
    of = site.load(conf)
    scanner = of.scanner(location)
    lacking = _lacking(of, location, days) if missing else None
    subfolder = of.settings.reject_dir if rejected else of.settings.ingest_dir
    where = os.path.join(scanner.folder, subfolder)
    try:
        with (
            archive.open_subfolder(scanner, subfolder) as source,
            archive.open_folder(scanner.folder) as target,
        ):
            files = archive.files(source, of.settings.timezone)
            chosen = _named(files, names, where) if names else _not_named(files, days, lacking)
            moves = plan = _plan(source, target, chosen)
            if not as_json:
                _print_plan(plan, where, scanner.folder)
            can_move = any(not move.obstacle for move in plan)
            is_done = can_move and (bool(is_sure) if as_json else _is_sure(is_sure))
            if is_done:
                moves = _carry_out(source, target, plan)
    except OSError as error:
        raise Problem(
            f"{where!r} cannot be used ({error.strerror}): is the share mounted, and may you read "
            "it?"
        ) from None
    if as_json:
        print_json(_for_programs(moves, where, scanner.folder, is_done))
    elif is_done:
        _print_outcome(plan, moves)
    if any(move.obstacle for move in moves):
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


def _named(files: Sequence[File], names: Sequence[str], where: str) -> list[File]:
    unknown = set(names).difference(file.name for file in files)
    if unknown:
        raise click.BadParameter(
            f"there is no report {', '.join(map(repr, sorted(unknown)))} in {where!r}: give names "
            "as they are there, without the path."
        )
    return [file for file in files if file.name in names]


def _not_named(files: Sequence[File], days: Days, only: Collection[str] | None) -> list[File]:
    return [
        file
        for file in files
        if days.has(file.day) and file.is_plain and (only is None or file.name in only)
    ]


# -- moving --------------------------------------------------------------------------------


def _plan(source: Any, target: Any, files: Sequence[File]) -> list[Move]:
    """How each of the files would move from one `Folder` to another."""
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


def _obstacle(source: Any, target: Any, name: str, new: str) -> str:
    """Why a file cannot move; nothing when it can."""
    status, there = source.status(name), target.status(new)
    if status is None:
        return "it has gone"
    if not stat.S_ISREG(status.st_mode):
        return "it is not a regular file"
    if there is not None and not os.path.samestat(status, there):
        return f"{new!r} is there"
    if status.st_nlink > 1 + (there is not None):  # two names: an interrupted move
        return "it has more than one name (hard links)"
    return ""


def _print_plan(moves: Sequence[Move], source: str, target: str) -> None:
    if not moves:
        say(f"There is no such report in {source!r}.")
        return
    free = sum(not move.obstacle for move in moves)
    say(f"{free:,} of {counted(len(moves), 'report')} can move from {source!r} into {target!r}:")
    for move in moves:
        _print_move(move)


def _print_move(move: Move) -> None:
    new = f" as {move.new!r}" * (move.new != move.name)
    say(f"  {move.name!r}{new}{' stays: ' * bool(move.obstacle)}{move.obstacle}")


def _is_sure(is_sure: bool | None) -> bool:
    """Whether the reports may be moved: as was said, else as is answered."""
    if is_sure is not None:
        if not is_sure:
            say("Nothing was moved: this is a dry run.")
        return is_sure
    if not sys.stdin.isatty():
        say("Nothing was moved: there is no terminal to ask at. --yes moves them.")
        return False
    return click.confirm("Move them?")


def _carry_out(source: Any, target: Any, moves: Sequence[Move]) -> list[Move]:
    """Moves what can move; returns each with what stood in its way."""
    done = []
    for move in moves:
        if not move.obstacle:
            # Meanwhile somebody may have done something there.
            obstacle = _obstacle(source, target, move.name, move.new) or _move(source, target, move)
            move = Move(move.name, move.new, obstacle)
        done.append(move)
    return done


def _print_outcome(plan: Sequence[Move], done: Sequence[Move]) -> None:
    for planned, move in zip(plan, done):
        if move != planned:
            _print_move(move)
    moved = sum(not move.obstacle for move in done)
    of = counted(len(done), "report")
    say(f"{moved:,} of {of} moved. The collector takes them at its next run.")


def _for_programs(
    moves: Sequence[Move], source: str, target: str, is_done: bool
) -> dict[str, object]:
    return {
        "from": source,
        "to": target,
        "is_done": is_done,
        "reports": [
            {"name": move.name, "new_name": move.new, "stays_because": move.obstacle or None}
            for move in moves
        ],
    }


def _move(source: Any, target: Any, move: Move) -> str:
    """Moves a file without overwriting anything; returns why it could not, or nothing."""
    old, new = source.at(move.name), target.at(move.new)
    try:
        if target.status(move.new) is None and not _link(old, new):
            os.rename(old, new)
            return ""
        status, there = source.status(move.name), target.status(move.new)
        if status is None or there is None or not os.path.samestat(status, there):
            return f"somebody else has moved it or made {move.new!r}"
        _unlink(old, new)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _link(old: str, new: str) -> bool:
    """Gives a file a second name, if nothing has it; whether there are hard links at all."""
    try:
        os.link(old, new, follow_symlinks=False)
    except OSError as error:
        if error.errno in NO_HARD_LINKS:
            return False
        raise
    return True


def _unlink(old: str, new: str) -> None:
    """Takes the old of its two names from a file; the new one where that may not be."""
    try:
        os.unlink(old)
    except OSError:
        os.unlink(new)
        raise
