"""Runs `hops` within the test, with what it prints for people and for programs kept apart."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from click.testing import CliRunner

from hops.cli import main

# Before click 8.2 it has to be told.
APART = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """All that it printed."""
        return self.stdout + self.stderr


def hops(*arguments: object) -> Done:
    """What `hops` with these arguments printed, and how it ended."""
    done = CliRunner(**APART).invoke(main, [str(each) for each in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception  # its user would see a traceback
    return Done(done.exit_code, done.stdout, done.stderr)
