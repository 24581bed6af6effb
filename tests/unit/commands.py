"""Runs `hops` within the test, with what it prints for people and for programs kept apart."""

from __future__ import annotations

import inspect

from click.testing import CliRunner, Result

from hops.cli import main

# Before click 8.2 it has to be told.
APART = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


def hops(*arguments: object, answer: str | None = None) -> Result:
    """What `hops` with these arguments printed, and how it ended; `answer` is what is typed."""
    return CliRunner(**APART).invoke(main, [str(each) for each in arguments], input=answer)
