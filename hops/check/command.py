"""`hops check`, the command."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from click.core import ParameterSource

import stability_report
from hops import site
from hops.check.checking import GOOD, Checked, Checker
from hops.check.showing import Listing, show_in_full, show_nearly, show_paths
from hops.console import print_json, printable, progress, say
from hops.options import HELP, config_option, examples, json_option, location_option
from hops.reportfiles import EXAMPLES, Patience, all_below


@dataclass
class Files:
    """What there is to check."""

    reports: list[Path] = field(default_factory=list)
    """By name, or named by the operator, whatever they are called."""
    nearly: list[Path] = field(default_factory=list)
    """Those that have nearly a report's name."""
    unlisted: list[str] = field(default_factory=list)
    """What is wrong with folders that cannot be listed."""


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops check Stability_20180910T090910.txt",
        "hops check /mnt/scanner/bay1",
        "hops check --location Harvard/Northwest/Bay1 --paths Stability_20180910T090910.txt",
    ),
)
@click.argument(
    "arguments",
    nargs=-1,
    type=Path,  # click's own would ask the share
    metavar="FILE|DIR...",
)
@location_option("Of the scanner.  [default: the one whose folder a file is in]")
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
    """Say what is in reports, and what is wrong with them and where.

    One FILE is shown in full, with the metrics that it would make; several, or all reports in DIR
    and below, in a line each.

    Nothing is needed but the files. With Diamond's configuration, metric paths, coils and time zone
    are those of the site; where the default one is not there, it is done without.

    Exit status: 0 when all reports are good, else 1.
    """
    if not arguments:
        raise click.UsageError(
            "Name a report, or a folder with reports; the one that you are in is: hops check ."
        )
    checker = _checker(context, conf, location)
    files = _find(arguments)
    if as_json:
        are_good = _tell_programs(files, checker)
    elif list(arguments) == files.reports and len(arguments) == 1:
        are_good = _tell_of_one(files.reports[0], checker, in_full)
    else:
        are_good = _tell_of_many(files, checker, in_full)
    for sentence in files.unlisted:
        click.echo(sentence, err=True)
    if not files.reports:
        where = ", ".join(printable(str(argument)) for argument in arguments)
        click.echo(f"There is no report in {where}: expected names like {EXAMPLES}.", err=True)
    if not are_good or files.unlisted or not files.reports:
        context.exit(1)


def _checker(context: click.Context, conf: Path, location: str | None) -> Checker:
    is_chosen = context.get_parameter_source("conf") is not ParameterSource.DEFAULT
    found = site.load(conf) if is_chosen or os.access(conf, os.R_OK) else None
    if location is not None:
        try:
            stability_report.location_path(location)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--location") from None
        if found:
            found.scanner(location)
    return Checker(found, location)


# -- the files -----------------------------------------------------------------------------


def _find(arguments: Iterable[Path]) -> Files:
    found = Files()

    def cannot_list(error: OSError) -> None:
        name = printable(error.filename)
        found.unlisted.append(f"{name}: cannot be listed: {error.strerror}")

    for argument in arguments:
        patience = Patience()
        try:
            is_folder = stat.S_ISDIR(patience.ask(argument.stat).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            raise click.BadParameter(f"there is no {str(argument)!r}.") from None
        except (OSError, ValueError):
            is_folder = False  # or nothing that can be read, as is told then
        if not is_folder:
            found.reports.append(argument)
            continue
        for path in all_below(argument, cannot_list, patience):
            # A folder with the name of a report is told of too.
            if stability_report.is_report_name(path.name):
                found.reports.append(path)
            elif stability_report.is_nearly_report_name(path.name):
                found.nearly.append(path)
    return found


def _checked(files: Collection[Path], checker: Checker) -> Iterator[Checked]:
    """Checks one file after the other, as their numbers may be too many to keep."""
    with progress("Reading reports", len(files)) as advance:
        for file in files:
            yield checker.check(file)
            advance(1)


# -- what is told, and whether all is good -------------------------------------------------


def _tell_of_one(file: Path, checker: Checker, in_full: bool) -> bool:
    checked = checker.check(file)
    show_in_full(checked, checker.timezone)
    show_paths(checked.paths, in_full)
    return checked.state == GOOD


def _tell_of_many(files: Files, checker: Checker, in_full: bool) -> bool:
    listing = Listing()
    paths: dict[str, None] = {}  # in the order of the reports
    for checked in _checked(files.reports, checker):
        listing.add(checked)
        paths.update(dict.fromkeys(checked.paths))
    listing.show()
    show_nearly(files.nearly)
    show_paths(list(paths), in_full)
    if files.reports:
        say(listing.summary())
    return listing.counts[GOOD] == len(files.reports)


def _tell_programs(files: Files, checker: Checker) -> bool:
    reports: list[dict[str, object]] = []
    paths: dict[str, None] = {}
    for checked in _checked(files.reports, checker):
        reports.append(checked.for_programs())
        paths.update(dict.fromkeys(checked.paths))
    not_reports: Sequence[str] = [str(file) for file in files.nearly]
    print_json({"reports": reports, "metrics": list(paths), "not_reports": not_reports})
    return all(report["state"] == GOOD for report in reports)
