"""What `hops report` says of a coil."""

import re
from dataclasses import replace
from unittest.mock import ANY

import pytest
from coils import DAY, NEWEST, coil, data

from hops.graphiteweb import Event
from hops.judge import verdicts
from hops.judge.rules import Limit
from hops.quantities import GHOST, QUANTITIES, SIGNAL, SNR
from hops.report.verdict import State, judge
from hops.report.words import headline, in_short, line, note_lines, number, sentences, slice_numbers


def test_says_that_all_is_in_control():
    found = judge(coil())
    assert headline(found) == "In control: none of 400 scans beyond limits"
    assert sentences(found) == [
        "All values of coil 32 in 400 scans, the newest of 2026-11-20, are within their control "
        "limits, in the mean of the 16 slices and in each of them."
    ]


def test_names_the_slices_the_worst_the_limit_and_the_day():
    changes = [("SNR", [11, 13], 0.8, 10), ("SNR", [12], 0.7, 10)]
    found = judge(coil(changes=changes))
    assert headline(found) == "Out of control: 10 of 400 scans beyond limits, newest 60 minutes ago"
    mean, slices = sentences(found)
    # By hand: the sixteen factors add up to 15.3, and the newest scan is 1 % up. The baseline has
    # 153 values of 303 and 152 of 297: their mean is 300.01, their standard deviation 3.00,
    # that of a scan to come 1.0116 times as much, and 300.01 - 3 * 3.035 = 290.90.
    assert mean == (
        "SNR of coil 32, mean of the slices: 289.7, below its lower limit 290.9 since 2026-11-11."
    )
    # (300.01 - 0.7 * 303) / 3.035 = 28.97
    assert slices == (
        "SNR of coil 32, slices 11-13: 212.1 in slice 12, 29.0 sd below its centre line "
        "since 2026-11-11."
    )


def test_one_slice_is_told_as_one():
    found = judge(coil(changes=[("Ghost level", [5], 1.3, 3)]))
    [sentence] = sentences(found)
    assert sentence.startswith("Ghost level of coil 32, slice 5: 2.889, 30.9")
    assert sentence.endswith(" sd above its centre line since 2026-11-18.")
    # No alert is about it.
    assert found.state is State.IN
    assert headline(found) == (
        "In control: none of 400 scans beyond limits; single slices in 3, newest 60 minutes ago"
    )


def test_a_single_scan_beyond_is_the_newest():
    [sentence] = sentences(judge(coil(changes=[("Ghost level", [5], 1.3, 1)])))
    assert sentence.endswith("in the newest scan.")


def test_a_report_of_one_slice_has_no_mean():
    [sentence] = sentences(judge(coil(slices=1, changes=[("SNR", [1], 0.5, 2)])))
    assert sentence.startswith("SNR of coil 32: 151.5, below its lower limit 290.9 since ")


@pytest.mark.parametrize(
    ("name", "factor", "better", "state"),
    [
        ("SNR", 1.2, True, State.IN),
        ("SNR", 0.8, False, State.OUT),
        ("Drift", 0.5, True, State.IN),
        ("Signal", 1.2, False, State.IN),  # it may have been adjusted, and no alert is about it
    ],
)
def test_says_when_it_has_become_better(name, factor, better, state):
    found = judge(coil(slices=1, changes=[(name, [1], factor, 2)]))
    assert sentences(found)[0].endswith("This is better than before.") == better
    assert found.state is state


def test_slices_above_and_below_are_told_apart():
    changes = [("SNR", [2, 4], 0.8, 2), ("SNR", [3], 1.2, 2)]
    told = [each for each in sentences(judge(coil(changes=changes))) if "slice" in each]
    assert any("slices 2, 4" in each and "below" in each for each in told)
    assert any("slice 3:" in each and "above" in each for each in told)


def test_what_is_over_is_told_of_a_period_with_its_end():
    # Ten scans from 2026-11-11 on are weak, and all from 2026-11-16 on are as before.
    weak = coil(slices=1, changes=[("SNR", [1], 0.5, 10), ("SNR", [1], 2, 5)], days=15)
    found = judge(weak)
    assert headline(found) == "Out of control: 5 of 15 scans beyond limits, newest 5 days ago"
    assert in_short(found) == "5 of 15"
    assert sentences(found) == [
        "SNR of coil 32: 148.5, below its lower limit 290.9 on 2026-11-11 and in 4 other scans; "
        "within it since 2026-11-16."
    ]
    assert found.cell(SNR) == (State.IN, 303.0, pytest.approx(1, rel=0.02), 5, 0)


def test_the_limits_of_a_short_period_are_those_of_a_long_one():
    def limits(**more):
        scans = judge(coil(**more)).means[SNR].scans
        return [(scan.epoch, scan.centre, scan.lower, scan.upper) for scan in scans[-3:]]

    assert limits(days=3) == limits()
    assert headline(judge(coil(days=3))) == "In control: none of 3 scans beyond limits"


def slowly(name, factor, scans):
    """A coil whose newest scans are a little off: no scan is beyond its limits, of which the
    deviations are 1.012 % of the value."""
    return judge(coil(slices=1, changes=[(name, [1], factor, scans)]))


def test_a_slow_change_is_told_and_counted_as_alerts_do():
    found = slowly("Ghost level", 1.02, 40)
    assert found.state is found.state_now is State.SLOW
    assert headline(found) == "Slow change (Ghost level): none of 400 scans beyond limits"
    assert in_short(found) == "0 of 400"
    [sentence] = sentences(found)
    # By hand: the average of values that go up and down by 1.02 % is, after one that went up, above
    # their mean by 0.2/1.8 of that: 2.11 % above the centre line. Its deviation is a third of the
    # 1.012 % of a scan to come.
    assert re.fullmatch(
        r"Ghost level of coil 32 rises slowly: its moving average is 6\.3 sd above its centre line "
        r"since 2026-10-\d\d\.", sentence,
    )
    assert found.cell(GHOST)[:3] == (State.SLOW, pytest.approx(2.2 * 1.01 * 1.02), ANY)
    assert (found.cell(GHOST).slow, found.cell(SNR).slow) == (1, 0)
    shown = line(found, GHOST)
    assert shown.verdict == "slow: average"


@pytest.mark.parametrize(
    ("name", "factor", "text"),
    [
        ("SNR", 1.02, "are within their control limits"),  # this is better
        ("SNR", 0.98, "SNR of coil 32 falls slowly"),
        ("Signal", 1.02, "Signal of coil 32 rises slowly"),
    ],
)
def test_what_becomes_better_slowly_is_no_slow_change(name, factor, text):
    found = slowly(name, factor, 40)
    assert text in sentences(found)[0]
    # No alert is about the signal.
    assert (found.state is State.SLOW) == (name == "SNR" and factor < 1)


def test_a_slow_change_that_is_over_is_one_of_its_period():
    changes = [("Ghost level", [1], 1.02, 60), ("Ghost level", [1], 1 / 1.02, 20)]
    found = judge(coil(slices=1, changes=changes))
    assert (found.state, found.state_now) == (State.SLOW, State.IN)
    [sentence] = sentences(found)
    assert sentence.startswith("Ghost level of coil 32 rose slowly: its moving average is 6.")
    assert "other scans; within it since 2026-11-" in sentence


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [("SNR", [1, 2], 0.5, 5), ("Ghost level", [1, 2], 1.02, 40), ("Signal", [1, 2], 2, 9)],
        [("SNR", [1, 2], 1.5, 5), ("Drift", [2], 1.05, 1)],
    ],
)
def test_a_report_counts_what_the_judge_counts_for_alerts(changes):
    values = coil(slices=2, changes=changes).values
    newest = [verdicts.judge(each, values[each], ()).newest for each in QUANTITIES]
    cells = [judge(data(values)).cell(each) for each in QUANTITIES]
    assert [cell.state is State.OUT for cell in cells] == [each.is_out for each in newest]
    assert [cell.slow != 0 for cell in cells] == [each.is_slow for each in newest]


def test_a_slow_change_ends_with_a_service():
    service = Event(NEWEST - 4 * DAY, "new element", frozenset())
    found = judge(coil(slices=1, changes=[("SNR", [1], 0.98, 40)], notes=[service]))
    assert (found.state, found.state_now) == (State.SLOW, State.LEARNING)
    assert line(found, SNR).verdict == "learning"
    assert "SNR of coil 32 fell slowly" in sentences(found)[0]
    assert sentences(found)[0].endswith("; within it since 2026-11-16.")


def test_a_step_is_told_as_one_and_not_as_a_slow_change_too():
    found = judge(coil(slices=1, changes=[("SNR", [1], 0.5, 10)]))
    assert found.slow == [SNR]
    [sentence] = sentences(found)
    assert "below its lower limit" in sentence
    assert line(found, SNR).verdict == "out: mean, average"


def test_a_slope_is_told_with_its_margin_and_is_sure_beyond_it():
    values = coil(slices=1).values
    for ago in range(400):
        values[SNR][1][NEWEST - ago * DAY] = 300 * (1 + 0.05 * ago / 365)
    falling, steady = judge(data(values)), judge(coil(slices=1))
    shown = line(falling, SNR)
    # By hand: 15 a year of 300 and, in the middle of the year of 360 days, 7.4 more.
    assert shown.slope == "-4.9 ± 0.0"
    assert shown.is_sure
    assert not line(steady, SNR).is_sure
    assert line(judge(coil(scans=100)), SNR).slope == ""


def test_slices_beyond_their_limits_are_named_where_the_mean_is_within():
    found = judge(coil(changes=[("SNR", [9, 10, 12], 0.94, 2)]))
    assert line(found, SNR).verdict == "slices 9-10, 12 beyond"
    assert line(found, GHOST).verdict == "within limits"


def test_what_was_so_before_the_period_is_not_said_to_begin_in_it():
    [sentence] = sentences(judge(coil(slices=1, changes=[("SNR", [1], 0.5, 30)], days=10)))
    assert sentence.endswith("since 2026-11-11 or before.")


def test_the_sites_own_limit_is_named():
    values = coil(slices=1, changes=[("Ghost level", [1], 1.5, 2)]).values
    found = judge(data(values, limits={GHOST: Limit(3, 1), SNR: Limit(100, -1)}.items()))
    assert sentences(found)[1] == (
        "Ghost level of coil 32: 3.333, beyond the site's limit 3.000 since 2026-11-19."
    )
    # Where there is no other limit yet, it is in force.
    learning = judge(data(coil(scans=3, slices=1).values, limits={SIGNAL: Limit(560, 1)}.items()))
    assert headline(learning).startswith("Out of control: 2 of 3 scans beyond limits")
    within = sentences(judge(data(coil(slices=1).values, limits={GHOST: Limit(3, 1)}.items())))
    assert within == [
        "All values of coil 32 in 400 scans, the newest of 2026-11-20, are within their control "
        "limits and the site's own."
    ]


def test_says_that_there_are_too_few_scans():
    found = judge(coil(scans=3))
    assert headline(found) == "No control limits yet"
    assert sentences(found) == [
        "The newest scan has no control limits: they are taken from 20 days with scans before it "
        "and after the last service; 18 days with scans to go."
    ]


def test_a_newest_scan_that_is_long_ago_is_said_first():
    found = judge(coil(until=NEWEST + 149 * DAY))
    assert headline(found) == "No scan for 149 days. In control: none of 400 scans beyond limits"
    over = judge(coil(until=NEWEST + 9 * DAY, now=NEWEST + 300 * DAY, changes=[("SNR", [1], 0, 1)]))
    assert headline(over).startswith("No scan for 9 days. Out of control")
    assert headline(over).endswith("beyond limits, newest 9 days before the end")


def test_a_period_without_a_scan_has_a_page_that_says_so():
    found = judge(coil(days=0, until=NEWEST + 10 * DAY))
    assert headline(found) == "No scan for 10 days. No scan from 2026-11-30 to 2026-11-30"
    assert sentences(found) == ["The newest scan of coil 32 is of 2026-11-20."]
    assert in_short(found) == "no scan"


def test_says_what_the_newest_scan_lacks():
    values = coil().values
    for series in values[QUANTITIES[-1]].values():
        del series[NEWEST]
    found = judge(data(values))
    assert headline(found) == "Incomplete"
    assert sentences(found) == [
        f"{QUANTITIES[-1].name} of coil 32: no value in the newest scan, 2026-11-20."
    ]


def test_a_quantity_that_no_report_has_is_no_fault():
    values = coil().values
    values[QUANTITIES[-1]].clear()
    assert judge(data(values)).state is State.IN


def test_where_graphite_has_days_only_they_are_those_of_utc():
    found = coil()
    assert found.time(NEWEST).day == 20
    values = {
        quantity: {
            number: {epoch - epoch % DAY: value for epoch, value in series.items()}
            for number, series in slices.items()
        }
        for quantity, slices in found.values.items()
    }
    days = data(values)
    assert f"{days.time(days.scans[-1]):%Y-%m-%d %H:%M}" == "2026-11-20 00:00"


def of_new_york(*scans):
    values = {QUANTITIES[0]: {1: dict.fromkeys(scans, 300.0)}}
    found = data(values, timezone="America/New_York")
    return [f"{found.time(epoch):%Y-%m-%d %H:%M}" for epoch in found.scans]


def test_times_are_those_of_the_scanners_clock():
    assert of_new_york(NEWEST) == ["2026-11-20 07:00"]  # 12:00 in UTC


def test_where_graphite_has_days_only_of_old_scans_both_are_told_rightly():
    told = of_new_york(NEWEST - NEWEST % DAY - 400 * DAY, NEWEST)
    assert told == ["2025-10-16 00:00", "2026-11-20 07:00"]


def test_notes_that_are_not_known_are_said_to_be():
    found = judge(replace(coil(), without_notes="http://x answered 404"))
    [line] = note_lines(found)
    assert line.endswith("this Graphite tells none: http://x answered 404")


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([7], "slice 7"),
        ([11, 12, 13], "slices 11-13"),
        ([13, 3, 11, 12], "slices 3, 11-13"),
        (range(1, 20, 2), "10 slices"),
    ],
)
def test_slices_are_told_in_short(numbers, text):
    assert slice_numbers(numbers) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (215.34, "215.3"), (0.0301, "0.0301"), (12345.6, "12346"), (-4.5, "-4.500")],
)
def test_numbers_have_few_digits(value, text):
    assert number(value) == text


def test_a_value_close_to_its_limit_has_as_many_digits_as_it_takes():
    # By hand as above: the upper limit is 309.11, and 303 * 1.0202 = 309.12.
    [sentence] = sentences(judge(coil(slices=1, changes=[("SNR", [1], 1.0202, 1)])))
    assert sentence.startswith("SNR of coil 32: 309.12, above its upper limit 309.11 in")


def test_notes_are_numbered_as_in_the_charts():
    told = {NEWEST - 20 * DAY: "coil \x1b[2J線圈", NEWEST: "b"}
    notes = [Event(epoch, what, frozenset()) for epoch, what in told.items()]
    found = judge(coil(notes=notes))
    assert note_lines(found) == [r"1  2026-10-31  coil \x1b[2J線圈", "2  2026-11-20  b"]
