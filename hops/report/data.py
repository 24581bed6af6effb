"""What Graphite has of the scanners."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from statistics import fmean

import stability_report
from hops.graphiteweb import Event, GraphiteWeb, Series
from hops.notes import notes_about
from hops.quantities import QUANTITIES, Quantity
from hops.times import DAY

# Deeper than any location is.
LEVELS = range(1, 9)
SECTIONS = "{" + ",".join(sorted({each.column.split(".")[0] for each in QUANTITIES})) + "}"

@dataclass(frozen=True)
class CoilData:
    """The values of a coil: of each quantity in each slice, and the notes of its scanner."""

    location: str
    coil: str
    values: Mapping[Quantity, Mapping[int, Series]]
    notes: Sequence[Event]

    @cached_property
    def scans(self) -> list[int]:
        """When there are values, in order."""
        return sorted(
            {
                epoch
                for slices in self.values.values()
                for series in slices.values()
                for epoch in series
            }
        )

    @cached_property
    def slices(self) -> list[int]:
        """The numbers of the slices, in order."""
        return sorted({number for slices in self.values.values() for number in slices})

    def mean(self, quantity: Quantity) -> Series:
        """The mean of a quantity over the slices that each scan has."""
        return {epoch: fmean(values) for epoch, values in self.by_scan(quantity).items()}

    def by_scan(self, quantity: Quantity) -> dict[int, list[float]]:
        """The values of all slices in each scan, in the order of the scans."""
        found: dict[int, list[float]] = defaultdict(list)
        for series in self.values.get(quantity, {}).values():
            for epoch, value in series.items():
                found[epoch].append(value)
        return {epoch: found[epoch] for epoch in sorted(found)}

    def time(self, epoch: int) -> datetime:
        """An epoch as this machine's local time, without time zone.

        Where Graphite has only days left it is UTC's, as a day there begins at midnight UTC.
        """
        if all(scan % DAY == 0 for scan in self.scans):
            return datetime.fromtimestamp(epoch, timezone.utc).replace(tzinfo=None)
        return datetime.fromtimestamp(epoch)


class Scanners:
    """The scanners of a Graphite, and what it has of each.

    Every method raises Problem when Graphite does not answer as it should.
    """

    def __init__(self, graphite: GraphiteWeb, prefix: str) -> None:
        """`prefix`: what comes before the location in the metric paths, maybe with `*`."""
        self.graphite = graphite
        self.prefix = prefix.strip(".")

    def locations(self) -> list[str]:
        """The locations of all scanners."""
        depth = len(self.prefix.split("."))
        found = set()
        for levels in LEVELS:
            pattern = ".".join([self.prefix, *"*" * levels, "*", SECTIONS])
            for path in self.graphite.expand(pattern):
                location = path.split(".")[depth:-2]
                if "ingest" not in location:  # what the collector, or a probe, says of a scanner
                    found.add("/".join(location))
        return sorted(found)

    def coils(self, location: str) -> list[str]:
        """The coils of a scanner, in natural order."""
        paths = self.graphite.expand(f"{self.path(location)}.*.{SECTIONS}")
        return sorted({path.split(".")[-2] for path in paths}, key=_natural)

    def values(self, location: str, coil: str, since: int, until: int) -> CoilData:
        """What the coil has from `since` to `until`, both epochs."""
        path = f"{self.path(location)}.{coil}"
        values = {
            quantity: _by_slice(
                self.graphite.series(f"{path}.{quantity.column}.*", since, until)
            )
            for quantity in QUANTITIES
        }
        return CoilData(location, coil, values, self.notes(location, since, until))

    def notes(self, location: str, since: int, until: int) -> list[Event]:
        """The service notes about a scanner."""
        return notes_about(self.graphite, location, since, until)

    def path(self, location: str) -> str:
        """What the metric paths of a scanner begin with. Raises ValueError for a bad location."""
        return f"{self.prefix}.{stability_report.location_path(location)}"


def _by_slice(series: Mapping[str, Series]) -> dict[int, Series]:
    """A scanner whose collector moved to another host has series under both."""
    found: dict[int, Series] = defaultdict(dict)
    for path, values in series.items():
        number = path.rpartition(".")[2]
        if number.isdigit() and values:
            found[int(number)].update(values)
    return {number: found[number] for number in sorted(found)}


def _natural(coil: str) -> tuple[bool, int, str]:
    """Sorts 8 before 64, and both before names."""
    return (False, int(coil), "") if coil.isdigit() else (True, 0, coil)
