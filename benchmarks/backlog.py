"""What a report of a backlog costs, beside one of a shorter backlog: of 16 slices, to a null
handler, and of one slice, confirmed by a real Graphite.

Each is measured in a process of its own: `python -m benchmarks.backlog COUNT [PORT URL]`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.delivery import OURS, QUEUES, road
from benchmarks.results import Result
from benchmarks.site import PROJECT, Bay, NullHandler, collector_of, diamonds_log
from lab.graphite import EmbeddedGraphite, Environment
from sample_data.samples import text_of
from sample_data.scanners import example_scanners
from sample_data.schedule import Scan, scan_time

# As we recommend, but for a backlog of 10,000 days.
SCHEMAS = (PROJECT / "graphite" / "storage-schemas.conf").read_text().replace("1d:25y", "1d:40y")
SHORT = 100


def unconfirmed(quick: bool) -> list[Result]:
    """To a null handler."""
    return _side_by_side("backlog", 1_000 if quick else 10_000, _cost)


def confirmed(folder: Path, environment: Environment, quick: bool) -> list[Result]:
    """Confirmed by a Graphite, a new one for each backlog."""

    def cost(count: int) -> tuple[float, float]:
        with EmbeddedGraphite(
            folder / str(count), environment, storage_schemas=SCHEMAS
        ) as graphite:
            return _cost(count, str(graphite.line_port), graphite.url)

    return _side_by_side("confirmed backlog", 300 if quick else 1_000, cost)


def _side_by_side(
    name: str, long: int, cost: Callable[[int], tuple[float, float]]
) -> list[Result]:
    floor_ms, floor_megabytes = cost(SHORT)
    ms, megabytes = cost(long)
    against = f"one of {SHORT:,}"
    return [
        Result(f"{name} of {long:,}: a report", ms, "ms", floor_ms, against),
        Result(f"{name} of {long:,}: peak memory", megabytes, "MB", floor_megabytes, against),
    ]


def _cost(count: int, *graphite: str) -> tuple[float, float]:
    """Milliseconds a report and peak memory in MB."""
    command = [sys.executable, "-m", __name__, str(count), *graphite]
    ms, megabytes = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return ms, megabytes


def main() -> None:
    count, *graphite = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name, diamonds_log():
        folder = Path(name)
        if graphite:
            port, url = graphite
            bay = Bay(folder / "bay", content=_small_report())
            with road(QUEUES[OURS], int(port)) as way:
                _measure(bay, int(count), collector_of(folder, bay, [way.handler], url))
        else:
            bay = Bay(folder / "bay")
            _measure(bay, int(count), collector_of(folder, bay, [NullHandler({})]))


def _small_report() -> bytes:
    """A report of one slice and 32 channels."""
    north, _ = example_scanners(day := date(2026, 3, 2))
    return text_of(Scan(north, north.coils[0], scan_time(north, day), slices=1)).encode()


def _measure(bay: Bay, count: int, collector: Any) -> None:
    """Has the collector archive `count` reports, and tells the program that started this one."""
    bay.scan(count)
    start = perf_counter()
    while any(bay.folder.glob("*.txt")):
        collector.collect()
    print(json.dumps([1000 * (perf_counter() - start) / count, _peak_megabytes()]))


def _peak_megabytes() -> float:
    """Of this program: what getrusage says begins with the peak of the one that started it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
