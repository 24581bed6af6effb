"""What a scanner measures in a scan.

Nothing is simulated measurement by measurement. The statistics of a slice are drawn straight from
the distributions that they have in a series of independent measurements, which makes a report in
a millisecond or two. A report depends on its scanner (with the scanner's seed and history) and on
the time of the scan, and on no other report: a longer history has the same reports in it.
"""

from __future__ import annotations

import math
from random import Random

from sample_data.condition import VARIATIONS, Condition, condition_during
from sample_data.mathematics import (
    Profile,
    along,
    draw,
    extremes,
    index_moments,
    normal,
    sd_ratio,
)
from sample_data.report import Fit, Report, SliceResult, Statistics
from sample_data.schedule import Scan

# Within a scan, relative to the mean signal.
RESIDUAL_SD = 2.8e-4  # scatter left after the fit
NOISE_SCATTER = 3.2e-4  # scatter of the noise estimate: it makes SNR's sd[%] proportional to SNR
GHOST_SCATTER = 0.0115  # scatter of the ghost level, relative to the level
DRIFT_SCATTER = 2.0e-4  # scatter of the linear drift from slice to slice
SETTLING = 0.5  # part of the linear drift that the quadratic term takes back by the end
COMMON_CURVATURE = 3.0e-4  # quadratic term that all slices share

# A failing coil element, in the slice next to it, when it has failed entirely.
FAILURE_SNR_LOSS = 0.38
FAILURE_SIGNAL_LOSS = 0.03
FAILURE_SCATTER = 2.2  # rise of the noise estimate's scatter
FAILURE_GHOST = 0.45
FAILURE_UNREST = 0.8

# Pieces a scan is cut into to find the extremes of drift plus scatter.
PIECES = 10


def simulate(scan: Scan) -> Report:
    """What the scanner reports of this scan; the same scan always gives the same report."""
    rng = Random(f"{scan.source}/{scan.time.isoformat()}")
    condition = condition_during(scan, rng)
    return Report(
        scan.measurements,
        scan.coil.channels,
        tuple(slice_result(scan, condition, number, rng) for number in range(scan.slices)),
    )


def slice_result(scan: Scan, condition: Condition, number: int, rng: Random) -> SliceResult:
    """The statistics of one slice, numbered from 0."""
    coil = scan.coil
    middle = (number + 0.5) / scan.slices
    place = middle + condition.offset
    failed = condition.failed(middle)

    def level(profile: Profile, quantity: str) -> float:
        variation = VARIATIONS[quantity]
        pattern = draw(f"{scan.source}/pattern/{quantity}", number)
        scatter = variation.pattern * pattern + variation.grain * normal(rng)
        return along(profile, place) * (1 + scatter)

    signal = level(coil.signal, "signal") * condition.signal * (1 - FAILURE_SIGNAL_LOSS * failed)
    snr = level(coil.snr, "snr") * condition.snr * (1 - FAILURE_SNR_LOSS * failed)
    ghost = level(coil.ghost, "ghost") * condition.ghost * (1 + FAILURE_GHOST * failed)
    drift = along(coil.warming, place) / 100 * condition.warming + DRIFT_SCATTER * normal(rng)
    curvature = COMMON_CURVATURE * condition.warming - SETTLING * drift
    residual_sd = RESIDUAL_SD * signal * condition.unrest * (1 + FAILURE_UNREST * failed)
    si, sifit, fit = signal_results(signal, drift, curvature, residual_sd, scan.measurements, rng)
    return SliceResult(
        si=si,
        sifit=sifit,
        snr=snr_statistics(
            snr,
            NOISE_SCATTER * snr * (1 + FAILURE_SCATTER * failed),
            scan.measurements,
            rng,
        ),
        ghost=ghost_statistics(
            ghost, GHOST_SCATTER * ghost * math.sqrt(condition.unrest), scan.measurements, rng
        ),
        fit=fit,
    )


def signal_results(
    start: float, drift: float, curvature: float, sigma: float, measurements: int, rng: Random
) -> tuple[Statistics, Statistics, Fit]:
    """SI, SIfit and fit of a signal that follows a parabola with independent normal scatter.

    `start` is the signal of measurement 0; `drift` and `curvature` are what the linear and the
    quadratic term add over the scan, relative to `start`; `sigma` is the scatter.

    Residuals of a least-squares fit are orthogonal to the parabola and have mean 0. So SIfit,
    which is the residuals on top of p0, has the mean p0, and the sum of squares of SI is that of
    the parabola plus chisq.
    """
    p1 = start * drift / measurements
    p2 = start * curvature / measurements**2
    residual_sd = sigma * sd_ratio(measurements, rng)
    chisq = residual_sd**2 * (measurements - 1)

    moments = index_moments(measurements)
    mean = start + p1 * moments.mean + p2 * moments.mean_of_square
    parabola = (
        p1**2 * moments.variance
        + 2 * p1 * p2 * moments.covariance
        + p2**2 * moments.variance_of_square
    ) * measurements
    sd = math.sqrt((parabola + chisq) / (measurements - 1))

    pieces = min(PIECES, measurements)
    lows, highs, residual_lows, residual_highs = [], [], [], []
    for piece in range(pieces):
        n = (piece + 0.5) / pieces * (measurements - 1)
        trend = p1 * n + p2 * n**2
        low, high = (sigma * each for each in extremes(measurements / pieces, rng))
        lows.append(trend + low)
        highs.append(trend + high)
        residual_lows.append(low)
        residual_highs.append(high)
    return (
        Statistics(start + min(lows), start + max(highs), mean, sd),
        Statistics(start + min(residual_lows), start + max(residual_highs), start, residual_sd),
        Fit(start, p1, p2, chisq),
    )


def snr_statistics(mean: float, scatter: float, measurements: int, rng: Random) -> Statistics:
    """SNR, whose relative sd `scatter` is that of the noise estimate it is divided by.

    So high SNRs lie farther from the mean than low ones: a log-normal distribution, with
    ln SNR of variance ln(1 + scatter^2).
    """
    log_variance = math.log1p(scatter**2)
    low, high = (
        mean * math.exp(deviate * math.sqrt(log_variance) - log_variance / 2)
        for deviate in extremes(measurements, rng)
    )
    return Statistics(low, high, mean, mean * scatter * sd_ratio(measurements, rng))


def ghost_statistics(mean: float, sigma: float, measurements: int, rng: Random) -> Statistics:
    """The ghost level: independent normal scatter `sigma` about `mean`."""
    low, high = extremes(measurements, rng)
    return Statistics(
        mean + sigma * low, mean + sigma * high, mean, sigma * sd_ratio(measurements, rng)
    )
