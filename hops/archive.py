"""The reports that lie in the subfolders of a scanner's folder: listed and read, none touched."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import stability_report

# Up to what the collector, or anybody else, puts in to tell files apart.
BEGINNING = re.compile("Stability_[0-9T-]+")
NOTE = ".reason.txt"


@dataclass(frozen=True)
class File:
    """A file whose name begins like a report's."""

    name: str
    report_name: str
    """The name that the scanner gave it, without what the collector put in to tell it apart."""
    epoch: int
    """When the scan was made; 0 when the name has an impossible time."""
    day: date | None
    """The same on the scanner's clock; None when the time is impossible."""

    @property
    def is_plain(self) -> bool:
        """Whether its name is the scanner's, or has at most a number put in by the collector."""
        stem = re.escape(self.report_name.removesuffix(".txt"))
        return re.fullmatch(rf"{stem}(\.[0-9]+)?\.txt", self.name) is not None


class Unusable(Exception):
    """A file that cannot be read, or that is no good report: why, in words."""


def open_folder(path: str, flags: int = 0) -> Any:
    """A `stability_collector.Folder`. Raises OSError."""
    from stability_collector import Folder  # needs Diamond, which is there once a site is loaded

    return Folder(path, flags)


@contextmanager
def open_subfolder(scanner: Any, name: str) -> Iterator[Any]:
    """The `Folder` of that name in a scanner's folder, or None while there is none yet.

    As for the collector, it must not be a link. Raises OSError.
    """
    with open_folder(scanner.folder) as folder:
        if folder.status(name) is None:
            yield None
            return
        with open_folder(folder.at(name), os.O_NOFOLLOW) as subfolder:
            yield subfolder


def files(folder: Any, timezone: str) -> list[File]:
    """What in a `Folder`, or None, has a name that begins like a report's; oldest scan first.

    `timezone`: of the scanner's clock. Notes on rejected reports are left out. Raises OSError.
    """
    found = []
    for name in folder.names() if folder else []:
        report_name = report_name_of(name)
        if stability_report.is_report_name(report_name) and not name.endswith(NOTE):
            found.append(_file(name, report_name, timezone))
    return sorted(found, key=lambda file: (file.epoch, len(file.name), file.name))


def report_name_of(name: str) -> str:
    """The name that the scanner gave an archived file; none of a report when it was no report."""
    match = BEGINNING.match(name)
    return f"{match[0]}.txt" if match else ""


def _file(name: str, report_name: str, timezone: str) -> File:
    try:
        moment = stability_report.scan_time(report_name)
    except stability_report.ReportError:
        return File(name, report_name, 0, None)
    epoch = stability_report.timestamp(moment, timezone)
    return File(name, report_name, epoch, moment.date())


def read(folder: Any, file: File) -> stability_report.Report:
    """The report in a file of a `Folder`. Raises Unusable."""
    try:
        data, _ = folder.read(file.name)
        return stability_report.parse_bytes(data, file.report_name)
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from None
    except stability_report.ReportError as error:
        raise Unusable(why_not_good(error)) from None


def why_not_good(error: stability_report.ReportError) -> str:
    """What is wrong with a file that is named beside it."""
    where = "" if error.line is None else f"line {error.line}: "
    return f"is no good report: {where}{error.reason}"
