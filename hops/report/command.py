"""`hops report`, the command."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import click

from hops.console import print_json
from hops.errors import Problem
from hops.graphiteweb import GraphiteWeb
from hops.options import HELP, json_option
from hops.report import control
from hops.report.data import CoilData, Scanners
from hops.report.verdict import Verdict, judge
from hops.report.words import headline, note_lines, sentences

FORMATS = (".pdf", ".png", ".html")
TWO_YEARS = timedelta(days=730)

Dates = tuple[datetime, datetime]
Epochs = tuple[int, int]


def _output(context: click.Context, parameter: click.Parameter, path: Path) -> Path:
    if path.suffix not in FORMATS:
        raise click.BadParameter(f"{str(path)!r}: expected a name in {', '.join(FORMATS)}.")
    return path


def _baseline(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> Dates | None:
    if text is None:
        return None
    try:
        since, until = (datetime.strptime(date, "%Y-%m-%d") for date in text.split("/"))
    except ValueError:
        since, until = datetime.max, datetime.min
    if since > until:
        raise click.BadParameter(f"{text!r}: expected two dates as in 2026-01-01/2026-06-30.")
    return since, until


@click.command(
    context_settings=HELP,
    epilog="Examples: hops report --scanner Harvard/Northwest/Bay1 -o bay1.pdf | hops report "
    "--scanner Harvard/Northwest/Bay1 --coil 32 --baseline 2026-01-01/2026-06-30 -o bay1.png",
)
@click.option("--scanner", "location", required=True, help="Location, as in [scanners].")
@click.option("--coil", help="Only this coil, as in [coils].  [default: each coil a page]")
@click.option(
    "--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="First day.  [default: two years]"
)
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day.  [default: today]"
)
@click.option(
    "--baseline",
    callback=_baseline,
    metavar="DAY/DAY",
    help="First and last day of the scans that control limits are taken from.  [default: the "
    f"{control.HISTORY} days that ended {control.LAG} days before the newest scan, and after the "
    "last service note there]",
)
@click.option(
    "--graphite",
    "url",
    default="http://127.0.0.1:8080",
    show_default=True,
    help="Address of graphite-web.",
)
@click.option(
    "--prefix",
    default="servers.*.StabilityCollector",
    show_default=True,
    help="What comes before the location in the metric paths.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    callback=_output,
    help="File to write: .pdf, .png or .html.",
)
@json_option
def main(
    location: str,
    coil: str | None,
    since: datetime | None,
    until: datetime | None,
    baseline: Dates | None,
    url: str,
    prefix: str,
    output: Path,
    as_json: bool,
) -> None:
    """Draw a page for each coil of a scanner: the trends of SNR, signal, drift, fluctuation and
    ghost with their control limits, and what is out of control in plain words.

    Service notes are Graphite events tagged with the location.
    """
    _require_matplotlib()
    period = _period(since, until, baseline)
    scanners = Scanners(GraphiteWeb.at(url), prefix)
    coils = _coils(scanners, location, coil)
    found = [scanners.values(location, each, *period) for each in coils]
    verdicts = [_judge(data, baseline) for data in found if data.scans]
    if not verdicts:
        raise Problem(
            f"{location}, coil {', '.join(coils)}, has no values from {_day(period[0])} to "
            f"{_day(period[1])}: choose other days with --from and --until."
        )
    source = f"{scanners.path(location)} in the Graphite at {scanners.graphite.address}"
    files = _write(verdicts, source, output)
    if as_json:
        print_json(
            {
                "location": location,
                "files": [str(file) for file in files],
                "coils": [_for_programs(verdict) for verdict in verdicts],
                "notes": [
                    {"epoch": note.epoch, "note": note.what} for note in verdicts[0].data.notes
                ],
            }
        )
    else:
        _print(location, verdicts, files)


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
                "centre": chart.limits.centre if chart.limits else None,
                "lower_limit": chart.limits.lower if chart.limits else None,
                "upper_limit": chart.limits.upper if chart.limits else None,
            }
            for quantity, chart in verdict.means.items()
        ],
    }


def _print(location: str, verdicts: Sequence[Verdict], files: Sequence[Path]) -> None:
    for verdict in verdicts:
        click.echo(f"{location}, coil {verdict.data.coil}: {headline(verdict).lower()}")
        for sentence in sentences(verdict):
            click.echo(f"  {sentence}")
    notes = note_lines(verdicts[0])  # of the scanner, so the same for all coils
    if notes:
        click.echo(f"Service notes of {location}:")
    for line in notes:
        click.echo(f"  {line}")
    for file in files:
        click.echo(f"Written: {file}")


def _require_matplotlib() -> None:
    if importlib.util.find_spec("matplotlib") is None:
        raise click.ClickException(
            "matplotlib, with which the pages are drawn, is missing: install it with "
            f"{sys.executable} -m pip install 'mri-stability-diamondcollector[report]'."
        )


def _period(since: datetime | None, until: datetime | None, baseline: Dates | None) -> Epochs:
    """The first and the last second to show, with the baseline in it."""
    last = _end(until) if until else datetime.now()
    first = since or last - TWO_YEARS
    if first > last:
        raise click.UsageError("--from is after --until: the first day comes first.")
    if baseline:
        first = min(first, baseline[0])
    return int(first.timestamp()), int(last.timestamp())


def _coils(scanners: Scanners, location: str, coil: str | None) -> list[str]:
    """The coils to report. Raises Problem where there is no such scanner or coil."""
    try:
        there = scanners.coils(location)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--scanner") from None
    if not there:
        raise Problem(_no_scanner(scanners, location))
    if coil is None:
        return there
    if coil not in there:
        raise Problem(f"{location} has no coil {coil!r}: choose one of {', '.join(there)}.")
    return [coil]


def _no_scanner(scanners: Scanners, location: str) -> str:
    where = f"under {scanners.prefix} in the Graphite at {scanners.graphite.address}"
    known = scanners.locations()
    if known:
        return f"There is no scanner {location!r} {where}: choose one of {', '.join(known)}."
    return f"There is no scanner {where}: name another place with --prefix or --graphite."


def _judge(data: CoilData, chosen: Dates | None) -> Verdict:
    if chosen:
        since, until = int(chosen[0].timestamp()), int(_end(chosen[1]).timestamp())
        return judge(data, control.baseline_between(data.scans, since, until))
    notes = [note.epoch for note in data.notes]
    return judge(data, control.choose_baseline(data.scans, notes))


def _write(verdicts: Sequence[Verdict], source: str, output: Path) -> list[Path]:
    # It takes matplotlib half a second to load, which no other command should wait for.
    from hops.report.output import write

    try:
        return write(verdicts, source, output)
    except OSError as error:
        raise Problem(
            f"{output} cannot be written ({error.strerror}): choose another --output."
        ) from None


def _end(day: datetime) -> datetime:
    """The last second of a day."""
    return day + timedelta(days=1) - timedelta(seconds=1)


def _day(epoch: int) -> str:
    return f"{datetime.fromtimestamp(epoch):%Y-%m-%d}"
