"""The drift of the fit, from what a report says of it."""

from __future__ import annotations

import numpy as np
import pytest

from hops import fit
from hops.fit import drift

# Of a slice: level, change of the linear and of the quadratic term over the scan.
SLICES = {1: (403.0, -1.75, 1.0), 2: (480.0, -0.55, 0.33), 3: (650.0, 0.36, 0.38)}


Columns = dict[str, dict[int, dict[int, float]]]


def report(measurements: int, decimals: int = 6) -> tuple[Columns, dict[int, float]]:
    """Columns of a scan as a scanner writes them, and its drifts of the fit, both of signals that
    are made and fitted here."""
    random = np.random.default_rng(20261127)
    at = np.arange(measurements)
    columns: Columns = {name: {} for name in fit.COLUMNS}
    drifts = {}
    for number, (level, linear, quadratic) in SLICES.items():
        part = at / (measurements - 1)
        signal = level + linear * part + quadratic * part**2 + random.normal(0, 0.13, measurements)
        p2, p1, p0 = np.polyfit(at, signal, 2)
        fitted = np.polyval([p2, p1, p0], at)
        drifts[number] = 100 * np.ptp(fitted) / signal.mean()
        left = signal - fitted
        chisq, sd = (left**2).sum(), left.std(ddof=1)
        said = zip(
            fit.COLUMNS,
            (p0, p1, chisq, sd, signal.mean()),
            (decimals, decimals, decimals, min(3, decimals), 2),
        )
        for name, value, digits in said:
            columns[name][number] = {0: round(float(value), digits)}
    return columns, drifts


@pytest.mark.parametrize("measurements", [200, 500, 1000])
def test_is_that_of_the_polynomial_that_was_fitted(measurements: int) -> None:
    columns, drifts = report(measurements)
    for number, series in drift(columns).items():
        assert series[0] == pytest.approx(drifts[number], abs=0.004)


def test_values_that_were_rounded_when_they_were_sent_have_none() -> None:
    columns, _ = report(500, decimals=2)
    assert not any(drift(columns).values())


def test_a_slice_outside_of_the_phantom_has_none() -> None:
    columns, _ = report(500)
    for name in fit.COLUMNS:
        columns[name][4] = {0: 0.0}
    found = drift(columns)
    assert [bool(found[number]) for number in (1, 2, 3, 4)] == [True, True, True, False]


def test_a_scan_that_lacks_a_section_has_none() -> None:
    columns, _ = report(500)
    columns["SIfit.sd"] = {}
    assert not any(drift(columns).values())
