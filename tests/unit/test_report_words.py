"""What `hops report` says of a coil."""

from dataclasses import replace

import pytest
from coils import DAY, NEWEST, coil

from hops.control import Limits
from hops.graphiteweb import Event
from hops.quantities import QUANTITIES, SNR
from hops.report.data import CoilData
from hops.report.verdict import judge
from hops.report.words import headline, note_lines, number, sentences, slice_numbers


def test_says_that_all_is_in_control():
    found = judge(coil())
    assert headline(found) == "In control"
    assert sentences(found) == [
        "All values of the newest scan of coil 32, 2026-11-20, are within their control limits, "
        "in the mean of the 16 slices and in each of them."
    ]


def test_names_the_slices_the_worst_the_limit_and_the_day():
    changes = [("SNR", [11, 13], 0.8, 10), ("SNR", [12], 0.7, 10)]
    found = judge(coil(changes=changes))
    assert headline(found) == "Out of control"
    mean, slices = sentences(found)
    # By hand: the sixteen factors add up to 15.3, and the newest scan is 1 % up. The baseline has
    # 153 values of 303 and 152 of 297: their mean is 300.01, their standard deviation 3.00,
    # that of a scan to come 1.0116 times as much, and 300.01 - 3 * 3.035 = 290.90.
    assert mean == (
        "SNR of coil 32, mean of the slices: 289.7, below its lower limit 290.9 since 2026-11-11."
    )
    assert slices.startswith("SNR of coil 32, slices 11-13: 212.1 in slice 12, below its lower ")
    assert slices.endswith("since 2026-11-11.")


def test_one_slice_is_told_as_one():
    found = judge(coil(changes=[("Ghost level", [5], 1.3, 3)]))
    [sentence] = sentences(found)
    assert sentence.startswith("Ghost level of coil 32, slice 5: 2.889, above its upper limit 2.2")
    assert sentence.endswith("since 2026-11-18.")


def test_a_single_scan_beyond_is_the_newest():
    [sentence] = sentences(judge(coil(changes=[("Ghost level", [5], 1.3, 1)])))
    assert sentence.endswith("in the newest scan.")


def test_a_report_of_one_slice_has_no_mean():
    [sentence] = sentences(judge(coil(slices=1, changes=[("SNR", [1], 0.5, 2)])))
    assert sentence.startswith("SNR of coil 32: 151.5, below its lower limit 290.9 since ")


@pytest.mark.parametrize(
    ("name", "factor", "better"),
    [("SNR", 1.2, True), ("SNR", 0.8, False), ("Drift", 0.5, True), ("Signal", 1.2, False)],
)
def test_says_when_it_has_become_better(name, factor, better):
    found = sentences(judge(coil(slices=1, changes=[(name, [1], factor, 2)])))
    assert found[0].endswith("This is better than the baseline.") == better


def test_slices_above_and_below_are_told_apart():
    changes = [("SNR", [2, 4], 0.8, 2), ("SNR", [3], 1.2, 2)]
    told = [each for each in sentences(judge(coil(changes=changes))) if "slice" in each]
    assert any("slices 2, 4" in each and "below" in each for each in told)
    assert any("slice 3:" in each and "above" in each for each in told)


def test_says_that_there_are_too_few_scans():
    found = judge(coil(scans=3))
    assert headline(found) == "No control limits yet"
    assert sentences(found) == [
        "Control limits need a baseline of 20 days with scans before the newest; scans in all: 3."
    ]


def test_says_what_the_newest_scan_lacks():
    data = coil()
    for series in data.values[QUANTITIES[-1]].values():
        del series[NEWEST]
    found = judge(data)
    assert headline(found) == "Incomplete"
    assert sentences(found) == ["Ghost level of coil 32: no value in the newest scan, 2026-11-20."]


def test_a_quantity_that_no_report_has_is_no_fault():
    data = coil()
    data.values[QUANTITIES[-1]].clear()
    assert headline(judge(data)) == "In control"


def test_where_graphite_has_days_only_they_are_those_of_utc():
    data = coil()
    assert data.time(NEWEST).day == 20
    days = coil()
    for slices in days.values.values():
        for slice_number, series in slices.items():
            slices[slice_number] = {epoch - epoch % DAY: value for epoch, value in series.items()}
    assert f"{days.time(days.scans[-1]):%Y-%m-%d %H:%M}" == "2026-11-20 00:00"


def test_times_are_those_of_the_scanners_clock():
    scan = {1: {NEWEST: 300.0}}  # 12:00 in UTC
    data = CoilData("Example/Bay1", "32", {QUANTITIES[0]: scan}, [], "America/New_York")
    assert f"{data.time(NEWEST):%Y-%m-%d %H:%M}" == "2026-11-20 07:00"


def test_where_graphite_has_days_only_of_old_scans_both_are_told_rightly():
    scans = {1: {NEWEST: 300.0, NEWEST - NEWEST % DAY - 400 * DAY: 300.0}}
    data = CoilData("Example/Bay1", "32", {QUANTITIES[0]: scans}, [], "America/New_York")
    told = [f"{data.time(epoch):%Y-%m-%d %H:%M}" for epoch in data.scans]
    assert told == ["2025-10-16 00:00", "2026-11-20 07:00"]


def test_what_the_judge_has_stored_is_the_limit():
    data = replace(coil(), judged={SNR: Limits(295, 1)})
    assert judge(data).means[SNR].limits == Limits(295, 1)
    assert any("above its upper limit 298.0" in each for each in sentences(judge(data)))


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
