"""What a scan measures and what of it is watched: one table for report, dashboards and alerts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Bad(IntEnum):
    """On which side of the centre line a fault is."""

    LOW = -1
    BOTH = 0
    HIGH = 1


@dataclass(frozen=True)
class Quantity:
    """A column of a report as it is watched."""

    name: str
    column: str
    """The part of the metric path between coil and slice: section and column."""
    meaning: str
    """What is measured, in a few words."""
    unit: str
    decimals: int
    bad: Bad
    help: str
    """The same in sentences, with what changes it; without the last full stop."""

    @property
    def section(self) -> str:
        """The part of the report that it is in."""
        return self.column.partition(".")[0]

    @property
    def starts_at_zero(self) -> bool:
        """Whether its axis does: for what is best when it is nothing."""
        return self.bad is Bad.HIGH

    def is_better(self, side: int) -> bool:
        """Whether a value above (1) or below (-1) its limit is better than the baseline."""
        return self.bad * side < 0


SNR = Quantity(
    "SNR",
    "SNR.mean",
    "signal-to-noise ratio",
    "",
    1,
    Bad.LOW,
    "Signal-to-noise ratio, without a unit. It falls when a coil element, a preamplifier or a "
    "connection fails",
)
SIGNAL = Quantity(
    "Signal",
    "SI.mean",
    "mean intensity",
    "scanner's units",
    1,
    Bad.BOTH,
    "Mean signal (SI) in the phantom, in the scanner's intensity units. It follows the "
    "transmitter's and receiver's adjustment, and the phantom's temperature and place",
)
DRIFT = Quantity(
    "Drift",
    "SI.P2Ppct",
    "peak to peak of the signal",
    "%",
    3,
    Bad.HIGH,
    "Peak to peak of the signal (SI) over the scan, as a part of its mean. It rises when gradients "
    "and shim iron warm up",
)
FLUCTUATION = Quantity(
    "Fluctuation",
    "SIfit.sdpct",
    "sd of the detrended signal",
    "%",
    4,
    Bad.HIGH,
    "Standard deviation of the signal (SIfit) over the scan, with its slow drift fitted and taken "
    "out, as a part of its mean. It rises with spikes, vibration and unsteady power",
)
GHOST = Quantity(
    "Ghost level",
    "ghost.mean",
    "Nyquist ghosting",
    "scanner's units",
    2,
    Bad.HIGH,
    "Nyquist ghost level as the scanner reports it, usually in percent of the signal. It rises "
    "with unsteady gradients, eddy currents and a bad shim",
)

QUANTITIES = (SNR, SIGNAL, DRIFT, FLUCTUATION, GHOST)
"""What is judged."""
SECTIONS = "{" + ",".join(sorted({each.section for each in QUANTITIES})) + "}"
"""Theirs, as a level of a path of Graphite's."""
WATCHED = (SNR, GHOST, DRIFT, FLUCTUATION)
"""What alerts are about: those that have a bad side."""


def _fit(name: str, what: str, unit: str, decimals: int) -> Quantity:
    text = f"{what} of the polynomial p0 + p1 n + p2 n² fitted to the signal at measurement n"
    help_text = f"{text[0].upper()}{text[1:]}, in {unit}"
    return Quantity(f"Fit {name}", f"fit.{name}", text, unit, decimals, Bad.BOTH, help_text)


FIT = (
    _fit("p0", "constant", "intensity units", 1),
    _fit("p1", "linear coefficient", "intensity units a measurement", 6),
    _fit("p2", "quadratic coefficient", "intensity units a measurement squared", 6),
    Quantity(
        "Fit chi-square",
        "fit.chisq",
        "sum of the squared residuals of the fit",
        "intensity units squared",
        1,
        Bad.HIGH,
        "Sum of the squared residuals of the fit, in intensity units squared. It rises with the "
        "fluctuation",
    ),
)
"""What the scanner's page shows too."""
