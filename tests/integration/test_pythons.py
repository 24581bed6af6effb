"""The tests again, on every other Python that the project is for."""

from __future__ import annotations

import re
import sys

import pytest
from pythons import environment, run

pytestmark = pytest.mark.integration

VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13"]
OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != OURS])
def test_the_tests_pass_on_the_other_pythons(version: str) -> None:
    """All but those that do not run on this Python anyway, or take it as given."""
    tests = ["-k", "not python_27 and not two_years", "--ignore", __file__]
    out = run([str(environment(version)), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests])
    assert re.search(r"\d+ passed", out)
