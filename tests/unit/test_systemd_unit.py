"""`conf/systemd/`, as systemd judges it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "conf" / "systemd"
SERVICES = ["diamond3.service", "hops-report.service"]
INSTALLED = re.compile(r"/opt/hops/bin/(diamond3|hops)\b")

# Of 10; a service without any setting has 9.6. Graphite is in the network, which alone makes 0.8.
MOST_EXPOSURE = 2.0


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units with programs that are on this machine, under their own names."""
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(INSTALLED.sub(sys.executable, unit.read_text()))
    return sorted(tmp_path.iterdir())


def analyze(*arguments: str) -> str:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze: on Debian and Ubuntu, apt-get install systemd")
    done = subprocess.run(
        ["systemd-analyze", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_systemd_has_no_complaint(units: list[Path]) -> None:
    """About ours; it may have some about other units of this machine."""
    assert [unit.name for unit in units] == [*SERVICES, "hops-report.timer"]
    said = analyze("verify", "--recursive-errors=no", *map(str, units))
    assert not [unit.name for unit in units if unit.name in said]


@pytest.mark.parametrize("service", SERVICES)
def test_little_is_exposed(units: list[Path], service: str) -> None:
    [unit] = [each for each in units if each.name == service]
    out = analyze("security", "--offline=true", "--no-pager", str(unit))
    [exposure] = re.findall(r"Overall exposure level for .*: (\d+\.\d+)", out)
    assert float(exposure) <= MOST_EXPOSURE


def test_every_program_is_where_it_is_installed() -> None:
    for service in SERVICES:
        programs = re.findall(r"^Exec\w+=(\S+)", (UNITS / service).read_text(), re.MULTILINE)
        assert all(INSTALLED.match(each) or each == "/bin/sh" for each in programs)
