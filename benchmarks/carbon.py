"""What a carbon-cache takes: new series and points, beside whisper alone."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import whisper

from benchmarks.results import Result
from benchmarks.site import PROJECT
from hops.sizing import CHOICES, parse_retention
from lab.graphite import EmbeddedGraphite, Environment

SCHEMAS = PROJECT / "graphite" / "storage-schemas.conf"
RETENTION = next(iter(CHOICES))
PREFIX = "servers.bench.StabilityCollector.Harvard.Northwest.Bay1.32.SNR.mean"
STEP = 600
MANY = 20
PATIENCE = 300
AGAINST = "whisper alone"


def rates(folder: Path, environment: Environment, quick: bool) -> list[Result]:
    """Milliseconds to make a series, to write a point to it, and to write one of many that wait
    for it. With our schemas, in sparse files, and so many series that carbon does not rest."""
    series = 2_000 if quick else 10_000
    graphite = EmbeddedGraphite(
        folder / "graphite", environment, storage_schemas=SCHEMAS.read_text(encoding="utf-8")
    )
    now = int(time.time()) // STEP * STEP
    first, second, *others = range(now - (MANY + 2) * STEP, now, STEP)
    (folder / "alone").mkdir(parents=True)
    alone = [folder / "alone" / f"{number}.wsp" for number in range(series)]
    floors = (
        _timed(_make, alone),
        _timed(_update, alone, [second]),
        _timed(_update, alone, others) / MANY,
    )
    with graphite:
        found = (
            _timed(_send, graphite, series, [first]),
            _timed(_send, graphite, series, [second]),
            _timed(_send, graphite, series, others) / MANY,
        )
    names = ("a new series", "a point of a series", f"a point of {MANY} of a series")
    return [
        Result(f"carbon: {name}", 1000 * each / series, "ms", 1000 * floor / series, AGAINST)
        for name, each, floor in zip(names, found, floors)
    ]


def _timed(work: Callable[..., None], *arguments: Any) -> float:
    start = perf_counter()
    work(*arguments)
    return perf_counter() - start


def _make(files: Sequence[Path]) -> None:
    archives = [(each.step, each.points) for each in parse_retention(RETENTION)]
    for file in files:
        whisper.create(str(file), archives, xFilesFactor=0, sparse=True)


def _update(files: Sequence[Path], epochs: Sequence[int]) -> None:
    for file in files:
        whisper.update_many(str(file), [(epoch, 1.0) for epoch in epochs])


def _send(graphite: EmbeddedGraphite, series: int, epochs: Sequence[int]) -> None:
    """Sends points, and waits until the last of each series is in its file."""
    lines = "".join(
        f"{PREFIX}.{number} 1 {epoch}\n" for epoch in epochs for number in range(series)
    )
    with socket.create_connection(("127.0.0.1", graphite.line_port)) as connection:
        connection.sendall(lines.encode())
    deadline = perf_counter() + PATIENCE
    folder = graphite.whisper_dir / PREFIX.replace(".", "/")
    for number in range(series):
        while not _has(folder / f"{number}.wsp", epochs[-1]):
            if perf_counter() > deadline:
                raise TimeoutError(f"carbon has not written to series {number}")
            time.sleep(0.005)


def _has(file: Path, epoch: int) -> bool:
    try:
        _, values = whisper.fetch(str(file), epoch - 1, epoch)
    except (FileNotFoundError, whisper.CorruptWhisperFile):  # carbon is about to make it
        return False
    return values[-1] is not None
