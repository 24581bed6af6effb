"""What `hops report` reads from a Graphite: values, and what the judge has stored beside them."""

import re
from pathlib import Path

import pytest

from hops.errors import Problem
from hops.graphiteweb import Event
from hops.judge.rules import Limit, Rules
from hops.judge.verdicts import NOTHING
from hops.notes import Notebook
from hops.quantities import GHOST, SNR
from hops.report.data import Scanner
from hops.report.verdict import State, judge
from hops.times import Period

DAY, HOUR = 86400, 3600
NOW = 1_795_176_000 + 300
SCANS = [NOW - 600 * ago - 300 for ago in (0, 150, 300)]  # the oldest on the day before
BAY = "servers.a.StabilityCollector.Example.Bay1"
JUDGED = f"{BAY}.control.32.SNR.mean"


class Store:
    """As GraphiteWeb, over a dictionary."""

    address = "http://store"

    def __init__(self, series, events=()):
        self.stored, self.notes = series, events

    def series(self, target, since, until):
        pattern = re.compile(re.escape(target).replace(r"\*", r"[^.]*"))
        return {
            path: {epoch: value for epoch, value in points.items() if since <= epoch <= until}
            for path, points in self.stored.items()
            if pattern.fullmatch(path)
        }

    def epochs(self, target):
        return sorted(set().union(*self.series(target, 0, NOW).values()))

    def events(self, since, until):
        if self.notes is None:
            raise Problem("http://store answered 404")
        return list(self.notes)


def values(scans):
    return {f"{BAY}.32.SNR.mean.{number}": dict.fromkeys(scans, 300.0) for number in (1, 2)}


def hours(scans, number):
    """As it is kept for a year."""
    return {scan - scan % HOUR: number for scan in scans}


def read(store, days=30, **more):
    notebook = Notebook(store, Path("/nonexistent/service-notes"))
    scanner = Scanner(notebook, "servers.*.StabilityCollector", "Example/Bay1", "UTC", **more)
    return judge(scanner.coil("32", Period(NOW - days * DAY, NOW), NOW))


def test_the_limits_are_the_stored_ones_to_the_last_digit():
    said = {
        "value": 300.0, "centre": 309.123456789, "lower": 301.234567891, "upper": 316.012345678,
        "sigmas": -3.4567891234, "ewma": 308.0, "ewma_sigmas": -5.1234567891,
        "limit": 305.0, "over_limit": 5.0, "slices.2": -9.5,
    }
    stored = {f"{JUDGED}.{name}": hours(SCANS, number) for name, number in said.items()}
    found = read(Store({**values(SCANS), **stored}))
    for scan in found.means[SNR].scans:
        assert scan[2:] == (
            309.123456789, 301.234567891, 316.012345678, -3.4567891234, 305.0, 5.0,
        )
    averages = {scan.epoch: scan.value for scan in found.averages[SNR].scans}
    assert averages == dict.fromkeys(SCANS, 308.0)
    assert {scan.sigmas for scan in found.averages[SNR].scans} == {-5.1234567891}
    assert found.slow == [SNR]
    assert [scan.sigmas for scan in found.slices[SNR][1].scans] == [-9.5] * 3
    assert (found.state, len(found.beyond())) == (State.OUT, 3)


def test_what_was_taken_back_is_nothing():
    said = {"value": 300.0, "centre": NOTHING, "lower": NOTHING, "upper": NOTHING, "sigmas": 0.0,
            "ewma": NOTHING, "ewma_sigmas": 0.0}
    stored = {f"{JUDGED}.{name}": hours(SCANS, number) for name, number in said.items()}
    more = {f"{BAY}.control.32.days_to_learn": {NOW - 300: 7.0}}
    found = read(Store({**values(SCANS), **stored, **more}))
    assert found.means[SNR].scans[-1].centre is None
    assert [scan.centre for scan in found.averages[SNR].scans] == [None] * 3
    assert (found.state, found.data.days_to_learn) == (State.LEARNING, 7)


@pytest.mark.parametrize("stored", [{}, {f"{JUDGED}.value": hours(SCANS[1:], 300.0)}])
def test_what_was_not_judged_yet_is_judged_by_all_scans_and_the_sites_rules(stored):
    scans = [NOW - 300 - ago * DAY for ago in range(40)]
    rules = Rules(limits={SNR: Limit(310, -1), GHOST: Limit(3, 1)})
    found = read(Store({**values(scans), **stored}), days=3, rules=rules)
    newest = found.means[SNR].scans[-1]
    assert (newest.centre, newest.limit, newest.over) == (300, 310, 10)
    assert len(found.means[SNR].scans) == len(found.beyond()) == 3


def test_a_store_without_events_has_no_notes_and_a_note_begins_anew():
    scans = [NOW - 300 - ago * DAY for ago in range(40)]
    found = read(Store(values(scans), None))
    assert found.data.without_notes == "http://store answered 404"
    assert found.state is State.IN
    # There are four scans since then, but for the newest.
    service = Event(NOW - 5 * DAY, "new coil", frozenset({"service", "Example.Bay1"}))
    found = read(Store(values(scans), [service]))
    assert found.data.notes == [service]
    assert (found.state, found.data.days_to_learn) == (State.LEARNING, 16)


def test_the_newest_scan_before_the_period_is_known():
    found = read(Store(values([NOW - 149 * DAY])))
    assert (found.state, found.age) == (State.UNKNOWN, 149 * DAY)
