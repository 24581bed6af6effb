"""Which points of which reports a Graphite has stored, asked of its render API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

import stability_report
from hops.graphiteweb import GraphiteWeb

# Seconds in a slot: an hour is enough for a scan a day, ten minutes for any two scans.
STEPS = (3600, 600, 60)


@dataclass(frozen=True)
class Expected:
    """A report that should be stored: where its series are, when, and what they hold."""

    scanner: str
    """The part of the metric paths up to the location."""
    coil: str
    epoch: int
    points: dict[str, float]
    """From `<section>.<column>.<slice>` to the number in the report."""


@dataclass
class Found:
    """What Graphite answered."""

    scanners: set[str] = field(default_factory=set)
    coils: set[tuple[str, str]] = field(default_factory=set)
    reports: set[tuple[str, str, int]] = field(default_factory=set)
    series: int = 0
    points: int = 0
    """Points that are there with the value in the report."""


def expected(
    report: stability_report.Report, scanner: str, coil: str, timezone: str = ""
) -> Expected:
    """What `report` should have left under the path `scanner`, which ends in the location."""
    points = {
        f"{point.section}.{point.column}.{point.slice}": point.number
        for point in stability_report.points(report)
    }
    return Expected(scanner, coil, stability_report.timestamp(report.time, timezone), points)


def coarsest_step(reports: Collection[Expected]) -> int:
    """The largest of STEPS, in seconds, in which no two of the `reports` share a slot."""
    for step in STEPS:
        slots = {(r.scanner, r.coil, r.epoch // step) for r in reports}
        if len(slots) == len(reports):
            break
    return step


def read_back(
    graphite: GraphiteWeb,
    reports: Iterable[Expected],
    step: int,
    advance: Callable[[int], object] = lambda points: None,
) -> Found:
    """Compares each point of the `reports` with what Graphite has in its slot.

    `step`: seconds in a slot; `advance` is told how many more points were compared. Raises
    Problem when Graphite does not answer as it should.
    """
    found = Found()
    wanted = _by_section(reports, step)
    for (scanner, coil, section), slots in wanted.items():
        path = f"{scanner}.{coil}.{section}"
        stored = graphite.series(f"{path}.*.*", min(slots), max(slots) + step)
        found.series += len(stored)
        for slot, points in slots.items():
            right = sum(stored.get(name, {}).get(slot) == number for name, number in points.items())
            found.points += right
            if right:
                found.scanners.add(scanner)
                found.coils.add((scanner, coil))
                found.reports.add((scanner, coil, slot))
            advance(len(points))
    return found


def _by_section(
    reports: Iterable[Expected], step: int
) -> dict[tuple[str, str, str], dict[int, dict[str, float]]]:
    """{(scanner, coil, section): {slot: {metric path: number}}}: one answer each is not too big."""
    wanted: dict[tuple[str, str, str], dict[int, dict[str, float]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for report in reports:
        slot = report.epoch - report.epoch % step
        for name, number in report.points.items():
            section = name.split(".", 1)[0]
            path = f"{report.scanner}.{report.coil}.{name}"
            wanted[report.scanner, report.coil, section][slot][path] = number
    return wanted
