"""What a scan measures and what of it is watched: one table for the judge, pages, alerts, reports
and the manual."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from hops import fit
from hops.fit import BySlice


class Bad(IntEnum):
    """On which side of the centre line a fault is."""

    LOW = -1
    BOTH = 0
    HIGH = 1


class Derived(NamedTuple):
    """How a quantity is computed that is in no column of a report."""

    columns: tuple[str, ...]
    """Those that it takes."""
    compute: Callable[[Mapping[str, BySlice]], BySlice]
    """The quantity from the values of these columns."""


@dataclass(frozen=True)
class Quantity:
    """A column of a report as it is watched, or what is computed from several. Sentences are
    without the last full stop."""

    name: str
    column: str
    """The part of the metric path between coil and slice: section and column."""
    meaning: str
    """What is measured, in a few words."""
    unit: str
    decimals: int
    bad: Bad
    definition: str
    """The same in a sentence, with its unit."""
    causes: str = ""
    """What changes it, in a sentence."""
    remedy: str = ""
    """What a site does then, in sentences."""
    source: str = ""
    """Whose definition it is."""
    derived: Derived | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a report that it takes."""
        return self.derived.columns if self.derived else (self.column,)

    def values(self, columns: Mapping[str, BySlice]) -> BySlice:
        """Its values, from those of its `columns` by their names."""
        return self.derived.compute(columns) if self.derived else columns[self.column]

    @property
    def section(self) -> str:
        """The part of the report that it is in."""
        return self.column.partition(".")[0]

    @property
    def starts_at_zero(self) -> bool:
        """Whether its axis does: for what is best when it is nothing."""
        return self.bad is Bad.HIGH

    @property
    def title(self) -> str:
        """Its name with its unit, if it has one."""
        return f"{self.name}, {self.unit}" if self.unit else self.name

    @property
    def help(self) -> str:
        """What it is, and what changes it."""
        return ". ".join(filter(None, (self.definition, self.causes)))

    def is_better(self, side: int) -> bool:
        """Whether a value above (1) or below (-1) its limit is better than the baseline."""
        return self.bad * side < 0


FBIRN = "Friedman and Glover, J. Magn. Reson. Imaging 23:827-839 (2006)"
FBIRN_2012 = "Glover et al., J. Magn. Reson. Imaging 36:39-54 (2012)"

SNR = Quantity(
    "SNR",
    "SNR.mean",
    "signal-to-noise ratio",
    "",
    1,
    Bad.LOW,
    "Signal-to-noise ratio, without a unit: signal in the phantom by the noise, for each "
    "measurement, and the mean of the measurements",
    "It falls when a coil element, a preamplifier or a connection fails",
    "Compare slices and coils: some slices of one coil point at an element of it, all coils at the "
    "scanner or the phantom. Plug the coil anew, scan again, then call service",
    "The sequence's own estimate of the noise, so that it compares with itself alone. fBIRN's SNR, "
    f"one number of the difference of odd and even measurements, is another: {FBIRN}",
)
SIGNAL = Quantity(
    "Signal",
    "SI.mean",
    "mean intensity",
    "intensity units",
    1,
    Bad.BOTH,
    "Mean signal (SI) in the phantom, in the scanner's intensity units",
    "It follows the transmitter's and receiver's adjustment, and the phantom's temperature and "
    "place",
    "Alone it is no fault: see whether the phantom lies as always and has the room's temperature",
    f"fBIRN's mean signal: {FBIRN}",
)
DRIFT = Quantity(
    "Drift",
    "SI.P2Ppct",
    "peak to peak of the signal",
    "%",
    3,
    Bad.HIGH,
    "Peak to peak of the raw signal (SI) over the scan, in percent of its mean",
    "It rises when gradients and shim iron warm up, and with every spike",
    "See which it is: the drift of the fit rises with the former alone, fluctuation with spikes",
    "The drift of fBIRN's programs, which tell the drift of the fit beside it; the latter is what "
    f"the paper calls drift: {FBIRN}",
)
DRIFT_OF_FIT = Quantity(
    "Drift of the fit",
    "fit.driftpct",
    "peak to peak of the fitted parabola",
    "%",
    3,
    Bad.HIGH,
    "Peak to peak of the second-order polynomial that is fitted to the signal over the scan, in "
    "percent of the mean signal",
    "It rises when gradients and shim iron warm up; spikes hardly move it",
    "See what ran before the scan, and whether it came after as long a pause as usual; then ask "
    "service for cooling and shim",
    f"The drift of {FBIRN}, and the drift of the fit of fBIRN's programs; computed here from the "
    "columns of the fit",
    Derived(fit.COLUMNS, fit.drift),
)
FLUCTUATION = Quantity(
    "Fluctuation",
    "SIfit.sdpct",
    "sd of the detrended signal",
    "%",
    4,
    Bad.HIGH,
    "Standard deviation of the signal over the scan about the fitted second-order polynomial "
    "(SIfit), in percent of the signal",
    "It rises with spikes, vibration and unsteady power",
    "Scan again with the room's lights and pumps off and all doors shut; look for loose metal and "
    "cables, then call service for a spike test",
    f"fBIRN's percent fluctuation: {FBIRN}; {FBIRN_2012}",
)
GHOST = Quantity(
    "Ghost level",
    "ghost.mean",
    "Nyquist ghosting",
    "%",
    2,
    Bad.HIGH,
    "Mean Nyquist ghost: signal where there is no phantom, in percent of that in it",
    "It rises with unsteady gradients, eddy currents and a bad shim",
    "Shim and scan again, then ask service for eddy currents and the gradients' delays. Less than "
    "3 % is a common limit",
    f"fBIRN's mean ghost percentage: {FBIRN_2012}",
)

QUANTITIES = (SNR, SIGNAL, DRIFT, DRIFT_OF_FIT, FLUCTUATION, GHOST)
"""What is judged."""
SECTIONS = "{" + ",".join(sorted({each.section for each in QUANTITIES})) + "}"
"""Theirs, as a level of a path of Graphite's."""
WATCHED = (SNR, GHOST, DRIFT, DRIFT_OF_FIT, FLUCTUATION)
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
        "Sum of the squared residuals of the fit, in intensity units squared",
        "It rises with the fluctuation",
    ),
)
"""What the scanner's page shows too."""
