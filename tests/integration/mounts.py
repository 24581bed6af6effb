"""Folders mounted for a test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(source: Path, where: Path) -> Iterator[None]:
    """Shows the folder `source` at `where`, too."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    if subprocess.call(["mount", "--bind", source, where]) != 0:
        pytest.skip("this machine does not let root mount")
    try:
        yield
    finally:
        # It may be that Diamond is just looking into it.
        subprocess.run(["umount", "--lazy", where], check=True)
