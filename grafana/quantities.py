"""What a scan measures, in the words and units of the field, and on which side it is bad."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from grafana import queries
from grafana.panels import Quantity
from hops.report import quantities
from hops.report.control import HISTORY, LAG, WIDTH

HOW_LIMITS = (
    f"Centre line: mean of the {HISTORY} days that ended {LAG} days before. Limits: {WIDTH} of "
    "their standard deviations away. A big red dot marks a day whose scan is beyond"
)


class Bad(Enum):
    """Which side of the centre line is a fault."""

    LOW = "low"
    HIGH = "high"
    BOTH = "both"


class Measure(NamedTuple):
    """A column of a report, `section.column`, as it is watched."""

    name: str
    column: str
    meaning: str
    unit: str
    decimals: int
    bad: Bad

    def series(self, coil: str, slices: str = "*") -> str:
        """The metric path for a coil's path."""
        return f"{coil}.{self.column}.{slices}"

    def quantity(self, more: str = "") -> Quantity:
        return Quantity(self.name, f"{self.meaning}. {more}".strip(), self.unit, self.decimals)

    def out_of_control(self, series: str) -> str:
        """The scans beyond the limit that matters."""
        marks = {Bad.LOW: queries.below, Bad.HIGH: queries.above, Bad.BOTH: queries.beyond}
        return marks[self.bad](series)


def _watched(quantity: quantities.Quantity, meaning: str, unit: str, decimals: int) -> Measure:
    """One of those that `hops report` judges too, with Grafana's name of its unit."""
    side = {1: Bad.LOW, 0: Bad.BOTH, -1: Bad.HIGH}[quantity.better]
    return Measure(quantity.name, quantity.column, meaning, unit, decimals, side)


SNR = _watched(
    quantities.SNR,
    "Signal-to-noise ratio, without a unit. It falls when a coil element, a preamplifier or a "
    "connection fails",
    "none",
    1,
)
GHOST = _watched(
    quantities.GHOST,
    "Nyquist ghost level as the scanner reports it, usually in percent of the signal. It rises "
    "with unsteady gradients, eddy currents and a bad shim",
    "none",
    2,
)
DRIFT = _watched(
    quantities.DRIFT,
    "Peak to peak of the signal (SI) over the scan, as a part of its mean. It rises when gradients "
    "and shim iron warm up",
    "percent",
    3,
)
FLUCTUATION = _watched(
    quantities.FLUCTUATION,
    "Standard deviation of the signal (SIfit) over the scan, with its slow drift fitted and taken "
    "out, as a part of its mean. It rises with spikes, vibration and unsteady power",
    "percent",
    4,
)
SIGNAL = _watched(
    quantities.SIGNAL,
    "Mean signal (SI) in the phantom, in the scanner's intensity units. It follows the "
    "transmitter's and receiver's adjustment, and the phantom's temperature and place",
    "none",
    1,
)

WATCHED = (SNR, GHOST, DRIFT, FLUCTUATION)

_FIT = "of the polynomial p0 + p1 n + p2 n² fitted to the signal at measurement n"
FIT = (
    Measure("Fit p0", "fit.p0", f"Constant {_FIT}, in intensity units", "none", 1, Bad.BOTH),
    Measure(
        "Fit p1",
        "fit.p1",
        f"Linear coefficient {_FIT}, in intensity units a measurement",
        "none",
        6,
        Bad.BOTH,
    ),
    Measure(
        "Fit p2",
        "fit.p2",
        f"Quadratic coefficient {_FIT}, in intensity units a measurement squared",
        "none",
        6,
        Bad.BOTH,
    ),
    Measure(
        "Fit chi-square",
        "fit.chisq",
        "Sum of the squared residuals of the fit, in intensity units squared. It rises with the "
        "fluctuation",
        "none",
        1,
        Bad.HIGH,
    ),
)
