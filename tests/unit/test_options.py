"""The days that commands take."""

from __future__ import annotations

from datetime import date

import pytest
from commands import hops

from hops.options import Days
from hops.times import FOREVER

CHOOSE_DAYS = ("reingest", "--location", "Harvard/Bay1")


def test_days_are_told_in_seconds_of_the_scanners_clock() -> None:
    """GNU date: New York left summer time in the night to 2018-11-04, which had 25 hours."""
    days = Days(date(2018, 11, 4), date(2018, 11, 4))

    assert days.period("America/New_York") == (1541304000, 1541393999)
    assert Days(until=date(2018, 9, 10)).period("UTC") == (0, 1536623999)
    assert Days().period("UTC") == (0, FOREVER)


@pytest.mark.parametrize(
    ("option", "day", "words"),
    [
        ("--from", "yesterday", "expected a day as in 2026-06-30"),
        ("--until", "2018-02-30", "expected a day as in 2026-06-30"),
        ("--from", "1970-01-01", "1970 is not from 1971 to 2105"),
        ("--until", "2106-01-01", "2106 is not from 1971 to 2105"),
    ],
)
def test_a_day_that_no_scan_can_have_is_refused(option: str, day: str, words: str) -> None:
    done = hops(*CHOOSE_DAYS, option, day)

    assert done.exit_code == 2
    assert words in " ".join(done.output.split())
