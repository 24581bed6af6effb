"""What Graphite needs to keep Stability reports: series, points and bytes of whisper files.

A whisper file (whisper 1.1) has a header of 16 bytes, 12 bytes for each archive, and 12 bytes for
each point: 4 for its time, 8 for its value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import click
from rich.table import Table

from hops.console import console
from hops.options import HELP, json_option

# SI, SIfit, SNR and ghost have six columns each, fit has four.
SERIES_A_SLICE = 4 * 6 + 4

HEADER_BYTES = 16
ARCHIVE_BYTES = 12
POINT_BYTES = 12
# Whisper's fields for times and positions have 32 bits.
LARGEST = 2**32 - 1

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86400, 7 * 86400
YEAR = 365 * DAY
UNITS = {"second": 1, "minute": MINUTE, "hour": HOUR, "day": DAY, "week": WEEK, "year": YEAR}

# A sparse file takes only the blocks of the file system that were written to.
BLOCK_BYTES = 4096
SPARSE_YEARS = (1, 5)

GRAPH_YEARS = 10
CHOICES = {
    "10m:1y,1h:5y,1d:25y": "for most: a scan a day keeps its exact value for 25 years, two scans "
    "in a day are told apart for five, and graphs of years are quick",
    "1h:25y": "if no coil is ever scanned twice within an hour and the hour of old scans matters",
    "10m:25y": "if each of several scans a day must be kept for 25 years, or years of such old "
    "reports are to come in",
}


@dataclass(frozen=True)
class Archive:
    """A part of a whisper file: a slot every `step` seconds, `points` of them."""

    step: int
    points: int

    @property
    def seconds(self) -> int:
        """How far back the archive reaches."""
        return self.step * self.points


# -- whisper's format ----------------------------------------------------------------------


def parse_retention(text: str) -> list[Archive]:
    """The archives of a retention like `10m:1y,1h:5y,1d:25y`, finest first.

    Raises ValueError with what is wrong and what is allowed where whisper would not take it; the
    rules are those of `validateArchiveList` in whisper.py.
    """
    archives = sorted((_archive(part) for part in text.split(",")), key=lambda each: each.step)
    for finer, coarser in zip(archives, archives[1:]):
        _check_neighbours(finer, coarser)
    if file_bytes(archives) > LARGEST:
        raise ValueError("a file would have more than 4 GiB: take longer steps or fewer years.")
    return archives


def file_bytes(archives: Sequence[Archive]) -> int:
    """The size of a whisper file with these archives."""
    return (
        HEADER_BYTES
        + ARCHIVE_BYTES * len(archives)
        + POINT_BYTES * sum(each.points for each in archives)
    )


def sparse_bytes(archives: Sequence[Archive], days: int) -> int:
    """What a sparse whisper file takes on the disk after a scan a day for so many `days`.

    An archive is a ring that begins with its first point; each point of the finest is written
    to all the coarser ones at once.
    """
    blocks = {0, (file_bytes(archives) - 1) // BLOCK_BYTES}
    offset = HEADER_BYTES + ARCHIVE_BYTES * len(archives)
    for archive in archives:
        for day in range(days):
            slot = day * DAY // archive.step % archive.points
            first = offset + slot * POINT_BYTES
            blocks |= {first // BLOCK_BYTES, (first + POINT_BYTES - 1) // BLOCK_BYTES}
        offset += archive.points * POINT_BYTES
    return len(blocks) * BLOCK_BYTES


def points_read(archives: Sequence[Archive], seconds: int) -> int:
    """How many slots of a series Graphite reads for a graph that begins `seconds` ago: those of
    the finest archive that reaches back so far, or else of the one that reaches back farthest."""
    archive = next((each for each in archives if each.seconds >= seconds), archives[-1])
    return min(seconds // archive.step, archive.points)


def _archive(text: str) -> Archive:
    match = re.fullmatch(r"(\d+)([a-z]*):(\d+)([a-z]*)", text.strip())
    if not match:
        raise ValueError(f"{text.strip()!r} is no step and time, as in 10m:1y.")
    step = int(match[1]) * _unit(match[2] or "s")
    if not step:
        raise ValueError(f"{text.strip()!r} has a step of nothing: take one as in 10m:1y.")
    points = int(match[3]) * _unit(match[4]) // step if match[4] else int(match[3])
    if not points:
        raise ValueError(f"{text.strip()!r} has no slot: a step must be shorter than its time.")
    return Archive(step, points)


def _unit(text: str) -> int:
    """Seconds in a unit, which may be cut short (m, min, minutes), as whisper takes it."""
    for name, seconds in UNITS.items():
        if f"{name}s".startswith(text):
            return seconds
    raise ValueError(f"{text!r} is no unit: take one of s, m, h, d, w, y.")


def _check_neighbours(finer: Archive, coarser: Archive) -> None:
    steps = f"the step {duration(coarser.step)}"
    if coarser.step == finer.step:
        raise ValueError(f"{steps} is there twice: take each step once.")
    if coarser.step % finer.step:
        raise ValueError(
            f"{steps} is no multiple of {duration(finer.step)}: whisper makes a slot of whole "
            "finer ones, so each step must divide the next."
        )
    if coarser.seconds <= finer.seconds:
        raise ValueError(
            f"{steps} is kept for {duration(coarser.seconds)} and the finer "
            f"{duration(finer.step)} for {duration(finer.seconds)}: the coarser must be kept "
            "longer."
        )
    if finer.seconds < coarser.step:
        raise ValueError(
            f"{steps} is longer than the {duration(finer.seconds)} for which the finer "
            f"{duration(finer.step)} is kept: keep the finer at least that long."
        )


# -- the command ---------------------------------------------------------------------------


def _retention(context: click.Context, parameter: click.Parameter, text: str) -> str:
    try:
        parse_retention(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return text


@click.command(
    context_settings=HELP,
    epilog="Examples: hops sizing --scanners 4 --coils 2 --slices 16 | "
    "hops sizing --scanners 1 --coils 3 --slices 64 --retention 1h:25y --json",
)
@click.option("--scanners", type=click.IntRange(1), required=True, help="Scanners there are.")
@click.option("--coils", type=click.IntRange(1), required=True, help="Coils of each scanner.")
@click.option("--slices", type=click.IntRange(1), required=True, help="Slices of each report.")
@click.option(
    "--retention",
    default=next(iter(CHOICES)),
    show_default=True,
    callback=_retention,
    help="As in storage-schemas.conf: STEP:TIME, with s, m, h, d, w or y.",
)
@json_option
def main(scanners: int, coils: int, slices: int, retention: str, as_json: bool) -> None:
    """Say how much disk Graphite needs for Stability reports, what a retention keeps, and which to
    choose. Each scanner has a few series more, in which the collector tells of itself."""

    series = scanners * coils * slices * SERIES_A_SLICE
    if as_json:
        click.echo(json.dumps(_for_programs(series, retention), indent=2))
        return
    console.print(
        f"{scanners:,} scanners x {coils:,} coils x {slices:,} slices x {SERIES_A_SLICE} "
        f"= {series:,} series\n",
        soft_wrap=True,
    )
    _print_archives(series, retention)
    _print_choices(series)


def _for_programs(series: int, retention: str) -> dict[str, object]:
    archives = parse_retention(retention)
    return {
        "series": series,
        **_sizes(series, retention),
        "archives": [
            {
                "step_seconds": each.step,
                "kept_seconds": each.seconds,
                "points": each.points,
                "bytes": each.points * POINT_BYTES,
            }
            for each in archives
        ],
        "sparse": [
            {"years": years, "bytes": series * sparse_bytes(archives, years * 365)}
            for years in SPARSE_YEARS
        ],
        "choices": [_sizes(series, choice) for choice in CHOICES],
    }


def _sizes(series: int, retention: str) -> dict[str, object]:
    archives = parse_retention(retention)
    return {
        "retention": retention,
        "points_a_series": sum(each.points for each in archives),
        "bytes_a_series": file_bytes(archives),
        "bytes": series * file_bytes(archives),
        f"points_read_for_{GRAPH_YEARS}_years": points_read(archives, GRAPH_YEARS * YEAR),
    }


def _print_archives(series: int, retention: str) -> None:
    archives = parse_retention(retention)
    table = Table(title=f"A series with {retention}", title_justify="left")
    table.add_column("one value for each")
    table.add_column("is kept for")
    table.add_column("points", justify="right")
    table.add_column("on disk", justify="right")
    for each in archives:
        size = size_of(each.points * POINT_BYTES)
        table.add_row(duration(each.step), duration(each.seconds), f"{each.points:,}", size)
    points = sum(each.points for each in archives)
    table.add_section()
    table.add_row("together", "", f"{points:,}", size_of(file_bytes(archives)))
    console.print(table)
    sparse = ", ".join(
        f"{size_of(series * sparse_bytes(archives, years * 365))} after {years} "
        f"year{'s' * (years > 1)}"
        for years in SPARSE_YEARS
    )
    console.print(
        f"All {series:,} series: {size_of(series * file_bytes(archives))} on disk. In sparse "
        f"files, with a scan of each coil a day: {sparse}.\n",
        soft_wrap=True,
    )


def _print_choices(series: int) -> None:
    table = Table(title="Which retention to choose", title_justify="left")
    table.add_column("retention")
    table.add_column("a series", justify="right")
    table.add_column("all", justify="right")
    table.add_column(f"points read for {GRAPH_YEARS} years", justify="right")
    for choice in CHOICES:
        archives = parse_retention(choice)
        table.add_row(
            choice,
            size_of(file_bytes(archives)),
            size_of(series * file_bytes(archives)),
            f"{points_read(archives, GRAPH_YEARS * YEAR):,}",
        )
    console.print(table)
    for choice, advice in CHOICES.items():
        console.print(f"{choice}: {advice}.", soft_wrap=True)


def duration(seconds: int) -> str:
    """Seconds in the largest unit that they are a multiple of, as in `10 minutes`."""
    name, unit = max(
        ((name, unit) for name, unit in UNITS.items() if seconds % unit == 0),
        key=lambda each: each[1],
    )
    count = seconds // unit
    return f"{count:,} {name}{'s' * (count != 1)}"


def size_of(count: int) -> str:
    """Bytes in kB, MB (a million) and so on, with three digits."""
    size, units = float(count), iter(("bytes", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while size >= 999.5 and unit != "TB":
        size, unit = size / 1000, next(units)
    return f"{size:,.0f} {unit}" if size >= 99.95 or unit == "bytes" else f"{size:.3g} {unit}"
