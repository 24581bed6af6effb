"""What a report says, and its text as the scanner writes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

STATISTICS_HEADER = "slice#\tmin\tmax\tmean\tsd\tsd[%]\tP2P[%]"
FIT_HEADER = "slice#\tp[0]\tp[1]\tp[2]\tchisq"


@dataclass(frozen=True)
class Statistics:
    """The statistics of one quantity in one slice over the measurements; `sd` divides by one less
    than their number."""

    minimum: float
    maximum: float
    mean: float
    sd: float

    @property
    def sd_percent(self) -> float:
        """sd[%] = 100 sd / mean; not a number where the mean is 0."""
        return percent(self.sd, self.mean)

    @property
    def peak_to_peak_percent(self) -> float:
        """P2P[%] = 100 (max - min) / mean; not a number where the mean is 0."""
        return percent(self.maximum - self.minimum, self.mean)


@dataclass(frozen=True)
class Fit:
    """Least-squares fit p0 + p1 n + p2 n^2 of the signal at measurement n = 0, 1, ...;
    `chisq` is the sum of the squared residuals."""

    p0: float
    p1: float
    p2: float
    chisq: float


@dataclass(frozen=True)
class SliceResult:
    """All that a report says of one slice."""

    si: Statistics
    sifit: Statistics
    snr: Statistics
    ghost: Statistics
    fit: Fit


@dataclass(frozen=True)
class Report:
    """What a report says; slices are numbered from 1."""

    measurements: int
    channels: int
    slices: tuple[SliceResult, ...]


def percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else math.nan


def report_text(report: Report) -> str:
    """The report as the scanner writes it; a number that is none is `nan`."""
    slices = report.slices
    first_line = (
        f"Stability configuration: {len(slices)} slices, {report.measurements} measurements, "
        f"{report.channels} channels\n\n"
    )
    sections = (
        section("SI", STATISTICS_HEADER, [statistics_cells(each.si) for each in slices]),
        section("SIfit", STATISTICS_HEADER, [statistics_cells(each.sifit) for each in slices]),
        section("SNR", STATISTICS_HEADER, [statistics_cells(each.snr) for each in slices]),
        section("ghost", STATISTICS_HEADER, [statistics_cells(each.ghost) for each in slices]),
        section("fit", FIT_HEADER, [fit_cells(each.fit) for each in slices]),
    )
    return first_line + "\n\n".join(sections)


def section(name: str, header: str, rows: Sequence[str]) -> str:
    numbered = "".join(f"{number:2d}\t{row}\n" for number, row in enumerate(rows, start=1))
    return f"Stability {name} results:\n\n{header}\n{numbered}"


def statistics_cells(values: Statistics) -> str:
    return (
        f"{values.minimum:.2f}\t{values.maximum:.2f}\t{values.mean:.2f}\t"
        f"{values.sd:.3f}\t{values.sd_percent:.3f}\t{values.peak_to_peak_percent:.3f}"
    )


def fit_cells(fit: Fit) -> str:
    return f"{fit.p0:+.6f}\t{fit.p1:+.6f}\t{fit.p2:+.6f}\t{fit.chisq:+.6f}"
