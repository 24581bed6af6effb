"""A real Graphite for the tests of this folder."""

import os
from pathlib import Path

import pytest

from hops.graphite import EmbeddedGraphite, GraphiteError, find_environment

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def graphite_environment():
    """Where carbon and graphite-web are installed; built once in the project's folder."""
    try:
        return find_environment(PROJECT / ".venv-graphite")
    except GraphiteError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
def graphite(graphite_environment, tmp_path):
    """A Graphite of the test's own, running and empty."""
    with EmbeddedGraphite(tmp_path / "graphite", graphite_environment) as running:
        yield running
