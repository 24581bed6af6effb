# coding=utf-8
"""What runs do to the scanners' shares and to the log, counted."""
import collections
import logging
import os
import sys

import pytest
from diamond.utils.signals import SIGALRMException
from render import fixed
from sites import NEW, OLD, is_of_the_drop_in, names_in, put

import stability_collector
import stability_folder

MANY = 1000


@pytest.fixture
def calls(monkeypatch):
    """How often each function was called with which path."""
    counted = collections.Counter()

    def count(name):
        function = getattr(os, name)

        def counting(path, *arguments, **options):
            counted[name] += 1
            return function(path, *arguments, **options)

        monkeypatch.setattr(os, name, counting)

    for name in ('listdir', 'lstat', 'mkdir', 'open', 'read', 'stat'):
        count(name)
    move = stability_folder.move

    def counting_move(*arguments):
        counted['move'] += 1
        return move(*arguments)

    monkeypatch.setattr(stability_folder, 'move', counting_move)
    return counted


def a_day_each(folder, count, first=0):
    for day in range(first, first + count):
        put(folder, 'Stability_20%02d%02d%02dT070000.txt'
            % (day // 336, day // 28 % 12 + 1, day % 28 + 1))


def test_a_quiet_poll_lists_a_folder_once_and_opens_no_file(site, bay1, calls, caplog):
    archive = bay1.ensure('Ingested', dir=True)
    for number in range(MANY):
        archive.ensure('Stability_20180910T%06d.txt' % number)
        bay1.ensure('IM_%04d.dcm' % number)
    site.run()
    calls.clear()
    del caplog.records[:]
    site.run()
    assert calls['listdir'] == 1
    assert calls['open'] == 1  # the folder
    assert calls['lstat'] == 1  # the archive, which another daemon may have put reports into
    assert calls['read'] == 0
    assert caplog.records == []


def test_an_archive_is_not_listed_again_for_our_own_report(site, bay1, calls):
    put(bay1, OLD)
    site.run()
    put(bay1, NEW)
    site.run()
    calls.clear()
    site.run()
    assert calls['listdir'] == 1  # the folder
    assert names_in(bay1.join('Ingested')) == [OLD, NEW]


def test_a_run_lists_a_folder_once_however_much_waits_in_it(site, bay1, calls):
    a_day_each(bay1, MANY)
    calls.clear()
    site.run()
    assert calls['listdir'] == 2  # the other is the archive's, for its newest scan
    assert len(names_in(bay1.join('Ingested'))) == MANY


def test_each_report_of_a_backlog_costs_the_same(site, bay1, calls):
    bay1.ensure('Ingested', dir=True)
    site.load()
    a_day_each(bay1, 10)
    calls.clear()
    site.run()
    few = dict(calls)
    a_day_each(bay1, MANY, first=10)
    calls.clear()
    site.run()
    assert calls['move'] == MANY
    for name in ('lstat', 'open', 'read'):
        assert calls[name] / float(MANY) <= few[name] / 10.0, name


def test_a_report_takes_one_line_of_the_log(site, bay1, caplog):
    caplog.set_level(logging.INFO)
    site.load()
    put(bay1, OLD)
    del caplog.records[:]
    site.run()
    assert len([each for each in caplog.records if each.levelno >= logging.INFO]) == 1


def test_a_report_that_waits_for_another_of_its_day_is_not_read_again(site, bay1, calls):
    for second in range(60):
        put(bay1, 'Stability_20180910T0909%02d.txt' % second)
    calls.clear()
    site.run()
    assert calls['move'] == 60
    # Before it is published, and once for each that was before it at first: not 60 * 60 / 2.
    assert calls['read'] <= 2 * 2 * 60


# -- many scanners -------------------------------------------------------------------------


def lines_run(function):
    """How many lines of the collector are run by a call of `function`."""
    count = [0]

    def trace(frame, event, argument):
        if not is_of_the_drop_in(frame):
            return None
        count[0] += event == 'line'
        return trace

    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(None)
    return count[0]


def test_each_of_many_scanners_costs_the_same_to_configure(site):
    site.load()

    def load(scanners):
        while len(site.scanners) < scanners:
            name = 'bay%d' % len(site.scanners)
            site.scanners['Site/%s' % name] = site.folder.join(name)
        return lines_run(site.load)

    nothing, few, many = load(0), load(10), load(100)
    assert many - nothing == 10 * (few - nothing)


def archived(site):
    return [location for location in sorted(site.scanners)
            if os.path.isdir(str(site.scanners[location].join('Ingested')))]


def test_scanners_for_which_a_run_has_no_time_are_first_in_the_next(site, monkeypatch):
    for number in range(20):
        put(site.add_scanner('Site/Bay%02d' % number, 'bay%02d' % number), OLD)
    site.load()
    left = [0]
    advance = site.collector._advance

    def slow(share):
        steps = advance(share)
        left[0] -= 1
        return steps

    monkeypatch.setattr(site.collector, '_advance', slow)
    monkeypatch.setattr(stability_collector, 'time_left', lambda: left[0])
    for run in range(1, 5):
        left[0] = 5  # as many scanners as a run has time for
        site.run()
        assert len(archived(site)) == 5 * run


def test_a_scanner_at_which_diamond_interrupts_a_run_keeps_no_other_back(site, monkeypatch):
    put(site.add_scanner('A/Hanging', 'a'), OLD)
    put(site.add_scanner('B/Good', 'b'), OLD)
    site.load()
    advance = site.collector._advance

    def hang(share):
        if share.scanner.location == 'A/Hanging':
            raise SIGALRMException()
        return advance(share)

    monkeypatch.setattr(site.collector, '_advance', hang)
    for _ in range(2):
        with pytest.raises(SIGALRMException):
            site.run()
    assert archived(site) == ['B/Good']


def test_a_scanner_without_reports_is_left_alone_while_others_wait(site, bay1, server,
                                                                   monkeypatch):
    """A round through thousands takes a while."""
    server.answer = fixed(b'[]')
    site.settings['graphite_url'] = server.url
    put(bay1, OLD)
    site.add_scanner('Site/Quiet', 'quiet')
    site.load()
    visited = collections.Counter()
    advance = site.collector._advance

    def visit(share):
        visited[share.scanner.location] += 1
        return advance(share)

    monkeypatch.setattr(site.collector, '_advance', visit)
    rounds = site.collector.rounds()
    for _ in range(3):
        next(rounds)
    assert visited == {'Harvard/Northwest/Bay1': 3, 'Site/Quiet': 1}
