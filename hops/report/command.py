"""`hops report`, the command."""

from __future__ import annotations

import importlib.util
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import click

from hops import control, site, times
from hops.console import print_json, say
from hops.errors import Problem
from hops.judge import rules
from hops.options import (
    HELP,
    YEARS,
    Days,
    config_option,
    days_options,
    examples,
    json_option,
    location_option,
)
from hops.report import fleet as fleets
from hops.report import programs
from hops.report.fleet import Fleet
from hops.report.words import headline, note_lines, sentences

FORMATS = (".pdf", ".png")
TWO_YEARS = 730 * times.DAY
DAY = timedelta(days=1)


def _output(
    context: click.Context, parameter: click.Parameter, path: Path | None
) -> Path | None:
    if path and path.suffix not in ("", *FORMATS) and not path.is_dir():
        raise click.BadParameter(
            f"{str(path)!r}: expected a folder, or a name in {', '.join(FORMATS)}; pages for a "
            "browser are --html DIR."
        )
    return path


def _baseline(context: click.Context, parameter: click.Parameter, text: str | None) -> Days | None:
    try:
        return None if text is None else rules.days(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r}: expected two dates as in 2026-01-01/2026-06-30."
        ) from None


def _month(context: click.Context, parameter: click.Parameter, text: str | None) -> Days | None:
    if text is None:
        return None
    try:
        this = date.today().replace(day=1)
        is_last = text == "last"
        first = (this - DAY).replace(day=1) if is_last else date.fromisoformat(f"{text}-01")
    except ValueError:
        first = date.max
    if first.year not in YEARS:
        raise click.BadParameter(f"{text!r}: expected a month as in 2026-11, or last.")
    return Days(first, (first + 31 * DAY).replace(day=1) - DAY)


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops report --month 2026-11 -o reports",
        "hops report --html /srv/www/mri",
        "hops report --location Harvard/Northwest/Bay1 -o bay1.pdf",
        "hops report --location Harvard/Northwest/Bay1 --coil 32 "
        "--baseline 2026-01-01/2026-06-30 -o bay1.png",
    ),
)
@location_option("Only this scanner, as in [scanners].")
@click.option("--coil", help="Only this coil, as in [coils].  [default: each coil a page]")
@click.option(
    "--month",
    metavar="MONTH",
    callback=_month,
    help="All days of a month, as in 2026-11, or of the last one: last.",
)
@days_options
@click.option(
    "--baseline",
    callback=_baseline,
    metavar="DAY/DAY",
    help="First and last day of the scans that control limits are taken from.  [default: those "
    f"that the judge has stored, from the {control.HISTORY} days that ended {control.LAG} days "
    "before each scan, after the last service note]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    callback=_output,
    help="File to write: .pdf, or .png of one coil; or a folder for a PDF that is named for its "
    "days.",
)
@click.option(
    "--html",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for a web server or a share: index.html, and a page a coil. They are written "
    "anew.",
)
@click.option("--csv", "with_csv", is_flag=True, help="Also every value, in a .csv beside it.")
@config_option
@json_option
def main(
    location: str | None,
    coil: str | None,
    month: Days | None,
    days: Days,
    baseline: Days | None,
    output: Path | None,
    folder: Path | None,
    with_csv: bool,
    conf: Path,
    as_json: bool,
) -> None:
    """Draw a page for each coil, and a first page that compares them.

    It has the trends of SNR, signal, drift, fluctuation and ghost with their control limits, and
    what was out of control in plain words.

    Without other days it shows the last two years. Days and times are by the scanners' clocks.
    Service notes are those of hops notes. The command ends with 1 when something was out of control
    or changed slowly in the period, as the alerts say it; with --html it leaves that to the pages.
    """
    if not output and not folder:
        raise click.UsageError("There is nothing to write: choose --output or --html.")
    if month and days != Days():
        raise click.UsageError("--month is all of its days: leave out --from and --until.")
    require_libraries()
    chosen = month or days
    of = site.load(conf)
    timezone = of.settings.timezone
    fleet = fleets.read(
        of,
        _period(chosen, timezone),
        [of.scanner(location).location] if location else [],
        coil,
        baseline.period(timezone) if baseline else None,
    )
    _refuse_nothing(fleet)
    if output and len(fleet.verdicts) > 1 and output.suffix == ".png":
        raise click.UsageError("A PNG has one page: choose a --coil, or write a .pdf.")
    file = _file(output, fleet, location, month) if output else None
    files = _write(fleet, file, with_csv, folder)
    if as_json:
        print_json({"files": [str(file) for file in files], **programs.as_json(fleet)})
    else:
        _print(fleet, files)
    if (fleet.is_out or fleet.is_slow) and not folder:
        raise SystemExit(1)


def _print(fleet: Fleet, files: list[Path]) -> None:
    for verdict in fleet.worst_first:
        say(f"{verdict.data.location}, coil {verdict.data.coil}: {headline(verdict)}")
        for sentence in sentences(verdict):
            say(f"  {sentence}")
    # Of the scanner, so the same for all of its coils.
    for location, lines in {v.data.location: note_lines(v) for v in fleet.verdicts}.items():
        if lines:
            say(f"Service notes of {location}:")
        for line in lines:
            say(f"  {line}")
    for location in fleet.unknown:
        say(f"{location}: Graphite has nothing of it yet")
    for file in files:
        say(f"Written: {file}")


def require_libraries() -> None:
    """Raises Problem where what the pages are made with is not installed."""
    for library in ("matplotlib", "jinja2"):
        if importlib.util.find_spec(library) is None:
            raise Problem(
                f"{library}, with which the pages are made, is missing: install it with "
                f"{sys.executable} -m pip install 'mri-stability-diamondcollector[report]'."
            )


def _period(days: Days, timezone: str) -> times.Period:
    """The first and the last second to show."""
    period = days.period(timezone)
    if days.since is None:
        return period._replace(since=min(period.until, int(time.time())) - TWO_YEARS)
    return period


def _refuse_nothing(fleet: Fleet) -> None:
    if any(verdict.data.scans for verdict in fleet.verdicts):
        return
    locations = ", ".join(dict.fromkeys(each.data.location for each in fleet.verdicts))
    coils = ", ".join(dict.fromkeys(each.data.coil for each in fleet.verdicts))
    first, last = fleet.days
    raise Problem(
        f"{locations}, coil {coils}, has no values from {first} to {last}: choose other days with "
        "--from and --until."
    )


def _file(output: Path, fleet: Fleet, location: str | None, month: Days | None) -> Path:
    """The file to write: in a folder one that is named for what is in it."""
    if output.suffix and not output.is_dir():
        return output
    first, last = fleet.days
    what = [*location.split("/")] if location else []
    days = first[:-3] if month else f"{first}-to-{last}"
    return output / f"{'-'.join(['stability', *what, days])}.pdf"


def _write(fleet: Fleet, file: Path | None, with_csv: bool, folder: Path | None) -> list[Path]:
    """Writes what was asked for; returns what is there now."""
    # It takes matplotlib half a second to load, which no other command should wait for.
    from hops.report import output, web

    files = []
    try:
        if folder:
            files.append(web.write(fleet, folder))
        if file:
            file.parent.mkdir(exist_ok=True)
            output.write(fleet, file)
            files.append(file)
        if file and with_csv:
            files.append(file.with_suffix(".csv"))
            programs.write_csv(fleet, files[-1])
    except OSError as error:
        raise Problem(
            f"{error.filename or file or folder} cannot be written ({error.strerror}): choose "
            "another --output or --html."
        ) from None
    return files
