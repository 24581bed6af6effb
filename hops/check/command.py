"""`hops check`, the command."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

import stability_report
from hops import site
from hops.check.checking import GOOD, Checked, check_file
from hops.check.finding import find_files
from hops.check.naming import Naming
from hops.check.showing import (
    NAMES,
    Listing,
    for_programs,
    show_in_full,
    show_nearly,
    show_paths,
    summary,
)
from hops.console import print_json, printable, progress, say
from hops.options import HELP, config_option, json_option


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
    show_in_full(checked, naming.timezone)
    show_paths(checked.paths, in_full)
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
    show_nearly(nearly)
    show_paths(list(paths), in_full)
    if files:
        say(summary(listing.counts))
    return listing.counts[GOOD] < len(files)


def _tell_programs(files: Collection[Path], nearly: Sequence[Path], naming: Naming) -> bool:
    """Prints all of it as JSON; whether something is wrong with a file."""
    reports = []
    paths: dict[str, None] = {}
    for checked in _checked(files, naming):
        reports.append(for_programs(checked, naming))
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
