"""`hops sample`: years of reports of two invented scanners, to try things with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import click

from hops.arguments import day_of, number_from
from hops.console import counted, print_json, printable, progress, say
from hops.errors import Problem
from hops.options import HELP, examples, json_option
from sample_data.files import generate
from sample_data.scanners import DEFAULT_SEED, events, example_scanners
from sample_data.schedule import DEFAULT_YEARS, Scan, schedule

SHORTEST_YEARS = 0.01  # a few days
LONGEST_YEARS = 20.0
CENTURY = range(2000, 2100)


def make_reports(folder: Path, scans: Sequence[Scan]) -> None:
    """Writes the reports of the scans into their scanners' folders below `folder`, and shows how
    far it is. Raises Problem, also for a report that is there already."""
    try:
        with progress("Making reports", len(scans)) as advance:
            for _ in generate(folder, scans):
                advance(1)
    except OSError as error:
        raise Problem(_sentence(error)) from None


def _sentence(error: OSError) -> str:
    if error.filename is None:
        return str(error)
    return f"{error.filename!r} cannot be written ({error.strerror}): choose another folder."


years_option = click.option(
    "--years",
    type=number_from(SHORTEST_YEARS, LONGEST_YEARS, float),
    default=DEFAULT_YEARS,
    show_default=True,
    help="How many years of made-up reports, fractions too.",
)


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops sample /tmp/scanners",
        "hops sample /tmp/scanners --years 0.25 --until 2026-06-30",
        "hops sample /tmp/others --seed 2",
    ),
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@years_option
@click.option(
    "--until",
    type=day_of(CENTURY),
    help="The last day.  [default: yesterday]",
)
@click.option(
    "--seed",
    type=int,
    default=DEFAULT_SEED,
    show_default=True,
    help="Another number gives the same story with other noise.",
)
@json_option
def main(folder: Path, years: float, until: date | None, seed: int, as_json: bool) -> None:
    """Make realistic reports of two invented scanners in DIR.

    There is one for each weekday morning. Coils age, drift grows until a service visit, and coil
    elements fail: what is to be seen in them is told at the end.

    An existing file is never overwritten.
    """
    # Whose morning is over in whatever time zone the scanners are said to be.
    until = until or date.today() - timedelta(days=1)
    scanners = example_scanners(until, seed)
    scans = schedule(scanners, until, years)
    make_reports(folder, scans)
    made = [
        {
            "location": scanner.location,
            "folder": str((folder / scanner.folder).absolute()),
            "events": list(events(scanner.history)),
        }
        for scanner in scanners
    ]
    if as_json:
        print_json({"reports": len(scans), "until": str(until), "scanners": made})
        return
    say(f"{counted(len(scans), 'report')} up to {until}, of these [scanners]:")
    for each in made:
        say(f"\n{each['location']} = {printable(str(each['folder']))}")
        for event in each["events"]:
            say(f"  {event}")
