"""parse() and collect() beside what they cannot do without."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from timeit import repeat
from typing import Any, Callable

import stability_report
from benchmarks.results import Result
from benchmarks.site import SOURCE, Bay, NullHandler, collector_of, points, publish_ready_made

LOOPS = 100


def measure(folder: Path, quick: bool) -> list[Result]:
    """What reading a report costs."""
    rounds = 3 if quick else 10

    def milliseconds(job: Callable[[], object]) -> float:
        """Of the quickest round: whatever else the machine does can only add."""
        return 1000 * min(repeat(job, number=LOOPS, repeat=rounds)) / LOOPS

    text = SOURCE.read_bytes().decode("utf-8")
    split = milliseconds(lambda: split_and_float(text))
    parse = milliseconds(lambda: stability_report.parse(text, SOURCE.name))

    bay = Bay(folder / "bay")
    collector = collector_of(folder, bay, [NullHandler({})])
    wanted = points()
    metrics = milliseconds(lambda: publish_ready_made(collector, wanted, epoch=0))
    collect = 1000 * min(seconds_of_collect(collector, bay) for _ in range(rounds))

    ready_made = "make and hand over the same Metrics"
    return [
        Result("parse()", parse, "ms", split, "split the text, float() each number"),
        Result("collect() of a report, to a null handler", collect, "ms", metrics, ready_made),
        Result("the same, without parse()", collect - parse, "ms", metrics, ready_made),
    ]


def split_and_float(text: str) -> list[float]:
    """The numbers of a report that is known to be good."""
    numbers = []
    for line in text.splitlines():
        cells = line.split()
        if cells and cells[0].isdigit():
            numbers += [float(cell) for cell in cells[1:]]
    return numbers


def seconds_of_collect(collector: Any, bay: Bay) -> float:
    """Of a run of the collector over one report, which it archives."""
    before = len(os.listdir(bay.archive))
    seconds = 0.0
    for _ in range(LOOPS):
        bay.scan()
        start = perf_counter()
        collector.collect()
        seconds += perf_counter() - start
    assert len(os.listdir(bay.archive)) == before + LOOPS
    return seconds / LOOPS
