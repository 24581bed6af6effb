"""What is wrong with a file, as the collector would see it."""

from __future__ import annotations

import errno
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stability_report
from hops.check.excerpt import Place, place_of
from hops.check.naming import Naming
from hops.times import DAY

GOOD, WAITS, INCOMPLETE, MALFORMED, UNREADABLE = STATES = (
    "good", "waits", "incomplete", "malformed", "unreadable",
)


@dataclass(frozen=True)
class Checked:
    """A file, and what was found out about it."""

    file: Path
    state: str
    """One of STATES."""
    reason: str = ""
    """Why it is not good."""
    place: Place | None = None
    """Where it is not good."""
    report: Any = None
    """The `stability_report.Report`, if it is one."""
    epoch: int = 0
    """When the scan was made, if it is one."""
    paths: Sequence[str] = ()
    """The metric paths that it would make, in the order of the report."""


def check_file(file: Path, naming: Naming) -> Checked:
    """Reads a file as the collector would."""
    try:
        data = _content(file)
    except OSError as error:
        return Checked(file, UNREADABLE, error.strerror or str(error))
    try:
        report = stability_report.parse_bytes(data, file.name)
    except stability_report.ReportError as error:
        incomplete = isinstance(error, stability_report.IncompleteReport)
        state = INCOMPLETE if incomplete else MALFORMED
        return Checked(file, state, error.reason, place_of(error, data))
    return _check_report(file, report, naming)


def _content(file: Path) -> bytes:
    # To open a FIFO would wait for a writer.
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    with file.open("rb") as stream:
        return stream.read(stability_report.MAX_BYTES + 1)


def _check_report(file: Path, report: Any, naming: Naming) -> Checked:
    epoch = naming.epoch(report)
    state, reason = GOOD, ""
    if naming.coil(report.channels) is None:
        state = WAITS
        reason = (
            f"it comes from a coil of {report.channels} channels: the collector takes it when a "
            f'line like "{report.channels} = {report.channels}" is under [coils]'
        )
    elif epoch > time.time() + DAY:  # as for the collector
        state = WAITS
        reason = "it is of the future, and the collector leaves it: is the scanner's clock right?"
    paths = naming.paths(file, report)
    return Checked(file, state, reason, report=report, epoch=epoch, paths=paths)
