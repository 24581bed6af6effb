"""Report files: found in a folder, and read. None is touched here.

A scanner's folder and the two below it, archive and rejected reports, are open to anybody at the
scanner: they are looked into through the collector's `Folder`. What an operator names is trusted.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import stability_report
from hops.console import counted
from hops.errors import Problem
from hops.site import Site
from stability_archive import LARGEST
from stability_errand import Errand
from stability_folder import Folder
from stability_report import Report, ReportError, is_of_the_future

EXAMPLES = "Stability_20180910T090910.txt or Stability_2024-04-01T13-07-02.txt"
"""Of names that scanners give."""

# Up to what the collector, or anybody else, puts in to tell files apart.
BEGINNING = re.compile("Stability_[0-9T-]+")
NOTE = ".reason.txt"
# A share has so many seconds for an answer.
PATIENCE = 5

T = TypeVar("T")


@dataclass(frozen=True)
class ReportFile:
    """A file whose name begins like a report's."""

    folder: str
    name: str
    report_name: str
    """The name that the scanner gave it, without what the collector put in to tell it apart."""
    time: datetime | None
    """Of the scan, on the scanner's clock; None when the name has an impossible time."""
    epoch: int
    """The same; 0 when it is impossible."""

    @property
    def day(self) -> date | None:
        return self.time and self.time.date()

    @property
    def path(self) -> str:
        return os.path.join(self.folder, self.name)

    @property
    def has_scanners_name(self) -> bool:
        """Whether the collector takes it when it lies in the scanner's folder."""
        return self.name == self.report_name

    @property
    def is_plain(self) -> bool:
        """Whether its name is the scanner's, or has at most a number put in by the collector."""
        stem = re.escape(self.report_name.removesuffix(".txt"))
        return re.fullmatch(rf"{stem}(\.[0-9]+)?\.txt", self.name) is not None


class Content(NamedTuple):
    """What is in the file of a good report, and its status."""

    data: bytes
    status: os.stat_result
    report: Report


class Unusable(Exception):
    """A file that cannot be read, or that is no good report: why, in words."""


def report_file(folder: str, name: str, timezone: str) -> ReportFile | None:
    """The file `name`, if it begins like a report's and is no note on a rejected one.

    `timezone`: of the scanner's clock.
    """
    match = BEGINNING.match(name)
    report_name = f"{match[0]}.txt" if match else ""
    if not stability_report.is_report_name(report_name) or name.endswith(NOTE):
        return None
    try:
        time = stability_report.scan_time(report_name)
    except ReportError:
        return ReportFile(folder, name, report_name, None, 0)
    epoch = stability_report.timestamp(time, timezone)
    return ReportFile(folder, name, report_name, time, epoch)


# -- shares that may never answer ----------------------------------------------------------


class Patience:
    """Asks the system about the files of a share from where it can be left behind.

    What did not answer once is not asked again, so that a command ends in time.
    """

    def __init__(self) -> None:
        self._is_over = False

    def ask(self, function: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """What `function` returns or raises; OSError when that takes too long. `undo` is told what
        it returns when nobody waits for it any more."""
        if self._is_over:
            raise OSError(errno.ETIMEDOUT, "it was not asked, as another did not answer")
        errand = Errand(function, undo)
        if errand.is_back(PATIENCE):
            found: T = errand.result()
            return found
        errand.leave()
        self._is_over = True
        raise OSError(errno.ETIMEDOUT, f"it did not answer within {PATIENCE} s")


def resolved(path: str | Path) -> Path:
    """The path without links; as it is when that cannot be known in time."""
    try:
        return Patience().ask(Path(path).resolve)
    except OSError:
        return Path(path).absolute()


# -- a scanner's folders -------------------------------------------------------------------


@dataclass(frozen=True)
class ReportFolder:
    """A scanner's folder, or one below it, that is open."""

    path: str
    opened: Any
    """The collector's `Folder`; None while there is none yet."""
    timezone: str
    patience: Patience

    def names(self) -> list[str]:
        """The names of all that is in it. Raises Problem when it cannot be listed."""
        with _usable(self.path):
            return list(self.patience.ask(self.opened.names)) if self.opened else []

    def files(self) -> list[ReportFile]:
        """The report files in it, oldest scan first. Raises Problem when it cannot be listed."""
        return self.files_among(self.names())

    def files_among(self, names: Iterable[str]) -> list[ReportFile]:
        """Those of `names` that are report files, oldest scan first."""
        found = (report_file(self.path, name, self.timezone) for name in names)
        return sorted(filter(None, found), key=lambda file: (file.epoch, len(file.name), file.name))

    def age(self) -> float:
        """Seconds since something was moved into it or out of it, by the share's clock."""
        if not self.opened:
            return float("inf")
        with _usable(self.path):
            changed: float = self.patience.ask(lambda: self.opened.status(".")).st_mtime
        return time.time() - changed

    def trouble(self, file: ReportFile) -> str:
        """Why one of the `files` cannot be read, as the collector would say; nothing if it can, or
        has gone."""
        try:
            self.patience.ask(lambda: self.opened.read(file.name, 1))
        except FileNotFoundError:
            return ""
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def read(self, file: ReportFile) -> Content:
        """What is in one of the `files`. Raises Unusable."""
        read = self.opened.read
        return _parsed(lambda: read(file.name, LARGEST), file.report_name, self.patience)


@contextmanager
def open_reports(site: Site, scanner: Any, subfolder: str = "") -> Iterator[ReportFolder]:
    """A scanner's folder, or the `subfolder` of that name where one is given.

    As for the collector, a subfolder must not be a link. Raises Problem when it cannot be used.
    """
    path = os.path.join(scanner.folder, subfolder) if subfolder else scanner.folder
    patience = Patience()
    with _usable(path):
        opened = patience.ask(lambda: _open(scanner.folder, subfolder), _close)
    try:
        yield ReportFolder(path, opened, site.settings.timezone, patience)
    finally:
        _close(opened)


def _open(folder: str, subfolder: str) -> Folder | None:
    """The scanner's folder, or the one below it; None while that is not there yet."""
    opened = Folder(folder)
    if not subfolder:
        return opened
    with opened:
        return opened.below(subfolder) if opened.status(subfolder) is not None else None


def _close(folder: Folder | None) -> None:
    if folder is not None:
        folder.close()


@contextmanager
def _usable(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Problem(
            f"{path!r} cannot be used ({error.strerror}): is the share mounted, and may you read "
            "it?"
        ) from None


# -- what an operator names ----------------------------------------------------------------


def all_below(
    folder: Path, cannot_list: Callable[[OSError], object], patience: Patience
) -> Iterator[Path]:
    """All that is in `folder` and below it, by name; no link is followed.

    `cannot_list` is told of folders that cannot be listed, or not in time.
    """
    found = _walk(folder, cannot_list)
    try:
        while path := patience.ask(lambda: next(found, None)):
            yield path
    except OSError as error:
        cannot_list(OSError(error.errno, error.strerror, str(folder)))


def _walk(folder: Path, cannot_list: Callable[[OSError], object]) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=cannot_list):
        folders.sort()
        for name in sorted(folders + names):
            yield Path(parent, name)


def read_bytes(path: str) -> tuple[bytes, os.stat_result]:
    """A file's content up to LARGEST, and its status.

    Raises OSError, also for what is no regular file.
    """
    # To open a FIFO would wait for a writer.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return file.read(LARGEST), status


def read_as_collector(path: Path) -> bytes:
    """The same, if the collector would read it in the folder where it is: no link, and not what
    may be a file from elsewhere. Raises OSError."""
    with Folder(str(path.parent)) as folder:
        data: bytes = folder.read(path.name, LARGEST)[0]
        return data


def read(path: str, patience: Patience) -> Content:
    """What is in a report that is called as scanners do. Raises Unusable."""
    return _parsed(lambda: read_bytes(path), os.path.basename(path), patience)


def _parsed(
    read: Callable[[], tuple[bytes, os.stat_result]], name: str, patience: Patience
) -> Content:
    try:
        data, status = patience.ask(read)
        return Content(data, status, stability_report.parse_bytes(data, name))
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from None
    except ReportError as error:
        where = "" if error.line is None else f"line {error.line}: "
        raise Unusable(f"is no good report: {where}{error.reason}") from None


# -- what the collector would do -----------------------------------------------------------


def why_left(report: Report, epoch: int, coils: Collection[int] | None) -> str:
    """Why the collector leaves a good report of a scan at `epoch` where it is; nothing if it
    does not.

    `coils`: the receive channels of those under [coils]; None where that is not known.
    """
    if coils is not None and report.channels not in coils:
        return (
            f"comes from a coil of {counted(report.channels, 'channel')}: add a line like "
            f'"{report.channels} = {report.channels}" under [coils]'
        )
    if is_of_the_future(epoch):
        return "is of the future, and stays: is the scanner's clock right?"
    return ""
