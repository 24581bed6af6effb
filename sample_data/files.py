"""The files of the reports: made where the scanners would put them, never overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sample_data.measure import simulate
from sample_data.report import report_text
from sample_data.schedule import Scan

REPORT_DELAY = timedelta(seconds=40)  # from the time in the file name to the written file
# Where the day ends last: so a file is younger than its scan in whatever time zone the scanners are
# said to be.
LAST_ZONE = timezone(timedelta(hours=-12))


def generate(folder: Path, scans: Iterable[Scan]) -> Iterator[Path]:
    """Write the report of each scan into its scanner's folder below `folder`; yield each file.

    A file's modification time is shortly after its scan in LAST_ZONE, or now if that is earlier.

    Raises FileExistsError for a report that is there already (nothing is ever overwritten), and
    OSError for a folder that cannot be written.
    """
    for scan in scans:
        path = folder / scan.scanner.folder / scan.file_name
        written = (scan.time + REPORT_DELAY).replace(tzinfo=LAST_ZONE)
        write_report(path, report_text(simulate(scan)), min(written, datetime.now(LAST_ZONE)))
        yield path


def write_report(path: Path, text: str, written: datetime) -> None:
    """Make the file `path` with that text and modification time; raises as `generate` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="ascii", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise FileExistsError(
            f"{str(path)!r} is there already and is never overwritten: choose another folder."
        ) from None
    os.utime(path, (written.timestamp(), written.timestamp()))
