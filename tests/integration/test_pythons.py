"""The tests again, on every other Python that the project is for."""

from __future__ import annotations

import re
import sys

import pytest
from pythons import ROOT, environment, run

pytestmark = pytest.mark.integration

VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13"]
OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


# They take minutes, and show what does not depend on the Python.
ELSEWHERE = [
    "integration/test_audit.py",
    "integration/test_backfill_road.py",
    "integration/test_chaos.py",
    "integration/test_cluster.py",
    "integration/test_dashboards.py",
    "integration/test_delivery.py",
    "integration/test_demo.py",
    "integration/test_hops_doctor.py",
    "integration/test_hops_report.py",
    "integration/test_hostile_share.py",
    "integration/test_manual.py",
    "integration/test_move_from_2018.py",
    "integration/test_packaging.py",
    "integration/test_pythons.py",
    "integration/test_several_diamonds.py",
    "integration/test_storage.py",
    "integration/test_victoriametrics.py",
    "unit/test_fuzz_report.py",
]


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != OURS])
def test_the_tests_pass_on_the_other_pythons(version: str) -> None:
    """All but ELSEWHERE and those that are about another Python."""
    ignored = [f"--ignore={ROOT / 'tests' / name}" for name in ELSEWHERE]
    tests = ["-k", "not python_27", *ignored]
    out = run([str(environment(version)), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests])
    assert re.search(r"\d+ passed", out)
