"""A quiet poll, beside ever more files."""

from __future__ import annotations

import statistics
from pathlib import Path
from time import perf_counter

from benchmarks.results import Result
from benchmarks.site import Bay, NullHandler, collector_of

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
    return [Result(name, value, "ms", floor, "with 100 archived") for name, value in ms.items()]


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
