"""A backlog that is confirmed by a real Graphite, beside a longer one."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from benchmarks.delivery import OURS, QUEUES, road
from benchmarks.results import Result
from benchmarks.site import PROJECT, Bay, collector_of, cost_of_backlog, diamonds_log
from lab.graphite import EmbeddedGraphite, Environment
from sample_data.samples import text_of
from sample_data.scanners import example_scanners
from sample_data.schedule import Scan, scan_time

# As we recommend, but for a backlog of 10,000 days.
SCHEMAS = (PROJECT / "graphite" / "storage-schemas.conf").read_text().replace("1d:25y", "1d:40y")
SHORT = 100


def backlogs(folder: Path, environment: Environment, quick: bool) -> list[Result]:
    """What a report of one slice of a backlog costs, and what memory the collector takes."""
    long = 300 if quick else 1_000
    ms, megabytes = _backlog(folder / "short", environment, SHORT)
    ms_of_long, megabytes_of_long = _backlog(folder / "long", environment, long)
    name, against = f"confirmed backlog of {long:,}", f"one of {SHORT:,}"
    return [
        Result(f"{name}: a report of a slice", ms_of_long, "ms", ms, against),
        Result(f"{name}: peak memory", megabytes_of_long, "MB", megabytes, against),
    ]


def _backlog(folder: Path, environment: Environment, count: int) -> tuple[float, float]:
    """Milliseconds a report and peak memory in MB, in a process of its own."""
    with EmbeddedGraphite(folder, environment, storage_schemas=SCHEMAS) as graphite:
        arguments = [str(count), str(graphite.line_port), graphite.url]
        command = [sys.executable, "-m", __name__, *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    ms, megabytes = json.loads(done.stdout)
    return ms, megabytes


def _small_report() -> bytes:
    """A report of one slice and 32 channels."""
    north, _ = example_scanners(day := date(2026, 3, 2))
    scan = Scan(north, north.coils[0], scan_time(north, day), slices=1)
    return text_of(scan).encode()


def main() -> None:
    count, port, url = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    with (
        tempfile.TemporaryDirectory() as folder,
        diamonds_log(),
        road(QUEUES[OURS], port) as way,
    ):
        bay = Bay(Path(folder, "bay"), content=_small_report())
        bay.scan(count)
        collector = collector_of(Path(folder), bay, [way.handler], url)
        print(cost_of_backlog(bay, collector, count))


if __name__ == "__main__":
    main()
