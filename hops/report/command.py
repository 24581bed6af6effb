"""`hops report`, the command."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from hops import control, site
from hops.console import print_json
from hops.control import Period
from hops.errors import Problem
from hops.judge.verdicts import rounded
from hops.options import (
    HELP,
    YEARS,
    Days,
    config_option,
    days_options,
    json_option,
    location_option,
)
from hops.report.data import CoilData, Scanner
from hops.report.verdict import Verdict, judge
from hops.report.words import headline, note_lines, sentences
from hops.times import DAY, moment

FORMATS = (".pdf", ".png", ".html")
TWO_YEARS = 730 * DAY

def _output(context: click.Context, parameter: click.Parameter, path: Path) -> Path:
    if path.suffix not in FORMATS:
        raise click.BadParameter(f"{str(path)!r}: expected a name in {', '.join(FORMATS)}.")
    return path


def _baseline(context: click.Context, parameter: click.Parameter, text: str | None) -> Days | None:
    if text is None:
        return None
    try:
        since, until = (date.fromisoformat(day) for day in text.split("/"))
    except ValueError:
        since, until = date.max, date.min
    if since > until or not {since.year, until.year} <= set(YEARS):
        raise click.BadParameter(f"{text!r}: expected two dates as in 2026-01-01/2026-06-30.")
    return Days(since, until)


@click.command(
    context_settings=HELP,
    epilog="Examples: hops report --location Harvard/Northwest/Bay1 -o bay1.pdf | hops report "
    "--location Harvard/Northwest/Bay1 --coil 32 --baseline 2026-01-01/2026-06-30 -o bay1.png",
)
@location_option("Of the scanner, as in [scanners].", required=True)
@click.option("--coil", help="Only this coil, as in [coils].  [default: each coil a page]")
@days_options
@click.option(
    "--baseline",
    callback=_baseline,
    metavar="DAY/DAY",
    help="First and last day of the scans that control limits are taken from.  [default: the "
    f"{control.HISTORY} days that ended {control.LAG} days before the newest scan, after the last "
    "service note]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    callback=_output,
    help="File to write: .pdf, .html, or .png of one coil.",
)
@config_option
@json_option
def main(
    location: str,
    coil: str | None,
    days: Days,
    baseline: Days | None,
    output: Path,
    conf: Path,
    as_json: bool,
) -> None:
    """Draw a page for each coil of a scanner.

    It has the trends of SNR, signal, drift, fluctuation and ghost with their control limits, and
    what is out of control in plain words.

    Without other days it shows the last two years. Days and times are by the scanners' clocks.
    Service notes are Graphite events tagged with the location.
    """
    _require_matplotlib()
    of = site.load(conf)
    scanner = Scanner(
        of.graphite(), of.any_prefix, of.scanner(location).location, of.settings.timezone
    )
    coils = _coils(scanner, coil)
    since, until = _period(days, baseline, scanner.timezone)
    found = [scanner.coil(each, since, until) for each in coils]
    verdicts = [_judge(data, baseline) for data in found if data.scans]
    if not verdicts:
        first, last = (moment(epoch, scanner.timezone)[:10] for epoch in (since, until))
        raise Problem(
            f"{location}, coil {', '.join(coils)}, has no values from {first} to {last}: choose "
            "other days with --from and --until."
        )
    if len(verdicts) > 1 and output.suffix == ".png":
        raise click.UsageError("A PNG has one page: choose a --coil, or write a .pdf or .html.")
    _write(verdicts, f"{scanner.path} in the Graphite at {scanner.graphite.address}", output)
    if as_json:
        print_json(
            {
                "location": location,
                "file": str(output),
                "coils": [_for_programs(verdict) for verdict in verdicts],
                "without_notes": verdicts[0].data.without_notes or None,
                "notes": [
                    {"epoch": note.epoch, "note": note.what} for note in verdicts[0].data.notes
                ],
            }
        )
    else:
        _print(location, verdicts, output)


def _for_programs(verdict: Verdict) -> dict[str, object]:
    return {
        "coil": verdict.data.coil,
        "headline": headline(verdict).lower(),
        "newest_epoch": verdict.newest,
        "sentences": sentences(verdict),
        "quantities": [
            {
                "name": quantity.name,
                "unit": quantity.unit or None,
                "newest": chart.series.get(verdict.newest),
                "centre": rounded(chart.limits.centre) if chart.limits else None,
                "lower_limit": (rounded(chart.limits.lower) or None) if chart.limits else None,
                "upper_limit": rounded(chart.limits.upper) if chart.limits else None,
            }
            for quantity, chart in verdict.means.items()
        ],
    }


def _print(location: str, verdicts: Sequence[Verdict], output: Path) -> None:
    for verdict in verdicts:
        click.echo(f"{location}, coil {verdict.data.coil}: {headline(verdict).lower()}")
        for sentence in sentences(verdict):
            click.echo(f"  {sentence}")
    notes = note_lines(verdicts[0])  # of the scanner, so the same for all coils
    if notes:
        click.echo(f"Service notes of {location}:")
    for line in notes:
        click.echo(f"  {line}")
    click.echo(f"Written: {output}")


def _require_matplotlib() -> None:
    if importlib.util.find_spec("matplotlib") is None:
        raise click.ClickException(
            "matplotlib, with which the pages are drawn, is missing: install it with "
            f"{sys.executable} -m pip install 'mri-stability-diamondcollector[report]'."
        )


def _period(days: Days, baseline: Days | None, timezone: str) -> tuple[int, int]:
    """The first and the last second to show, with the baseline in it."""
    since, until = days.epochs(timezone)
    last = int(time.time()) if until is None else until
    first = last - TWO_YEARS if since is None else since
    if baseline:
        first = min(first, baseline.epochs(timezone)[0] or first)
    return first, max(first, last)


def _coils(scanner: Scanner, coil: str | None) -> list[str]:
    """The coils to report. Raises Problem where there is no such scanner or coil."""
    there = scanner.coils()
    if not there:
        raise Problem(
            f"The Graphite at {scanner.graphite.address} has nothing under {scanner.path}: was a "
            "report archived (hops status), and is the path the same that Diamond sends to?"
        )
    if coil is None:
        return there
    if coil not in there:
        raise Problem(
            f"{scanner.location} has no coil {coil!r}: choose one of {', '.join(there)}."
        )
    return [coil]


def _judge(data: CoilData, chosen: Days | None) -> Verdict:
    if chosen is None:
        return judge(data)
    since, until = chosen.epochs(data.timezone)
    return judge(data, Period(since or 0, until or data.scans[-1]))


def _write(verdicts: Sequence[Verdict], source: str, output: Path) -> None:
    # It takes matplotlib half a second to load, which no other command should wait for.
    from hops.report.output import write

    try:
        write(verdicts, source, output)
    except OSError as error:
        raise Problem(
            f"{output} cannot be written ({error.strerror}): choose another --output."
        ) from None
