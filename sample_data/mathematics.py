"""Random numbers and smooth curves: the mathematics that knows nothing of scanners."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from random import Random
from statistics import NormalDist

STANDARD_NORMAL = NormalDist()
SMALLEST_PROBABILITY = 1e-12  # keeps quantiles finite

WANDER_DAYS = 9.0  # over which the slow wander of a quantity forgets itself

# Values at evenly spaced places along the phantom, joined by a smooth curve.
Profile = tuple[float, ...]


# Random numbers ----------------------------------------------------------------------------------


def normal(rng: Random) -> float:
    """A standard normal deviate; Python promises the same `random()` in every version, unlike
    `gauss()`."""
    return normal_quantile(rng.random())


def normal_quantile(probability: float) -> float:
    return STANDARD_NORMAL.inv_cdf(
        min(max(probability, SMALLEST_PROBABILITY), 1 - SMALLEST_PROBABILITY)
    )


def extremes(count: float, rng: Random) -> tuple[float, float]:
    """The least and the greatest of `count` standard normal deviates.

    The greatest of n uniform deviates is distributed as u^(1/n); least and greatest are all but
    independent when there are many.
    """
    return (
        -normal_quantile(rng.random() ** (1 / count)),
        normal_quantile(rng.random() ** (1 / count)),
    )


def sd_ratio(measurements: int, rng: Random) -> float:
    """A sample's sd relative to the true one: scatter 1/sqrt(2(n-1)), for n of dozens or more."""
    return max(0.0, 1 + normal(rng) / math.sqrt(2 * (measurements - 1)))


@lru_cache(maxsize=8192)
def draw(source: str, number: int) -> float:
    """The standard normal deviate that belongs to this source and number."""
    return normal(Random(f"{source}/{number}"))


# Curves ------------------------------------------------------------------------------------------


def wander(source: str, day: date) -> float:
    """A smooth random function of the day, of about unit size: deviates joined by an S-curve."""
    position = day.toordinal() / WANDER_DAYS
    knot = math.floor(position)
    part = position - knot
    weight = part * part * (3 - 2 * part)
    return (1 - weight) * draw(source, knot) + weight * draw(source, knot + 1)


def along(profile: Profile, place: float) -> float:
    """The profile's value at a place from 0 to 1 (Catmull-Rom spline); the end's value beyond."""
    last = len(profile) - 1
    position = min(max(place, 0.0), 1.0) * last
    knot = min(int(position), last - 1)
    part = position - knot
    left, right = profile[knot], profile[knot + 1]
    before = profile[knot - 1] if knot > 0 else 2 * left - right
    after = profile[knot + 2] if knot + 2 <= last else 2 * right - left
    return left + part / 2 * (
        right
        - before
        + part * (2 * before - 5 * left + 4 * right - after)
        + part * part * (3 * (left - right) + after - before)
    )


@dataclass(frozen=True)
class IndexMoments:
    """Moments of n and n^2 for n = 0, 1, ..., measurements - 1."""

    mean: float
    mean_of_square: float
    variance: float
    covariance: float
    variance_of_square: float


@lru_cache(maxsize=16)
def index_moments(measurements: int) -> IndexMoments:
    first, second, third, fourth = (
        sum(n**power for n in range(measurements)) / measurements for power in (1, 2, 3, 4)
    )
    return IndexMoments(
        first, second, second - first**2, third - first * second, fourth - second**2
    )
