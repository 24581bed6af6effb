"""Programs as tests start them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(command: Sequence[str], cwd: Path = ROOT, **variables: str) -> str:
    """The output of `command`; fails the test with its end when the command fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-8000:]}")
    return done.stdout


def at_a_terminal(name: str, *options: str, temporary: Path) -> subprocess.Popen[str]:
    """A script of the project, which ends with Ctrl-C, also where the tests themselves do not."""
    return subprocess.Popen(
        [str(ROOT / "script" / name), *options],
        # So wide that nothing is wrapped.
        env={**os.environ, "TMPDIR": str(temporary), "COLUMNS": "400"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hear_the_terminal,
    )


def hear_the_terminal() -> None:
    """Has this process end with its terminal: a shell has its background jobs ignore the one
    signal, nohup the other."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
