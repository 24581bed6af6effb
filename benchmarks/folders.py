"""A quiet poll, beside ever more files."""

from __future__ import annotations

import statistics
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.results import Result
from benchmarks.site import Bay, NullHandler, collector_of, diamonds_log

POLLS = 50


def quiet_polls(folder: Path, quick: bool) -> list[Result]:
    """What a poll costs that finds nothing to do."""
    ms = {}
    for archived in (100, 10_000) if quick else (100, 10_000, 100_000):
        bay = Bay(folder / f"archived-{archived}" / "bay")
        bay.fill_archive(archived)
        ms[f"quiet poll, {archived:,} archived"] = _poll(bay)
    bay = Bay(folder / "others" / "bay")
    bay.fill_with_others(10_000)
    ms["quiet poll, 10,000 other files"] = _poll(bay)
    floor, *_ = ms.values()
    results = [Result(name, value, "ms", floor, "with 100 archived") for name, value in ms.items()]
    return results + _files_touched(bay) + _log_lines(folder / "log")


def _poll(bay: Bay) -> float:
    """Milliseconds (median) of a poll after the first."""
    collector = collector_of(bay.folder.parent, bay, [NullHandler({})])
    collector.collect()
    seconds = []
    for _ in range(POLLS):
        start = perf_counter()
        collector.collect()
        seconds.append(perf_counter() - start)
    return 1000 * statistics.median(seconds)


def _files_touched(bay: Bay) -> list[Result]:
    collector = collector_of(bay.folder.parent / "touched", bay, [NullHandler({})])
    collector.collect()
    seen: Counter[str] = Counter()
    is_on = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if is_on:
            seen[event] += 1

    sys.addaudithook(hook)
    collector.collect()
    is_on = False
    return [
        Result("quiet poll: listings of folders", seen["os.listdir"], ""),
        # The folder itself is opened once.
        Result("quiet poll: files opened", seen["open"] - 1, ""),
    ]


def _log_lines(folder: Path) -> list[Result]:
    bay = Bay(folder / "bay")
    collector = collector_of(folder, bay, [NullHandler({})])
    with diamonds_log() as log:
        collector.collect()
        quiet = log.lines
        bay.scan(100)
        collector.collect()
    return [
        Result("log lines of a quiet poll", quiet, ""),
        Result("log lines of a report", (log.lines - quiet) / 100, ""),
    ]
