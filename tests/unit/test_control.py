"""Control charts: numbers of the literature, and computed by hand."""

import pytest

from hops import control
from hops.control import Baseline, Limits, Run

DAY = 86400

# NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2: ten flow rates, with mean 50.81.
FLOW_RATES = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def test_limits_of_nists_flow_rates(monkeypatch):
    # By hand: the squares of the differences from 50.81 add up to 37.229, so the population's
    # standard deviation is the root of 37.229/10, which is 1.92948; 3 * 1.92948 = 5.7884.
    monkeypatch.setattr(control, "FEWEST", 10)
    limits = control.limits(FLOW_RATES)
    assert limits is not None
    assert limits.centre == pytest.approx(50.81)
    assert limits.lower == pytest.approx(45.022, abs=1e-3)
    assert limits.upper == pytest.approx(56.598, abs=1e-3)


def test_limits_need_twenty_values():
    assert control.limits([1.0, 2.0] * 9 + [1.0]) is None
    assert control.limits([1.0, 2.0] * 10) is not None


def test_no_lower_limit_below_nothing():
    assert Limits(centre=0.2, distance=0.3).lower is None
    assert Limits(centre=0.2, distance=0.3).side(0.0) == 0


@pytest.mark.parametrize(("value", "side"), [(8.9, -1), (9.0, 0), (11.0, 0), (11.1, 1)])
def test_a_limit_itself_is_within(value, side):
    assert Limits(centre=10, distance=1).side(value) == side


def test_a_value_that_never_changed_is_within():
    limits = control.limits([0.1] * 30)
    assert limits is not None
    assert limits.side(0.1) == 0
    assert limits.side(0.1001) == 1


def test_limits_of_one_chart_are_three_wide():
    assert control.width_for(1) == 3


def test_many_charts_share_the_false_alarms_of_one():
    # Tables of the normal distribution: 0.00134990 lies beyond 3, 0.0000316712 beyond 4, which is
    # the 42.6th part of it.
    assert control.width_for(42) < 4 < control.width_for(43)


def days(*numbers):
    return [number * DAY for number in numbers]


def test_the_baseline_is_the_year_before_the_newest_scan_without_its_last_60_days():
    scans = days(*range(800))
    assert control.choose_baseline(scans, []) == Baseline(435 * DAY, 739 * DAY, 305)


def test_the_baseline_begins_and_ends_with_a_whole_day():
    scans = [hour * 3600 for hour in range(800 * 24)]
    baseline = control.choose_baseline(scans, [])
    assert baseline == Baseline(435 * DAY, 740 * DAY - 3600, 305)


def test_of_a_day_the_last_scan_counts():
    baseline = Baseline(days(1)[0], 3 * DAY, 3)
    series = {DAY: 1.0, DAY + 3600: 2.0, 2 * DAY: 3.0, 3 * DAY: 4.0, 3 * DAY + 1: 5.0, 0: 6.0}
    assert baseline.of(series) == [2.0, 3.0, 4.0]


def test_the_baseline_begins_after_a_service():
    scans = days(*range(800))
    service = 700 * DAY + 1
    assert control.choose_baseline(scans, [100, service]) == Baseline(701 * DAY, 739 * DAY, 39)


def test_a_service_that_leaves_too_few_scans_does_not_shorten_the_baseline():
    scans = days(*range(800))
    for service in (730 * DAY, 780 * DAY):
        assert control.choose_baseline(scans, [service]) == Baseline(435 * DAY, 739 * DAY, 305)


def test_a_new_scanner_is_compared_with_its_first_scans():
    assert control.choose_baseline(days(*range(30)), []) == Baseline(0, 19 * DAY, 20)
    assert control.choose_baseline(days(*range(21)), []) == Baseline(0, 19 * DAY, 20)


def test_twenty_scans_of_one_day_are_no_baseline():
    assert control.choose_baseline([hour * 3600 for hour in range(24 * 3)], []) is None


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_there_is_no_baseline_of_fewer_scans(count):
    assert control.choose_baseline(days(*range(count)), []) is None


def test_a_run_begins_with_the_first_of_the_newest_scans_beyond_the_limit():
    values = [10, 12, 10, 12, 13, 12.5]
    series = dict(zip(days(1, 2, 3, 4, 5, 6), values))
    assert control.newest_run(series, Limits(10, 1)) == Run(side=1, since=4 * DAY, scans=3)


def test_a_run_does_not_change_sides():
    series = dict(zip(days(1, 2, 3), [12, 12, 8]))
    assert control.newest_run(series, Limits(10, 1)) == Run(side=-1, since=3 * DAY, scans=1)


def test_a_run_may_be_all_there_is():
    series = dict(zip(days(1, 2), [12, 12]))
    assert control.newest_run(series, Limits(10, 1)) == Run(side=1, since=DAY, scans=2)


@pytest.mark.parametrize("values", [[], [12, 10]])
def test_there_is_no_run_when_the_newest_is_within(values):
    assert control.newest_run(dict(zip(days(1, 2), values)), Limits(10, 1)) is None
