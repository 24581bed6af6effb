"""What the judge says of scans, and what a site fixes itself."""

from __future__ import annotations

from datetime import date
from statistics import fmean, pstdev

import pytest

from hops.graphiteweb import Series
from hops.judge import history, rules
from hops.judge.rules import Limit, Rules, RulesError
from hops.judge.verdicts import judge
from hops.options import Days
from hops.quantities import DRIFT, GHOST, SIGNAL, SNR, Quantity
from hops.times import Period

DAY = 86400
USUAL = [300.0 + day % 5 for day in range(40)]


def scans(*values: float) -> Series:
    return {day * DAY + 3600: value for day, value in enumerate(values)}


def newest(quantity: Quantity, value: float, **more: object) -> dict[str, float | None]:
    """What is said of a scan of that value, after forty of 300 to 304 in each of two slices."""
    series = scans(*USUAL, value)
    found = judge(quantity, {1: series, 2: series}, more.pop("services", []), **more)  # type: ignore[arg-type]
    return {name: points[40 * DAY + 3600] for name, points in found.series.items()}


def test_all_that_pages_draw_is_said_of_a_scan() -> None:
    # By hand: as the first twenty days stand for a history, four times 300 to 304. A scan of 290
    # counts a fifth of the moving average, as one on the lower limit.
    # Of a scan to come the deviation is 1.20804 times as much, as Student's t with 19 degrees says.
    centre, sigma = fmean(USUAL[:20]), pstdev(USUAL[:20]) * 1.2080426
    said = newest(SNR, 290)
    none = ("limit", "over_limit", "beyond_limit", "ewma_beyond")
    assert [said.pop(name) for name in none] == [None] * 4
    average = USUAL[0]
    for value in USUAL:
        average += 0.2 * (value - average)
    assert said == pytest.approx(
        {
            "value": 290,
            "centre": centre,
            "lower": centre - 3 * sigma,
            "upper": centre + 3 * sigma,
            "sigmas": (290 - centre) / sigma,
            "ewma": 0.8 * average + 0.2 * (centre - 3 * sigma),
            "ewma_sigmas": 3 * (0.8 * average + 0.2 * (centre - 3 * sigma) - centre) / sigma,
            "beyond": 290,
            "slope": 0,
            "slope_margin": 0,
            "slices.1": (290 - centre) / sigma,
            "slices.2": (290 - centre) / sigma,
        },
        rel=1e-5,
    )


@pytest.mark.parametrize(
    ("quantity", "value", "beyond", "is_out"),
    [
        (SNR, 290, 290, True),
        (SNR, 310, None, False),
        (GHOST, 290, None, False),
        (GHOST, 310, 310, True),
        (SIGNAL, 290, 290, False),
        (SIGNAL, 310, 310, False),
        (DRIFT, 302, None, False),
    ],
)
def test_what_is_better_is_not_beyond_and_a_signal_has_no_alarm(
    quantity: Quantity, value: float, beyond: float | None, is_out: bool
) -> None:
    assert newest(quantity, value)["beyond"] == beyond
    said = judge(quantity, {1: scans(*USUAL, value)}, []).newest
    assert said is not None
    assert said[:3] == (40 * DAY + 3600, is_out, 0)


def test_while_it_learns_there_are_no_limits_and_no_alarms() -> None:
    said = newest(SNR, 290, services=[30 * DAY])
    assert (said["value"], said["sigmas"], said["slices.1"]) == (290, 0, 0)
    assert {said[name] for name in ("centre", "lower", "upper", "beyond")} == {None}
    verdict = judge(SNR, {1: scans(*USUAL, 290)}, [30 * DAY]).newest
    assert verdict == (40 * DAY + 3600, False, 10, False)


def test_a_slow_change_is_marked_and_counted_and_no_scan_is_out() -> None:
    usual = [300.0 + day % 5 for day in range(300)]
    said = judge(SNR, {1: scans(*usual, *[298.5] * 12)}, [])
    last = 311 * DAY + 3600
    assert said.series["beyond"][last] is None
    assert said.series["ewma_beyond"][last] == said.series["ewma"][last]
    assert (said.series["ewma_sigmas"][last] or 0) < -5
    assert said.newest == (last, False, 0, True)


def test_the_newest_scan_alone_has_a_slope() -> None:
    said = judge(SNR, {1: scans(*(400.0 - day / 10 for day in range(365)))}, []).series
    assert set(said["slope"]) == set(said["slope_margin"]) == {364 * DAY + 3600}
    # By hand: 36.5 a year, of the mean of the last 360 days, 381.55.
    assert said["slope"][364 * DAY + 3600] == pytest.approx(-100 * 36.5 / 381.55)


@pytest.mark.parametrize(
    ("limit", "value", "over"),
    [(Limit(303, 1), 303.5, 0.5), (Limit(303, 1), 302, -1), (Limit(301, -1), 300, 1)],
)
def test_a_limit_of_the_sites_own_stands_beside_the_statistical_ones(
    limit: Limit, value: float, over: float
) -> None:
    said = newest(SIGNAL, value, limit=limit)
    assert (said["limit"], said["over_limit"]) == (limit.value, pytest.approx(over))
    assert said["beyond_limit"] == (value if over > 0 else None)
    verdict = judge(SIGNAL, {1: scans(*USUAL, value)}, [], None, limit).newest
    assert verdict is not None
    assert verdict.is_out == (over > 0)


def test_numbers_have_no_noise_of_arithmetic() -> None:
    said = judge(DRIFT, {1: {0: 0.1}, 2: {0: 0.2}, 3: {0: 0.3}}, []).series
    assert said["value"] == {0: 0.2}


def test_what_a_site_fixes_is_read() -> None:
    said = rules.read(
        {
            "baselines": {
                "Harvard/*/32": "2026-01-01/2026-06-30",
                "Harvard/Bay2": "2025-01-01/2025-12-31",
            },
            "limits": {"ghost.mean": "< 3", "SNR.mean": ">250.5"},
        }
    )
    assert said.limits == {GHOST: Limit(3, 1), SNR: Limit(250.5, -1)}
    # GNU date: date -ud 2026-01-01 +%s; the last second of 2026-06-30.
    first_half = Period(1767225600, 1782863999)
    assert said.baseline("Harvard/Bay1", "32", "UTC") == first_half
    assert said.baseline("Harvard/Bay2", "32", "UTC") == first_half
    assert said.baseline("Harvard/Bay1", "64", "UTC") is None
    year = Days(date(2025, 1, 1), date(2025, 12, 31))
    assert said.baseline("Harvard/Bay2", "64", "UTC") == year.period("UTC")
    assert rules.read({}) == Rules()


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"limits": "3"}, r"limits = '3': expected a section \[limits\]"),
        ({"limits": {"ghost": "< 3"}}, "there is no such quantity; there are SNR.mean, SI.mean"),
        ({"limits": {"ghost.mean": "3"}}, "expected what is good, as < 3 or > 250"),
        ({"limits": {"ghost.mean": "< many"}}, r"\[limits\] ghost.mean = '< many'"),
        ({"limits": {"ghost.mean": "< -3"}}, "a number of more than 0"),
        ({"limits": {"ghost.mean": ["< 3", "> 1"]}}, "expected what is good"),
        ({"baselines": {"*": "2026"}}, r"\[baselines\] \* = '2026': expected the first and the"),
        ({"baselines": {"*": "2026-02-01/2026-01-01"}}, "as in 2026-01-01/2026-06-30"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(
    config: dict[str, object], sentence: str
) -> None:
    with pytest.raises(RulesError, match=sentence):
        rules.read(config)


def test_all_time_is_in_a_piece_and_no_day_is_cut() -> None:
    now = 2000 * DAY + 50000
    found = history.pieces(700 * DAY, now)
    assert found[0].since <= 700 * DAY < found[0].until
    assert found[-1].until == now
    assert now - found[-1].since < 364 * DAY
    for one, other in zip(found, found[1:]):
        assert other.since == one.until + 1
        assert other.since % DAY == 0
