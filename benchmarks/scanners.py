"""A quiet poll of ever more scanners, each with a month of reports in its archive."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from benchmarks.results import Result
from benchmarks.site import Bay, NullHandler, collector_for, diamonds_log, peak_megabytes

ARCHIVED = 30
POLLS = 5


class Cost(NamedTuple):
    """Milliseconds to read the configuration and to poll, and the memory that it takes."""

    configuring: float
    first_poll: float
    poll: float
    megabytes: float


def by_number(quick: bool) -> list[Result]:
    """What ever more scanners cost, beside as many times one that is alone."""
    results = []
    alone = _cost(1)
    for number in (10, 100, 1_000) if quick else (10, 100, 1_000, 10_000):
        cost = _cost(number)
        as_many = f"{number:,} times 1 scanner"
        of = f"of {number:,} scanners"
        results += [
            Result(f"configuration {of}", cost.configuring, "ms"),
            Result(f"first poll {of}", cost.first_poll, "ms", number * alone.first_poll, as_many),
            Result(f"quiet poll {of}", cost.poll, "ms", number * alone.poll, as_many),
            Result(f"peak memory {of}", cost.megabytes, "MB", alone.megabytes, "1 scanner"),
        ]
    return results


def _cost(scanners: int) -> Cost:
    """In a process of its own."""
    command = [sys.executable, "-m", __name__, str(scanners)]
    return Cost(*json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def main() -> None:
    count = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as name, diamonds_log():
        folder = Path(name)
        scanners = {}
        for number in range(count):
            bay = Bay(folder / "share" / str(number))
            bay.fill_archive(ARCHIVED)
            scanners[f"Site{number // 100}/Building{number // 10}/Bay{number}"] = bay.folder
        start = perf_counter()
        collector = collector_for(folder, scanners, [NullHandler({})])
        seconds = [perf_counter() - start]
        for _ in range(1 + POLLS):
            start = perf_counter()
            collector.collect()
            seconds.append(perf_counter() - start)
    configuring, first, *polls = (1000 * each for each in seconds)
    print(json.dumps(Cost(configuring, first, statistics.median(polls), peak_megabytes())))


if __name__ == "__main__":
    main()
