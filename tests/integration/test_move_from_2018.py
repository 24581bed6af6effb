"""The way from the collector of 2018: the same folder, the same series, and then exact values."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import beside
import pytest
import whisper
from delivery import points_of
from programs import ROOT

import stability_report
from hops import site as sites
from hops.graphiteweb import GraphiteWeb
from hops.readback import Expected, State, compare, expected
from lab.diamond import DiamondSite
from lab.graphite import EmbeddedGraphite

pytestmark = pytest.mark.integration

PATIENCE = 600
SAMPLES = sorted((ROOT / "sample_data" / "reports").glob("*.txt"))
LOCATION = "Harvard/Northwest/Bay1"
PREFIX = "diamond.virtual.testhost.StabilityCollector.Harvard.Northwest.Bay1"
HOUR = 3600


class Place2018:
    """What a site has on the day of the move: whisper files, and an archive of what is in them."""

    def __init__(self, folder: Path, graphite: EmbeddedGraphite) -> None:
        self.graphite = graphite
        self.bay1 = folder / "bay1"
        self.archive = self.bay1 / "Ingested"
        self.archive.mkdir(parents=True)
        self.lines: list[str] = []
        *old, self.new = SAMPLES
        for path in old:
            text = path.read_text("utf-8-sig")
            self.lines += [
                f"{PREFIX}.{channels_and_below(series)} {rounded(value)} {epoch}"
                for series, epoch, value in points_of(path.name, text)
            ]
        if Path(beside.SHARED).exists():
            old.append(Path(beside.real_report()))
            self.lines += Path(beside.golden_lines()).read_text().splitlines()
        for path in old:
            (self.archive / path.name).write_bytes(path.read_bytes())
        self.old = [self.archive / path.name for path in old]
        self.site = DiamondSite(
            folder / "diamond",
            {LOCATION: self.bay1},
            {32: "32", 48: "64", 64: "64"},
            graphite.line_port,
            hostname="testhost",
            path_prefix="diamond.virtual",
            timezone="UTC",
            settle_seconds=0,
            graphite_url=graphite.url,
            confirm_seconds=1,
        )

    def run(self) -> None:
        """Our collector, once."""
        assert self.site.run_once().wait(PATIENCE) == 0, self.site.log.read_text()[-3000:]

    def series(self) -> set[str]:
        """The whisper files, but for those in which our collector tells of itself."""
        folder = self.graphite.whisper_dir
        paths = {str(path.relative_to(folder)) for path in folder.rglob("*.wsp")}
        return {path for path in paths if "/ingest/" not in path and "/carbon/" not in path}

    def hops(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        """What an operator types."""
        return subprocess.run(
            [sys.executable, "-m", "hops", command, f"--config={self.site.conf}", *options],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def expected(self, paths: list[Path]) -> list[Expected]:
        site = sites.load(self.site.conf)
        return [
            expected(site, LOCATION, stability_report.read(str(path)), path.name) for path in paths
        ]

    def counts(self, paths: list[Path]) -> Counter[State]:
        """How many of the reports' numbers Graphite has in which state."""
        reports = sorted(self.expected(paths), key=lambda each: each.scan.epoch)
        counts: Counter[State] = Counter()
        for each in compare(GraphiteWeb.at(self.graphite.url), reports):
            counts.update(each.counts)
        return counts


@pytest.fixture
def place(tmp_path: Path, graphite: EmbeddedGraphite) -> Iterator[Place2018]:
    made = Place2018(tmp_path, graphite)
    with socket.create_connection(("127.0.0.1", graphite.line_port)) as carbon:
        carbon.sendall("".join(f"{line}\n" for line in made.lines).encode())
    deadline = time.monotonic() + PATIENCE
    while any(value(graphite, line) is None for line in made.lines):
        assert time.monotonic() < deadline, "carbon does not write"
        time.sleep(0.1)
    return made


def channels_and_below(series: str) -> str:
    found = re.search(r"\d+\.[A-Za-z]+\.\w+\.\d+\Z", series)
    assert found
    return found[0]


def rounded(number: float) -> str:
    """With two decimals, as Diamond's publish sent it."""
    return str(Decimal(number).quantize(Decimal("0.01"), ROUND_HALF_EVEN))


def value(graphite: EmbeddedGraphite, line: str) -> float | None:
    """What whisper has in the slot of a line for carbon."""
    series, _, epoch = line.split()
    path = graphite.whisper_dir / f"{series.replace('.', '/')}.wsp"
    try:
        (start, _, step), values = whisper.fetch(str(path), int(epoch) - HOUR, int(epoch))
    except (OSError, whisper.CorruptWhisperFile):
        return None
    found: float | None = values[(int(epoch) - int(epoch) % step - start) // step]
    return found


def test_series_and_archive_go_on_and_the_old_reports_become_exact_when_they_come_again(
    place: Place2018,
) -> None:
    series = place.series()
    archive = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in place.old}

    # A new report goes into the series and the archive that there are.
    (place.bay1 / place.new.name).write_bytes(place.new.read_bytes())
    place.run()
    assert place.series() == series
    arrived = place.archive / place.new.name
    assert set(place.archive.iterdir()) == {*place.old, arrived}
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in place.old} == archive
    (report,) = place.expected([arrived])
    assert place.counts([arrived]) == {State.STORED: len(report.points)}

    # Nothing comes twice when the old archive is named for a backfill.
    done = place.hops("backfill", str(place.archive), "--yes", "--location", LOCATION)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing to do." in done.stdout

    # What the rounding did: only numbers with no more than two decimals are exact.
    old = place.expected(place.old)
    numbers = [number for report in old for number in report.points.values()]
    kept = sum(float(rounded(number)) == number for number in numbers)
    assert 0 < kept < len(numbers)
    assert place.counts(place.old) == {State.STORED: kept, State.ROUNDED: len(numbers) - kept}
    done = place.hops("audit", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    coils = json.loads(done.stdout)["scanners"][0]["coils"]
    assert sum(coil["rounded"] for coil in coils) == len(numbers) - kept

    # Moved back into the folder, the old reports put their exact numbers in the same series.
    names = [path.name for path in place.old]
    done = place.hops("reingest", "--yes", "--location", LOCATION, *names)
    assert done.returncode == 0, done.stdout + done.stderr
    place.run()
    assert place.series() == series
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in place.old} == archive
    assert place.counts(place.old) == {State.STORED: len(numbers)}
