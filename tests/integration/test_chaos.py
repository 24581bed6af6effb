"""`script/chaos` as its user runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery import left_behind
from programs import at_a_terminal

from lab import faults

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("graphite_environment")]

MINUTES = "10" if os.environ.get("LONG") else "0.25"
PATIENCE = 1800


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Shorter than pytest's, because there will be a socket in it."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def chaos(*options: str, temporary: Path) -> subprocess.Popen[str]:
    return at_a_terminal("chaos", *options, temporary=temporary)


def row(out: str, name: str) -> int:
    (value,) = re.findall(rf"│ {name} *│ *([\d,]+) │", out)
    return int(value.replace(",", ""))


def test_chaos_loses_and_doubles_nothing(temporary: Path) -> None:
    with chaos("--minutes", MINUTES, "--seed", "1", temporary=temporary) as process:
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out
    assert "kill -9 of" in out
    assert ("share: " in out) == (not faults.lacking())
    assert row(out, "reports archived") == row(out, "reports sent") > 0
    assert row(out, "points compared") == 448 * row(out, "reports sent")
    assert row(out, "points lost") == row(out, "reports archived twice") == 0
    assert list(temporary.iterdir()) == []
    assert left_behind(temporary) == []


def test_ctrl_c_ends_it_and_leaves_nothing(temporary: Path) -> None:
    with chaos(temporary=temporary) as process:
        deadline = time.monotonic() + PATIENCE
        while not list(temporary.glob("*/share/*/*.txt")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out
    assert "Traceback" not in out
    assert list(temporary.iterdir()) == []
    assert left_behind(temporary) == []
