"""What is watched: five quantities that tell how a scanner and its coils are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """A quantity and where Graphite has it."""

    name: str
    meaning: str
    """What is measured, in a few words."""
    column: str
    """The part of the metric path between coil and slice: section and column."""
    unit: str
    better: int
    """1 where more is better, -1 where less is, 0 where neither is."""

    @property
    def starts_at_zero(self) -> bool:
        """Whether its axis does: for what is best when it is nothing."""
        return self.better < 0


SNR = Quantity("SNR", "signal-to-noise ratio", "SNR.mean", "", 1)
SIGNAL = Quantity("Signal", "mean intensity", "SI.mean", "scanner's units", 0)
DRIFT = Quantity("Drift", "peak to peak of the signal", "SI.P2Ppct", "%", -1)
FLUCTUATION = Quantity("Fluctuation", "sd of the detrended signal", "SIfit.sdpct", "%", -1)
GHOST = Quantity("Ghost level", "Nyquist ghosting", "ghost.mean", "scanner's units", -1)
QUANTITIES = (SNR, SIGNAL, DRIFT, FLUCTUATION, GHOST)
