"""A real Graphite for the tests of this folder."""

import sys
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.graphite import EmbeddedGraphite, find_environment


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
