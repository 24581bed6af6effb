"""What Graphite needs to keep Stability reports: series, points and bytes of whisper files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import click
import whisper
from rich.filesize import decimal
from rich.table import Table

from hops.arguments import number_from
from hops.console import counted, print_json, say, show
from hops.options import HELP, examples, json_option
from hops.quantities import QUANTITIES
from hops.times import DAY

# SI, SIfit, SNR and ghost have six columns each, fit has four.
SERIES_A_SLICE = 4 * 6 + 4

YEAR = 365 * DAY
# Whisper's fields for positions have 32 bits.
LARGEST = 2**32 - 1

# A sparse file takes only the blocks of the file system that were written to.
BLOCK_BYTES = 4096
SPARSE_YEARS = (1, 5)

GRAPH_YEARS = 10
CHOICES = {
    "10m:1y,1d:25y": "for most: a scan a day keeps its exact value for 25 years, two scans in a "
    "day are told apart for one, and graphs of years are quick",
    "10m:1y,1h:5y,1d:25y": "if two scans in a day must be told apart for five years",
    "1h:25y": "if no coil is ever scanned twice within an hour and the hour of old scans matters",
    "10m:25y": "if each of several scans a day must be kept for 25 years, or years of such old "
    "reports are to come in",
}

# What is judged: of each watched quantity value, centre, lower, upper, sigmas, beyond, ewma,
# ewma_sigmas, ewma_beyond, slope, slope_margin, and sigmas of each slice; and four numbers of the
# coil.
JUDGED_SERIES = 11
JUDGED_OF_COIL = 4
JUDGED_RETENTION = "1h:1y,1d:25y"


class Archive(NamedTuple):
    """A part of a whisper file: a slot every `step` seconds, `points` of them."""

    step: int
    points: int

    @property
    def seconds(self) -> int:
        """How far back the archive reaches."""
        return self.step * self.points

    @property
    def bytes(self) -> int:
        """What it takes in a file."""
        return self.points * int(whisper.pointSize)


@dataclass(frozen=True)
class Sizes:
    """What so many series take with a retention."""

    retention: str
    points_a_series: int
    bytes_a_series: int
    bytes: int
    points_read_for_10_years: int


# -- whisper's format ----------------------------------------------------------------------


def parse_retention(text: str) -> list[Archive]:
    """The archives of a retention like `10m:1y,1h:5y,1d:25y`, finest first.

    Raises ValueError with what is wrong where whisper would not take it, or should not.
    """
    try:
        found = [whisper.parseRetentionDef(part) for part in text.split(",")]
        whisper.validateArchiveList(found)  # which sorts them, too
    except ZeroDivisionError:
        raise ValueError("a step of nothing: take one as in 10m:1y.") from None
    except whisper.InvalidConfiguration as error:
        raise ValueError(f"{error}.") from None
    except ValueError as error:
        raise ValueError(f"{error}: expected a step and a time as in 10m:1y.") from None
    archives = [Archive(*each) for each in found]
    if not all(archives[0]):
        raise ValueError("a step of nothing, or no slot: a step is shorter than its time.")
    if file_bytes(archives) > LARGEST:
        raise ValueError("a file would have more than 4 GiB: take longer steps or fewer years.")
    return archives


def file_bytes(archives: Sequence[Archive]) -> int:
    """The size of a whisper file with these archives."""
    return _header_bytes(archives) + sum(each.bytes for each in archives)


def _header_bytes(archives: Sequence[Archive]) -> int:
    return int(whisper.metadataSize + whisper.archiveInfoSize * len(archives))


def sparse_bytes(archives: Sequence[Archive], days: int) -> int:
    """What a sparse whisper file takes on the disk after a scan a day for so many `days`.

    An archive is a ring that begins with its first point; each point of the finest is written
    to all the coarser ones at once.
    """
    blocks = {0, (file_bytes(archives) - 1) // BLOCK_BYTES}
    offset = _header_bytes(archives)
    for archive in archives:
        for day in range(days):
            slot = day * DAY // archive.step % archive.points
            first = offset + slot * whisper.pointSize
            blocks |= {first // BLOCK_BYTES, (first + whisper.pointSize - 1) // BLOCK_BYTES}
        offset += archive.bytes
    return len(blocks) * BLOCK_BYTES


def reaching(archives: Sequence[Archive], age: int) -> Archive | None:
    """The finest archive that keeps what is so many seconds old."""
    return next((each for each in archives if each.seconds >= age), None)


def points_read(archives: Sequence[Archive], seconds: int) -> int:
    """How many slots of a series Graphite reads for a graph that begins `seconds` ago: those of
    the finest archive that reaches back so far, or else of the one that reaches back farthest."""
    archive = reaching(archives, seconds) or archives[-1]
    return min(seconds // archive.step, archive.points)


def sizes(series: int, retention: str) -> Sizes:
    """What the series take with a retention."""
    archives = parse_retention(retention)
    size = file_bytes(archives)
    points = sum(each.points for each in archives)
    return Sizes(retention, points, size, series * size, points_read(archives, GRAPH_YEARS * YEAR))


def judged_sizes(scanners: int, coils: int, slices: int) -> tuple[int, Sizes]:
    """How many series are judged, and what they take."""
    of_coil = len(QUANTITIES) * (JUDGED_SERIES + slices) + JUDGED_OF_COIL
    series = scanners * coils * of_coil
    return series, sizes(series, JUDGED_RETENTION)


# -- the command ---------------------------------------------------------------------------


def _retention(context: click.Context, parameter: click.Parameter, text: str) -> str:
    try:
        parse_retention(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return text


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops sizing --scanners 4 --coils 2 --slices 16",
        "hops sizing --scanners 1 --coils 3 --slices 64 --retention 1h:25y --json",
    ),
)
@click.option("--scanners", type=number_from(1), required=True, help="Scanners there are.")
@click.option("--coils", type=number_from(1), required=True, help="Coils of each scanner.")
@click.option("--slices", type=number_from(1), required=True, help="Slices of each report.")
@click.option(
    "--retention",
    default=next(iter(CHOICES)),
    show_default=True,
    callback=_retention,
    help="As in storage-schemas.conf: STEP:TIME, with s, m, h, d, w or y.",
)
@json_option
def main(scanners: int, coils: int, slices: int, retention: str, as_json: bool) -> None:
    """Say how much disk Graphite needs for Stability reports.

    It also says what a retention keeps, and which to choose. Each scanner has a few series more, in
    which the collector tells of itself."""

    series = scanners * coils * slices * SERIES_A_SLICE
    archives = parse_retention(retention)
    chosen, choices = sizes(series, retention), [sizes(series, choice) for choice in CHOICES]
    judged_series, judged = judged_sizes(scanners, coils, slices)
    sparse = {years: series * sparse_bytes(archives, years * 365) for years in SPARSE_YEARS}
    if as_json:
        print_json(
            {
                "series": series,
                **asdict(chosen),
                "archives": [
                    {
                        "step_seconds": each.step,
                        "kept_seconds": each.seconds,
                        "points": each.points,
                        "bytes": each.bytes,
                    }
                    for each in archives
                ],
                "sparse": [{"years": years, "bytes": size} for years, size in sparse.items()],
                "choices": [asdict(choice) for choice in choices],
                "judged": {"series": judged_series, **asdict(judged)},
            }
        )
        return
    say(
        f"{counted(scanners, 'scanner')} x {counted(coils, 'coil')} x {counted(slices, 'slice')} "
        f"x {SERIES_A_SLICE} = {series:,} series\n"
    )
    show(_archives(archives, chosen))
    after = (f"{size_of(size)} after {counted(years, 'year')}" for years, size in sparse.items())
    say(
        f"All {series:,} series: {size_of(chosen.bytes)} on disk. In sparse files, with a scan of "
        f"each coil a day: {', '.join(after)}.\n"
    )
    say(
        f"What is judged of them: {judged_series:,} series more with {judged.retention}, "
        f"{size_of(judged.bytes)}.\n"
    )
    show(_choices(choices))
    for choice, advice in CHOICES.items():
        say(f"{choice}: {advice}.")


def _archives(archives: Sequence[Archive], chosen: Sizes) -> Table:
    table = Table(title=f"A series with {chosen.retention}", title_justify="left")
    table.add_column("one value for each")
    table.add_column("is kept for")
    table.add_column("points", justify="right")
    table.add_column("on disk", justify="right")
    for each in archives:
        kept, size = duration(each.seconds), size_of(each.bytes)
        table.add_row(duration(each.step), kept, f"{each.points:,}", size)
    table.add_section()
    table.add_row("together", "", f"{chosen.points_a_series:,}", size_of(chosen.bytes_a_series))
    return table


def _choices(choices: Sequence[Sizes]) -> Table:
    table = Table(title="Which retention to choose", title_justify="left")
    table.add_column("retention")
    for title in ("a series", "all", f"points read for {GRAPH_YEARS} years"):
        table.add_column(title, justify="right")
    for each in choices:
        read = f"{each.points_read_for_10_years:,}"
        table.add_row(each.retention, size_of(each.bytes_a_series), size_of(each.bytes), read)
    return table


def duration(seconds: int) -> str:
    """Seconds in the largest unit that they are a multiple of, as in `10 minutes`."""
    units = {unit: name for name, unit in whisper.UnitMultipliers.items() if seconds % unit == 0}
    largest = max(units)
    return counted(seconds // largest, units[largest][:-1])


def size_of(count: int) -> str:
    """Bytes in kB, MB (a million) and so on, as in `2.27 GB`."""
    return decimal(count, precision=2)
