"""Programs as tests start them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from terminal import hear_the_terminal

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
