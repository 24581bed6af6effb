"""Reports copied into the scanner's folder a few at a time, and the collector run over them."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from diamond3.once import configured_handlers
from hops.backfill.finding import Found, LeftOut, digest, read
from hops.errors import Problem
from hops.site import Site
from stability_report import ReportError

# So many reports of ours lie in the scanner's folder at most: as many as the collector may have
# published and not yet archived. So many are copied between two looks.
MOST_WAITING = 500
COPIED_AT_ONCE = 50

# It ends when no report was archived for so many seconds, and those of settling and confirming.
PATIENCE = 60
NAP = 0.2


def collector_of(site: Site, scanner: Any) -> Any:
    """The site's `StabilityCollector` with its handlers, for one scanner only. Raises Problem."""
    from stability_collector import StabilityCollector

    try:
        handlers = configured_handlers(site.config)
    except Exception as error:  # handlers fail with anything
        raise Problem(f"The handlers in {site.conf} cannot be loaded: {error!r}.") from error
    collector = StabilityCollector(configfile=str(site.conf), handlers=handlers)
    collector.config["scanners"] = {scanner.location: scanner.folder}
    collector.process_config()
    return collector


def newest_of_each_coil(reports: Sequence[Found]) -> list[Found]:
    """Those that show whether Graphite takes reports at all; `reports` come oldest first."""
    return list({report.channels: report for report in reports}.values())


class Sender:
    """Brings reports through the collector into Graphite and the archive.

    Attributes: `left_out`, the reports that could not be copied, and `trouble`, a sentence on why
    none can be copied any more, or None.
    """

    def __init__(self, collector: Any, scanner: Any, advance: Callable[[int], object]) -> None:
        """`advance` is told how many more reports have left the scanner's folder."""
        self.left_out: list[LeftOut] = []
        self.trouble: str | None = None
        self._collector = collector
        self._folder = scanner.folder
        self._ingest_dir = collector.settings.ingest_dir
        self._advance = advance
        self._patience = (
            PATIENCE + collector.settings.settle_seconds + 2 * collector.settings.confirm_seconds
        )

    def send(
        self, missing: Sequence[Found], waiting: Sequence[Found], stop: threading.Event
    ) -> bool:
        """Copies what is `missing` into the scanner's folder, in that order, and has the collector
        archive it, and what is `waiting` there.

        Ends when that is done, when nothing moves any more, or when `stop` is set; returns whether
        it is done.
        """
        queue = list(reversed(missing))
        under_way = {report.name for report in waiting}
        last_step = time.monotonic()
        while (queue or under_way) and time.monotonic() - last_step < self._patience:
            for _ in self._collector.rounds():
                if self._see_what_has_gone(under_way):
                    last_step = time.monotonic()
                if stop.is_set():
                    return False
                self._copy_some(queue, under_way)
            if stop.wait(NAP):
                return False
        return not (queue or under_way or self.trouble)

    def archived(self, reports: Sequence[Found]) -> list[Found]:
        """Those of `reports` that are in the archive, as far as it can be seen."""
        from stability_collector import Folder

        with suppress(OSError), Folder(self._folder) as folder:
            names = set(folder.names_in(self._ingest_dir))
            return [report for report in reports if report.name in names]
        return []

    def _see_what_has_gone(self, under_way: set[str]) -> int:
        from stability_collector import Folder

        try:
            with Folder(self._folder) as folder:
                gone = under_way.difference(folder.names())
        except OSError:  # the collector says so, and the share may come back
            return 0
        under_way -= gone
        self._advance(len(gone))
        return len(gone)

    def _copy_some(self, queue: list[Found], under_way: set[str]) -> None:
        from stability_collector import Folder

        for _ in range(min(len(queue), COPIED_AT_ONCE, MOST_WAITING - len(under_way))):
            report = queue.pop()
            try:
                data, says = read(report.path)
                times = report.path.stat()
            except (OSError, ReportError) as error:
                self._leave_out(report, f"cannot be read any more: {error}")
                continue
            if digest(says) != report.numbers:
                self._leave_out(report, "has changed meanwhile")
                continue
            try:
                with Folder(self._folder) as folder:
                    add_report(folder, report.name, data, times)
            except FileExistsError:
                self._leave_out(report, "has its name taken in the scanner's folder meanwhile")
            except OSError as error:
                self.trouble = f"{self._folder!r} cannot be written to: {error.strerror}."
                queue.clear()
                return
            else:
                under_way.add(report.name)

    def _leave_out(self, report: Found, reason: str) -> None:
        self.left_out.append(LeftOut(report.path, reason))


def add_report(folder: Any, name: str, data: bytes, times: os.stat_result) -> None:
    """Makes the file `name` in the collector's `Folder`: whole or not at all, with the `times` of
    the original, and never in the place of another. Raises OSError."""
    draft = f".hops-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(folder.at(draft), flags, 0o666), "wb") as stream:
        try:
            stream.write(data)
            stream.flush()
            os.utime(stream.fileno(), ns=(times.st_atime_ns, times.st_mtime_ns))
            os.fsync(stream.fileno())
            _give_name(folder, draft, name)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(folder.at(draft))


def _give_name(folder: Any, draft: str, name: str) -> None:
    try:
        os.link(folder.at(draft), folder.at(name))
    except FileExistsError:
        raise
    except OSError:  # a share that knows no second name
        if folder.status(name) is not None:
            raise FileExistsError(name) from None
        os.rename(folder.at(draft), folder.at(name))
