"""Slopes of a year, and how sure they are."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

from hops.slope import Slope, slope

DAY = 86400


def daily(value: object, days: int = 365) -> dict[int, float]:
    """A value of each day, by its age in years."""
    return {day * DAY: value((day - days + 1) / 365) for day in range(days)}  # type: ignore[operator]


def test_a_coil_that_falls_from_430_to_392_in_two_years_is_told_of() -> None:
    noise = Random(1)
    two_years = daily(lambda age: 392 - 19 * age + noise.gauss(0, 4), 730)
    found = slope(two_years)
    assert found is not None
    # By hand: 19 of 401.5, the mean of the last year.
    assert found.percent == pytest.approx(-4.73, abs=0.5)
    assert found.margin < 1
    assert abs(found.percent) > found.margin


def test_is_the_line_of_least_squares_through_means_of_thirty_days() -> None:
    noise = Random(3)
    series = daily(lambda _: noise.gauss(300, 3), 360)
    values = np.array(list(series.values())).reshape(12, 30).mean(axis=1)
    times = np.arange(12) * 30 / 365
    (a_year, _), covariance = np.polyfit(times, values, 1, cov=True)
    found = slope(series)
    assert found is not None
    assert found.percent == pytest.approx(100 * a_year / values.mean())
    # These neighbours are unlike, so that twelve count for twelve: Student's t with 10 degrees.
    assert found.margin == pytest.approx(
        100 * 2.2281 * math.sqrt(covariance[0, 0]) / values.mean(), rel=1e-4
    )


def test_what_wanders_for_months_is_less_sure() -> None:
    wander = slope(daily(lambda age: 300 + 3 * math.sin(4 * math.pi * age)))
    noise = Random(3)
    unlike = slope(daily(lambda age: 300 + noise.choice((-2.1, 2.1))))
    assert wander is not None
    assert unlike is not None
    assert wander.margin > 5 * unlike.margin
    assert abs(wander.percent) < wander.margin


def test_what_was_before_a_service_does_not_count() -> None:
    step = daily(lambda age: 300.0 if age < -0.6 else 400.0)
    assert slope(step, notes=[145 * DAY, 900 * DAY]) == Slope(0, 0)


@pytest.mark.parametrize("series", [{}, daily(lambda _: 300.0, 140), daily(lambda _: 0.0)])
def test_there_is_none_of_less_than_six_months_or_of_nothing(series: dict[int, float]) -> None:
    assert slope(series) is None
