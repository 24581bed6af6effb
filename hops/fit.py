"""The drift of the fit, from what a report says of the fit.

A report has of each slice the polynomial p0 + p1 n + p2 n² that was fitted to the signal of
measurement n = 0, 1, ..., and not how much it changed over the scan: fBIRN's drift of the fit,
100 (greatest - least value of the polynomial) / mean signal.

Two numbers that it takes are better had otherwise than as they stand in the report:

- p2 has six decimals, and times 499² the last of them is 0.1 intensity units, as much as many a
  slice drifts. But the mean of a polynomial that was fitted with a constant is that of the signal,
  whose two decimals make p2 known eight times better.
- The number of measurements is in the report's first line alone, which is not in Graphite. It is
  the sum of the squared residuals by their variance, and one: within 1 of it in 16 slices.

In the report of a scanner both are confirmed: the variance of the polynomial and that of the
residuals add up to that of the signal to 2 % of the deviation, and to 10 % with p2 as it is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

COLUMNS = ("fit.p0", "fit.p1", "fit.chisq", "SIfit.sd", "SI.mean")
"""What it is computed from."""

TOO_FEW_DECIMALS = 3
"""p1 with so few, as a collector with `precision` sends it, does not tell how much it makes."""

BySlice = Mapping[int, Mapping[int, float]]
"""Values by the number of the slice and the epoch."""


class _Slice(NamedTuple):
    number: int
    p0: float
    p1: float
    chisq: float
    sd: float
    mean: float


def drift(columns: Mapping[str, BySlice]) -> dict[int, dict[int, float]]:
    """The drift of the fit in percent, by slice and epoch, from the values of COLUMNS."""
    found: dict[int, dict[int, float]] = {number: {} for number in columns[COLUMNS[0]]}
    for epoch in sorted({epoch for series in columns[COLUMNS[0]].values() for epoch in series}):
        slices = list(_slices(columns, epoch))
        last = _last_measurement(slices)
        if last > 1 and any(round(each.p1, TOO_FEW_DECIMALS) != each.p1 for each in slices):
            for each in slices:
                found[each.number][epoch] = 100 * _peak_to_peak(each, last) / each.mean
    return found


def _slices(columns: Mapping[str, BySlice], epoch: int) -> Iterator[_Slice]:
    """The slices that lie in the phantom, and have all it takes."""
    for number in columns[COLUMNS[0]]:
        values = [columns[name].get(number, {}).get(epoch) for name in COLUMNS]
        known = [value for value in values if value is not None]
        if len(known) == len(COLUMNS) and known[-1] > 0:
            yield _Slice(number, *known)


def _last_measurement(slices: list[_Slice]) -> int:
    """The number of the last measurement; 0 when it is not known."""
    variance = sum(each.sd**2 for each in slices)
    return round(sum(each.chisq for each in slices) / variance) if variance else 0


def _peak_to_peak(fit: _Slice, last: int) -> float:
    """Of the polynomial, in intensity units."""
    mean, mean_of_squares = last / 2, last * (2 * last + 1) / 6
    p2 = (fit.mean - fit.p0 - fit.p1 * mean) / mean_of_squares
    values = [0.0, fit.p1 * last + p2 * last**2]
    if p2 and 0 < (turn := -fit.p1 / (2 * p2)) < last:
        values.append(fit.p1 * turn / 2)
    return max(values) - min(values)
