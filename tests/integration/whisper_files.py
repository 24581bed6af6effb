"""Years of points in a Graphite, without the minutes that carbon would need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import whisper

# The embedded Graphite's retention: an hour, for 25 years.
ARCHIVES = [(3600, 25 * 365 * 24)]
METHODS = {"min": "min", "max": "max"}


def store(
    whisper_dir: Path,
    points: Iterable[tuple[str, int, float]],
    archives: Sequence[tuple[int, int]] = ARCHIVES,
) -> None:
    """Makes the files that the embedded carbon would make of metric paths, epochs and values."""
    series: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for path, epoch, value in points:
        series[path].append((epoch, value))
    for path, values in series.items():
        *_, column, _ = levels = path.split(".")
        file = whisper_dir.joinpath(*levels).with_suffix(".wsp")
        file.parent.mkdir(parents=True, exist_ok=True)
        method = METHODS.get(column, "average")
        whisper.create(str(file), archives, 0, method, sparse=True)
        whisper.update_many(str(file), values)
