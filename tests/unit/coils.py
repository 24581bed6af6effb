"""Coils made up for the tests of `hops report`."""

from hops.quantities import QUANTITIES
from hops.report.data import CoilData

DAY = 86400
# 2026-11-20 12:00 UTC
NEWEST = 1795176000

NORMAL = {"SNR": 300.0, "Signal": 560.0, "Drift": 0.25, "Fluctuation": 0.03, "Ghost level": 2.2}


def coil(scans=400, slices=16, changes=(), location="Example/Bay1", notes=(), **more):
    """A coil scanned daily, whose values go up and down by one percent.

    `changes`: tuples of a quantity's name, its slices, a factor and for how many of the newest
    scans.
    """
    values = {quantity: {} for quantity in QUANTITIES}
    for quantity in QUANTITIES:
        for number in range(1, slices + 1):
            values[quantity][number] = {
                NEWEST - ago * DAY: NORMAL[quantity.name] * (1 + (0.01, -0.01)[ago % 2])
                for ago in reversed(range(scans))
            }
        for name, numbers, factor, newest in changes:
            if name == quantity.name:
                for number in numbers:
                    for ago in range(newest):
                        values[quantity][number][NEWEST - ago * DAY] *= factor
    return CoilData(location, more.get("name", "32"), values, notes)
