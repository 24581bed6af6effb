"""Reports copied into the scanner's folder a few at a time, and the collector run over them."""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from diamond3.once import listen_for_errors
from hops.backfill.finding import Findings, LeftOut, OldReport, digest
from hops.console import printable
from hops.errors import Problem
from hops.reportfiles import Patience, Unusable, open_reports, read
from hops.site import Site
from hops.times import DAY
from stability_folder import Folder, move

# So many reports of ours lie in the scanner's folder at most: as many as the collector may have
# published and not yet archived. So many are copied between two looks.
MOST_WAITING = 500
COPIED_AT_ONCE = 50

# It ends when no report was archived for so many seconds, and those of settling and confirming.
PATIENCE = 60
NAP = 0.2


def coil_day(report: OldReport, site: Site) -> tuple[str, int]:
    """Two reports of one coil and day may share a slot, whatever the retention."""
    return site.settings.coils[report.channels], report.file.epoch // DAY


def first_to_send(findings: Findings, site: Site) -> list[OldReport]:
    """Those that show whether Graphite takes reports at all: the newest of each coil. With them go
    all of that coil's same day, and of the days of those that wait already: in a slot the later
    scan has to come last."""
    newest = {site.settings.coils[report.channels]: report for report in findings.missing}
    together = [*newest.values(), *findings.waiting]
    days = {coil_day(report, site) for report in together}
    return [report for report in findings.missing if coil_day(report, site) in days]


class Sender:
    """Brings reports through the collector into Graphite and the archive.

    Attribute: `left_out`, the reports that could not be copied.
    """

    def __init__(self, site: Site, scanner: Any, advance: Callable[[int], object]) -> None:
        """`advance` is told how many more reports have left the scanner's folder. Raises Problem
        when Diamond's handlers cannot be used."""
        self.left_out: list[LeftOut] = []
        self._site = site
        self._scanner = scanner
        self._advance = advance
        self._trouble = ""
        self._errors = listen_for_errors()
        self._collector = _collector_of(site, scanner)
        if self.errors:
            raise Problem(f"Diamond's handlers cannot be used: {self.errors[0]}")
        settings = self._collector.settings
        self._patience = PATIENCE + settings.settle_seconds + 2 * settings.confirm_seconds

    @property
    def errors(self) -> list[str]:
        """The last lines of what the collector and Diamond's handlers have said, each once, and why
        nothing can be copied any more, if it is so."""
        return [printable(each) for each in [*self._errors.lines, self._trouble] if each]

    def send(
        self, missing: Sequence[OldReport], waiting: Sequence[OldReport], stop: threading.Event
    ) -> bool:
        """Copies what is `missing` into the scanner's folder, in that order, and has the collector
        archive it, and what is `waiting` there.

        Ends when that is done, when nothing moves any more, or when `stop` is set; returns whether
        it is done.
        """
        queue = list(reversed(missing))
        under_way = {report.file.name for report in waiting}
        last_step = time.monotonic()
        # Before the first look, so that all are looked at in the order of their scans.
        self._copy_some(queue, under_way)
        while (queue or under_way) and time.monotonic() - last_step < self._patience:
            for _ in self._collector.rounds():
                if self._see_what_has_gone(under_way):
                    last_step = time.monotonic()
                if stop.is_set():
                    return False
                self._copy_some(queue, under_way)
            if stop.wait(NAP):
                return False
        return not (queue or under_way or self._trouble)

    def archived(self) -> set[str]:
        """The names in the archive, as far as it can be seen."""
        try:
            with open_reports(self._site, self._scanner, self._site.settings.ingest_dir) as archive:
                return {file.name for file in archive.files()}
        except Problem:
            return set()

    def _see_what_has_gone(self, under_way: set[str]) -> int:
        try:
            with open_reports(self._site, self._scanner) as folder:
                gone = under_way.difference(file.name for file in folder.files())
        except Problem:  # the collector says so, and the share may come back
            return 0
        under_way -= gone
        self._advance(len(gone))
        return len(gone)

    def _copy_some(self, queue: list[OldReport], under_way: set[str]) -> None:
        for _ in range(min(len(queue), COPIED_AT_ONCE, MOST_WAITING - len(under_way))):
            report = queue.pop()
            try:
                self._copy(report)
                under_way.add(report.file.name)
            except Unusable as reason:
                self.left_out.append(LeftOut(report.file.path, str(reason)))
            except Problem as problem:
                self._trouble = problem.message
                queue.clear()
                return

    def _copy(self, report: OldReport) -> None:
        content = read(report.file.path, Patience())
        if digest(content.report) != report.digest:
            raise Unusable("has changed meanwhile")
        with open_reports(self._site, self._scanner) as folder:
            try:
                add_report(folder.opened, report.file.name, content.data, content.status)
            except FileExistsError:
                raise Unusable("has its name taken in the scanner's folder meanwhile") from None
            except OSError as error:
                raise Problem(f"{folder.path!r} cannot be written to: {error.strerror}.") from None


def _collector_of(site: Site, scanner: Any) -> Any:
    """The site's `StabilityCollector` with its handlers, for one scanner only."""
    collector = site.sender()
    collector.config["scanners"] = {scanner.location: scanner.folder}
    collector.process_config()
    return collector


def add_report(folder: Folder, name: str, data: bytes, times: os.stat_result) -> None:
    """Makes the file `name` in a folder: whole or not at all, with the `times` of the original, and
    never in the place of another. Raises OSError; FileExistsError when the name is taken."""
    draft = f".hops-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(folder.at(draft), flags, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.utime(stream.fileno(), ns=(times.st_atime_ns, times.st_mtime_ns))
            os.fsync(stream.fileno())
        # Many a share renames no file that is open.
        if not move(folder, draft, folder, name):
            raise FileNotFoundError(errno.ENOENT, "the copy has gone before it had its name", draft)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(folder.at(draft))
