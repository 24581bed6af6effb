"""`conf/systemd/diamond3.service`, as systemd judges it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[2] / "conf" / "systemd" / "diamond3.service"
INSTALLED = ("/opt/hops/bin/diamond3", "/opt/hops/bin/hops")

# Of 10; a service without any setting has 9.6. Graphite is in the network, which alone makes 0.8.
MOST_EXPOSURE = 2.0


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with programs that are on this machine, under its own name."""
    text = UNIT.read_text()
    for installed in INSTALLED:
        assert installed in text
        text = text.replace(installed, sys.executable)
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    return copy


def analyze(*arguments: str) -> str:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze: on Debian and Ubuntu, apt-get install systemd")
    done = subprocess.run(
        ["systemd-analyze", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_systemd_has_no_complaint(unit: Path) -> None:
    """About ours; it may have some about other units of this machine."""
    assert unit.name not in analyze("verify", "--recursive-errors=no", str(unit))


def test_little_is_exposed(unit: Path) -> None:
    out = analyze("security", "--offline=true", "--no-pager", str(unit))
    [exposure] = re.findall(r"Overall exposure level for .*: (\d+\.\d+)", out)
    assert float(exposure) <= MOST_EXPOSURE
