"""Tests of the drop-in. They run on every supported Python, 2.7 (pytest 4.6) among them."""
import os
import sys

import beside
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

sys.path.insert(0, ROOT)

if sys.version_info[0] >= 3:
    import diamond3

    diamond3.activate()


@pytest.fixture
def real_report():
    """Path of a report that a scanner wrote."""
    return beside.real_report()


@pytest.fixture
def golden_lines():
    """What the 2018 collector sent for `real_report`: path, value and epoch as text."""
    with open(beside.golden_lines()) as stream:
        return [tuple(line.split()) for line in stream]


@pytest.fixture(autouse=True)
def sequence_of_one_table(monkeypatch):
    """So that the small reports of the tests are whole."""
    import stability_report

    monkeypatch.setattr(stability_report, 'SECTIONS', ('SNR',))


@pytest.fixture(autouse=True)
def patience_of_a_busy_machine(monkeypatch):
    """What the system answers is waited for; a test of what it never answers says for how long."""
    import stability_errand

    monkeypatch.setattr(stability_errand, '_PATIENCE', 600)


@pytest.fixture
def site(tmpdir):
    from sites import Site  # needs the activation above

    return Site(tmpdir)


@pytest.fixture
def bay1(site):
    return site.add_scanner('Harvard/Northwest/Bay1', 'bay1')


@pytest.fixture
def clock(monkeypatch):
    from sites import Clock

    return Clock(monkeypatch)


@pytest.fixture
def server():
    """An HTTP server; a test says what it answers."""
    from render import Server

    server = Server()
    yield server
    server.end()
