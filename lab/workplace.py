"""A place for what is started: a temporary folder that goes with the program."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def workplace(name: str) -> Iterator[Path]:
    """A folder called by `name`, until the program ends, also by Ctrl-C (with 130) or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with tempfile.TemporaryDirectory(prefix=f"hops-{name}-") as folder:
            yield Path(folder)
    except KeyboardInterrupt:
        print("Stopped; the temporary folder is gone.")
        raise SystemExit(130) from None
