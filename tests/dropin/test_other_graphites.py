# coding=utf-8
"""Confirmation by what answers like a Graphite: VictoriaMetrics, and carbonapi over go-carbon."""
import pytest
from sites import NEW, OLD, archived, errors, hurry, put, warnings
from stores import Carbonapi, VictoriaMetrics

import stability_graphite
from stability_confirmation import LONGEST_PAUSE

EPOCH = 1536570550
AT_A_SLOTS_START = 'Stability_20180911T091000.txt'


@pytest.fixture
def points(site, server, monkeypatch):
    """What the store gets."""
    hurry(monkeypatch)
    points = {}
    process = site.recorder._process

    def receive(metric):
        process(metric)
        path, value, epoch = str(metric).split()
        points.setdefault(path, {})[int(epoch)] = float(value)

    site.recorder._process = receive
    site.settings.update(graphite_url=server.url, confirm_seconds=0)
    return points


def test_victoriametrics_confirms_scans_wherever_in_a_slot_they_are(site, bay1, server, points):
    server.answer = VictoriaMetrics(points)
    names = [OLD, AT_A_SLOTS_START]
    for name in names:
        put(bay1, name)
    assert len(site.run()) == 8
    assert archived(bay1) == names


def test_an_answer_that_is_too_long_is_had_in_pieces(site, bay1, server, points, monkeypatch):
    """As that about scans of six years in slots of ten minutes."""
    server.answer = VictoriaMetrics(points)
    monkeypatch.setattr(stability_graphite, '_MAX_ANSWER', 1000000)
    put(bay1, OLD)
    put(bay1, NEW)
    assert len(site.run()) == 8
    assert archived(bay1) == [OLD, NEW]


def test_what_is_hidden_from_patterns_is_waited_for_and_told_once(
        site, bay1, server, points, caplog, clock):
    server.answer = store = Carbonapi(points)
    put(bay1, OLD)
    assert len(site.run()) == 4
    for _ in range(5):
        assert site.run() == []  # nothing is published again
    assert archived(bay1) == []
    assert errors(caplog) == []
    [told] = warnings(caplog)
    assert OLD in told
    assert 'an index or a cache of it is behind' in told
    assert 'graphite/go-carbon/' in told
    store.look()
    clock.now += LONGEST_PAUSE
    site.run()
    assert archived(bay1) == [OLD]


def test_an_answer_that_came_too_early_is_not_given_again(server, monkeypatch):
    path, now = 'a.SNR.mean.1', [1700000000]
    points = {path: {EPOCH - 86400: 1.0}}
    monkeypatch.setattr(stability_graphite.time, 'time', lambda: now[0])
    server.answer = Carbonapi(points)
    graphite = stability_graphite.Graphite(server.url)
    assert graphite.points(path, [EPOCH], 10) == {EPOCH: {}}
    points[path][EPOCH] = 1.5
    now[0] += 1
    assert graphite.points(path, [EPOCH], 10) == {EPOCH: {path: 1.5}}


def test_what_stays_hidden_is_published_again(site, bay1, server, points, caplog, clock):
    server.answer = Carbonapi(points)
    put(bay1, OLD)
    site.run()
    clock.now += 700
    assert len(site.run()) % 4 == 0
    assert 'what is missing is published again' in errors(caplog)[0]
    assert 'an index or a cache of it is behind' in warnings(caplog)[0]


def test_what_is_lost_is_not_taken_for_hidden(site, bay1, server, points, caplog, clock):
    server.answer = Carbonapi({})
    put(bay1, OLD)
    assert len(site.run()) > 4
    assert warnings(caplog) == []


def test_a_404_for_what_is_not_there_yet_is_told_with_its_setting(
        site, bay1, server, points, caplog):
    server.answer = Carbonapi({}, not_found=404)
    put(bay1, OLD)
    site.run()
    assert 'notFoundStatusCode: 200' in errors(caplog)[0]
    assert archived(bay1) == []
