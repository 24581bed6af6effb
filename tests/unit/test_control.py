"""Control charts: numbers of the literature, and computed by hand."""

from math import sqrt
from random import Random
from statistics import fmean, pstdev

import pytest

from hops import control
from hops.control import Baseline, Limits
from hops.times import Period

HOUR, DAY = 3600, 86400

# Of tables of Student's t: what it is below with the probability that a normal deviate is below 3,
# with so many degrees of freedom.
STUDENT = {9: 4.0943, 19: 3.4472, 39: 3.2042, 304: 3.0249}


def predicted(deviation, days):
    """The deviation of a value to come: from a mean of so many days, by the sample's deviation."""
    sample = deviation * sqrt(days / (days - 1))
    return pytest.approx(STUDENT[days - 1] / 3 * sample * sqrt(1 + 1 / days), rel=1e-4)


# NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2: ten flow rates, with mean 50.81.
FLOW_RATES = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def days(*numbers):
    return [number * DAY for number in numbers]


def judged(values, first=0, **more):
    """The verdicts on a scan a day, from the day `first` on, at seven."""
    series = {(first + day) * DAY + 7 * HOUR: value for day, value in enumerate(values)}
    return control.judge(series, **more)


def wandering(count):
    random = Random(20261126)
    return [random.gauss(300, 3) for _ in range(count)]


def test_limits_of_nists_flow_rates(monkeypatch):
    # By hand: the squares of the differences from 50.81 add up to 37.229, so the population's
    # standard deviation is the root of 37.229/10, which is 1.92948. Of a rate to come it is
    # 4.0943/3 * sqrt(11/9) = 1.50881 times as much; 3 * 1.92948 * 1.50881 = 8.7337.
    monkeypatch.setattr(control, "FEWEST", 10)
    limits = judged([*FLOW_RATES, 50])[-1].limits
    assert limits is not None
    assert limits.centre == pytest.approx(50.81)
    assert limits.lower == pytest.approx(42.076, abs=3e-3)
    assert limits.upper == pytest.approx(59.544, abs=3e-3)
    assert limits.sigmas(53.6) == pytest.approx((53.6 - 50.81) / (1.92948 * 1.50881), rel=1e-3)


def test_a_scan_is_judged_by_the_year_before_it_without_its_last_60_days():
    values = wandering(800)
    *_, newest = judged(values)
    history = values[435:740]
    assert newest.limits.centre == pytest.approx(fmean(history), rel=1e-15)
    assert newest.limits.sigma == predicted(pstdev(history), 305)
    assert newest.baseline == Baseline(435 * DAY + 7 * HOUR, 739 * DAY + 7 * HOUR, 305)
    assert newest.days_to_learn == 0


def test_it_does_not_matter_where_one_begins():
    values = [1e6, *wandering(799)]
    first, second = judged(values), judged(values[300:], first=300)
    assert first[700:] == second[400:]


def test_of_a_day_the_last_scan_counts():
    wrong = {day * DAY: 5.0 for day in range(100)}
    again = {day * DAY + HOUR: float(day % 2) for day in range(100)}
    limits = control.judge({**wrong, **again})[59].limits
    assert limits is not None
    # By hand: as many 0 as 1.
    assert limits.centre == 0.5
    assert limits.sigma == predicted(0.5, 20)


def test_both_scans_of_a_day_are_judged_by_the_days_before():
    values = {**{day * DAY: float(day) for day in range(21)}, 20 * DAY + HOUR: 0.0}
    first, second = control.judge(values)[-2:]
    # By hand: 0 to 19 have the mean 9.5, and the variance (20^2 - 1)/12.
    assert first.limits == second.limits
    assert first.limits.centre == 9.5
    assert first.limits.sigma == predicted(5.766281, 20)


def test_a_new_scanner_learns_from_its_first_twenty_days():
    found = judged(wandering(81))
    assert [each.days_to_learn for each in found[:22]] == [*range(20, -1, -1), 0]
    assert all(each.limits is None for each in found[:20])
    assert {each.limits for each in found[20:79]} == {found[20].limits}
    assert found[79].baseline.days == 20
    assert found[79].limits == found[20].limits  # the same days, now by the usual rule
    assert found[80].baseline.days == 21


def test_twenty_scans_of_one_day_are_no_baseline():
    found = control.judge({hour * HOUR: 1.0 for hour in range(24 * 3)})
    assert {each.limits for each in found} == {None}
    assert found[-1].days_to_learn == 18


def test_after_a_service_all_is_learned_anew():
    values = wandering(300)
    service = 200 * DAY + 12 * HOUR
    before, after = judged(values), judged(values, notes=[service])
    assert after[:201] == before[:201]  # the scan of that day was at seven
    assert [each.days_to_learn for each in after[201:222]] == [*range(20, -1, -1)]
    assert after[221].limits.centre == pytest.approx(fmean(values[201:221]))
    assert after[299].limits.centre == pytest.approx(fmean(values[201:240]))


def test_only_the_last_service_before_a_scan_counts():
    values = wandering(300)
    both = judged(values, notes=[150 * DAY, 100 * DAY])
    assert both[:150] == judged(values, notes=[100 * DAY])[:150]
    assert both[150:] == judged(values, notes=[150 * DAY])[150:]


def test_scans_that_are_far_between_are_compared_with_the_first_twenty():
    monthly = {month * 30 * DAY: float(month) for month in range(60)}
    *_, newest = control.judge(monthly)
    assert newest.limits.centre == 9.5
    assert newest.baseline == Baseline(0, 19 * 30 * DAY, 20)


def test_a_fixed_baseline_holds_for_all_scans_whatever_was_done_since():
    values = wandering(300)
    fixed = Period(50 * DAY, 90 * DAY - 1)
    found = judged(values, notes=[60 * DAY, 250 * DAY], fixed=fixed)
    assert len({each.limits for each in found}) == 1
    assert found[0].limits.centre == pytest.approx(fmean(values[50:90]))
    assert found[0].limits.sigma == predicted(pstdev(values[50:90]), 40)


def test_a_fixed_baseline_of_too_few_days_gives_no_limits():
    found = judged(wandering(300), fixed=Period(50 * DAY, 69 * DAY - 1))
    assert {(each.limits, each.days_to_learn) for each in found} == {(None, 1)}


def averages(found):
    return [each.average for each in found]


def test_the_newest_scan_is_a_fifth_of_the_moving_average():
    # By hand: 0.2 * 10 = 2, 0.8 * 2 + 0.2 * 20 = 5.6, 0.8 * 5.6 + 0.2 * 5 = 5.48.
    assert averages(judged([0, 10, 20, 5])) == pytest.approx([0, 2, 5.6, 5.48])


def test_a_scan_that_was_repeated_is_one_in_the_moving_average():
    assert averages(control.judge({0: 0.0, DAY: 90.0, DAY + HOUR: 10.0, 2 * DAY: 20.0})) == (
        pytest.approx([0, 18, 2, 5.6])
    )


def test_the_moving_average_has_limits_of_its_own():
    # The handbook, 6.3.2.4: 5 times the root of 0.2/1.8, which is a third, of a deviation of 3.
    limits = Limits(300, 3).of_average
    assert (limits.lower, limits.upper) == pytest.approx((295, 305))
    assert limits.sigmas(306) == pytest.approx(6)


def test_a_misplaced_phantom_is_no_slow_change():
    values = [*wandering(100), 100]
    *_, before, newest = judged(values)
    counted = max(newest.limits.lower, 100)
    assert newest.average == pytest.approx(0.8 * before.average + 0.2 * counted)
    assert newest.limits.of_average.side(newest.average) == 0


def test_a_slow_change_is_seen_that_no_single_scan_shows():
    found = judged([*wandering(400), *[293.5] * 30])
    assert {each.limits.side(each.value) for each in found[400:]} == {0}
    assert found[-1].limits.of_average.side(found[-1].average) == -1
    assert found[399].limits.of_average.side(found[399].average) == 0


def test_the_moving_average_begins_anew_with_a_service():
    found = judged([10] * 5 + [20] * 5, notes=[5 * DAY])
    assert averages(found) == [10] * 5 + [20] * 5


def test_no_lower_limit_below_nothing():
    assert Limits(centre=0.2, sigma=0.1).lower == 0
    assert Limits(centre=0.2, sigma=0.1).side(0.0) == 0


@pytest.mark.parametrize(("value", "side"), [(8.9, -1), (9.0, 0), (11.0, 0), (11.1, 1)])
def test_a_limit_itself_is_within(value, side):
    assert Limits(centre=10, sigma=1, width=1).side(value) == side


def test_a_value_that_never_changed_is_within():
    limits = judged([0.1] * 30)[-1].limits
    assert limits is not None
    assert limits.side(0.1) == limits.sigmas(0.1) == 0
    assert limits.side(0.1001) == 1
    assert (limits.sigmas(0.1001), limits.sigmas(0.0999)) == (100, -100)


def test_limits_of_one_chart_are_three_wide():
    assert control.width_for(1) == 3


def test_many_charts_share_the_false_alarms_of_one():
    # Tables of the normal distribution: 0.00134990 lies beyond 3, 0.0000316712 beyond 4, which is
    # the 42.6th part of it.
    assert control.width_for(42) < 4 < control.width_for(43)
