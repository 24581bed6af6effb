"""What tests of this folder send reports through: a real Graphite, and stand-ins."""

import sys
from pathlib import Path

import pytest
from receivers import Receiver

from lab import faults
from lab.errors import LabError
from lab.faults import FaultyShare
from lab.graphite import EmbeddedGraphite, find_environment

# One process does all of a file: the files that take longest come first.
LONGEST = {
    *("test_chaos.py", "test_delivery.py", "test_demo.py", "test_faulty_share.py"),
    *("test_hops_report.py", "test_hostile_share.py", "test_judge.py", "test_manual.py"),
}


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def graphite_environment():
    """Where carbon and graphite-web are installed; built once, beside our own environment."""
    try:
        return find_environment(Path(f"{sys.prefix}-graphite"))
    except LabError as error:
        pytest.skip(str(error))


@pytest.fixture
def graphite(graphite_environment, tmp_path):
    """A Graphite of the test's own, running and empty."""
    with EmbeddedGraphite(tmp_path / "graphite", graphite_environment) as running:
        yield running


@pytest.fixture(scope="module")
def graphite_of_file(graphite_environment, tmp_path_factory):
    """A Graphite for all tests of a file; each uses series of its own."""
    folder = tmp_path_factory.mktemp("graphite")
    with EmbeddedGraphite(folder, graphite_environment) as running:
        yield running


@pytest.fixture
def receiver():
    """A carbon that only listens."""
    with Receiver() as listening:
        yield listening


@pytest.fixture
def faulty_share(tmp_path):
    """A share that can fail, hang and lie."""
    if why := faults.lacking():
        pytest.skip(f"no share that fails: {why}")
    with FaultyShare(tmp_path / "source", tmp_path / "share") as share:
        yield share
