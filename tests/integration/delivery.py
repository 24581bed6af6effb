"""A scanner, its share and a Diamond that looks after it; and what may be said to be delivered.

The reports are read here in a way of their own, and the points straight from the whisper files.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timezone
from itertools import islice
from pathlib import Path

import whisper

from lab.diamond import PREFIX, DiamondSite
from lab.graphite import EmbeddedGraphite
from lab.processes import Daemon
from sample_data.files import generate
from sample_data.scanners import NORTH, example_scanners
from sample_data.schedule import schedule

PATIENCE = 600  # seconds that no test waits, unless something is broken
UNTIL = date(2026, 1, 5)
COLUMNS = {"sd[%]": "sdpct", "P2P[%]": "P2Ppct", "p[0]": "p0", "p[1]": "p1", "p[2]": "p2"}

# From metric path to epoch to value.
Points = dict[str, dict[int, float]]


class Bay:
    """A scanner's folder and what the scanner has written there: a report a day, oldest first.

    All are of one coil, so that each has the same series, 448 of 16 slices; the numbers of every
    scanner are its own.
    """

    def __init__(self, folder: Path, location: str = NORTH, slices: int = 16) -> None:
        north, _ = example_scanners(UNTIL)
        scanner = replace(north, location=location, folder=location.replace("/", "-"))
        scans = schedule([scanner], UNTIL)
        self.location = location
        self.folder = folder / scanner.folder
        self.folder.mkdir()
        self.sent: dict[str, tuple[bytes, int]] = {}
        self.wanted: Points = defaultdict(dict)
        self._reports = generate(
            folder, (replace(scan, slices=slices) for scan in scans if scan.coil.channels == 32)
        )

    def scan(self, count: int) -> None:
        """Writes the next reports into the folder."""
        for path in islice(self._reports, count):
            self.note(path)

    def note(self, path: Path) -> None:
        """Remembers the report at `path`, all written, as one that has to be delivered."""
        data = path.read_bytes()
        self.sent[path.name] = (data, path.stat().st_mtime_ns)
        for series, epoch, value in points_of(path.name, data.decode("utf-8-sig"), self.location):
            self.wanted[series][epoch] = value

    def ingested(self) -> int:
        """How many files are in the archive."""
        return len(list(self.folder.glob("Ingested/*")))

    def archived(self) -> dict[str, tuple[bytes, int]]:
        """The reports in the archive, with their modification times."""
        return {
            path.name: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in self.folder.glob("Ingested/*")
        }


def daemon_of(
    folder: Path, bays: Sequence[Bay], graphite: EmbeddedGraphite, settings: dict[str, object]
) -> Daemon:
    """A Diamond that looks after the bays; `settings` of the collector go over ours."""
    return Daemon(site_of(folder, bays, graphite, settings))


def site_of(
    folder: Path, bays: Sequence[Bay], graphite: EmbeddedGraphite, settings: dict[str, object]
) -> DiamondSite:
    ours: dict[str, object] = {
        # Diamond grants a run as long: on a busy machine, a run needs some seconds.
        "interval": 5,
        "timezone": "UTC",
        "settle_seconds": 0,
        "graphite_url": graphite.url,
        "confirm_seconds": 3,
    }
    return DiamondSite(
        folder,
        {bay.location: bay.folder for bay in bays},
        {32: "32", 64: "64"},
        graphite.line_port,
        **{**ours, **settings},
    )


def wait_until(condition: Callable[[], object], log: Path, nap: float = 0.2) -> None:
    """Waits until `condition` holds; fails with the end of Diamond's `log` if it never does.

    `nap`: seconds between two looks, which take their time from what is looked at."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain:\n{log.read_text()[-4000:]}"
        time.sleep(nap)


def points_of(name: str, text: str, location: str = NORTH) -> Iterator[tuple[str, int, float]]:
    """Metric path, epoch and value of each number in a report; a cell may have none."""
    time_of_scan = datetime.strptime(re.sub(r"\D", "", name), "%Y%m%d%H%M%S")
    epoch = int(time_of_scan.replace(tzinfo=timezone.utc).timestamp())
    (channels,) = re.findall(r"(\d+) channels", text)
    path = f"{PREFIX}.{location.replace('/', '.')}.{channels}"
    section, columns = "", [""]
    for line in text.splitlines():
        number, *cells = line.split("\t")
        if number.endswith("results:"):
            section = number.split()[1]
        elif number == "slice#":
            columns = [COLUMNS.get(cell, cell) for cell in cells]
        else:
            for column, cell in zip(columns, cells):
                if re.fullmatch(r"[+-]?\d+\.\d+", cell):
                    yield f"{path}.{section}.{column}.{int(number)}", epoch, float(cell)


def stored_points(whisper_dir: Path, wanted: Points) -> Points:
    """What the whisper files in a folder have where the `wanted` points should be."""
    return {path: _stored(whisper_dir, path, values) for path, values in wanted.items()}


def _stored(whisper_dir: Path, path: str, epochs: Collection[int]) -> dict[int, float]:
    file = whisper_dir / f"{path.replace('.', '/')}.wsp"
    stored: dict[int, float] = {}
    with suppress(FileNotFoundError, whisper.CorruptWhisperFile):
        since, until = min(epochs) - 86400, max(epochs) + 86400
        (start, _, step), slots = whisper.fetch(str(file), since, until)
        for epoch in epochs:
            value = slots[(epoch - epoch % step - start) // step]
            if value is not None:
                stored[epoch] = value
    return stored


def count(points: Points) -> int:
    return sum(map(len, points.values()))


def missing(bay: Bay, graphite: EmbeddedGraphite) -> list[tuple[str, int]]:
    """The points that whisper lacks, or has with another value."""
    return list(_missing(bay, graphite))


def is_stored(bay: Bay, graphite: EmbeddedGraphite) -> bool:
    """Whether whisper has all points; it is read until one is missing only."""
    return next(_missing(bay, graphite), None) is None


def _missing(bay: Bay, graphite: EmbeddedGraphite) -> Iterator[tuple[str, int]]:
    for path, values in bay.wanted.items():
        stored = _stored(graphite.whisper_dir, path, values)
        for epoch, value in values.items():
            if stored.get(epoch) != value:
                yield path, epoch


def check_all_delivered(bay: Bay, graphite: EmbeddedGraphite) -> None:
    """Every value is in whisper, and every report in the archive: once, and as it was.

    Carbon is killed first: what is archived may not be in its memory only.
    """
    graphite.carbon.kill()
    assert count(bay.wanted) > 0
    assert missing(bay, graphite) == []
    assert bay.archived() == bay.sent
    assert [path.name for path in bay.folder.iterdir()] == ["Ingested"]


def left_behind(folder: Path) -> list[str]:
    """The command lines of the processes that still run with a configuration in `folder`."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return [line for line in lines if f"{folder}/" in line]
