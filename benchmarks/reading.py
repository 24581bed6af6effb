"""parse() and collect() beside what they cannot do without, measured by pyperf.

pyperf runs this module again in processes of its own: `python -m benchmarks.reading --help`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import pyperf

import stability_report
from benchmarks.results import Result
from benchmarks.site import (
    SOURCE,
    Bay,
    NullHandler,
    collector_of,
    diamonds_log,
    points,
    publish_ready_made,
)

SPLIT = "split and float"
PARSE = "parse()"
METRICS = "Metrics"
COLLECT = "collect()"


def measure(folder: Path, quick: bool) -> list[Result]:
    """What reading a report costs. Raises CalledProcessError when pyperf fails."""
    output = folder / "pyperf.json"
    command = [sys.executable, "-m", __name__, "--quiet", "-o", str(output)]
    speed = ["--processes=3", "--values=2"] if quick else ["--fast"]
    subprocess.run(command + speed, check=True, stdout=subprocess.DEVNULL)
    suite = pyperf.BenchmarkSuite.load(str(output))
    ms = {name: 1000 * suite.get_benchmark(name).median() for name in suite.get_benchmark_names()}
    return [
        Result(PARSE, ms[PARSE], "ms", ms[SPLIT], "split the text, float() each number"),
        Result(
            "collect() of a report, to a null handler",
            ms[COLLECT],
            "ms",
            ms[METRICS],
            "make and hand over the same Metrics",
        ),
        Result(
            "the same, without parse()",
            ms[COLLECT] - ms[PARSE],
            "ms",
            ms[METRICS],
            "make and hand over the same Metrics",
        ),
    ]


def split_and_float(text: str) -> list[float]:
    """The numbers of a report that is known to be good."""
    numbers = []
    for line in text.splitlines():
        cells = line.split()
        if cells and cells[0].isdigit():
            numbers += [float(cell) for cell in cells[1:]]
    return numbers


def time_metrics(loops: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        bay = Bay(Path(folder, "bay"))
        collector = collector_of(Path(folder), bay, [NullHandler({})])
        wanted = points()
        start = perf_counter()
        for epoch in range(loops):
            publish_ready_made(collector, wanted, epoch)
        return perf_counter() - start


def time_collect(loops: int) -> float:
    """Runs of the collector over one report each, which it archives."""
    with tempfile.TemporaryDirectory() as folder:
        bay = Bay(Path(folder, "bay"))
        collector = collector_of(Path(folder), bay, [NullHandler({})])
        bay.scan()
        collector.collect()  # makes the metric paths
        seconds = 0.0
        for _ in range(loops):
            bay.scan()
            start = perf_counter()
            collector.collect()
            seconds += perf_counter() - start
        assert len(os.listdir(bay.archive)) == loops + 1
        return seconds


def main() -> None:
    runner = pyperf.Runner(program_args=("-m", "benchmarks.reading"))
    text = SOURCE.read_bytes().decode("utf-8")
    with diamonds_log():
        runner.bench_func(SPLIT, split_and_float, text)
        runner.bench_func(PARSE, stability_report.parse, text, SOURCE.name)
        runner.bench_time_func(METRICS, time_metrics)
        runner.bench_time_func(COLLECT, time_collect)


if __name__ == "__main__":
    main()
