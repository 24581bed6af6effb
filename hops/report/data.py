"""What Graphite has of a scanner's coils."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from functools import cached_property
from statistics import fmean
from zoneinfo import ZoneInfo

from hops import paths
from hops.graphiteweb import Event, GraphiteWeb, Series
from hops.notes import notes_about
from hops.quantities import QUANTITIES, SECTIONS, Quantity
from hops.times import DAY


@dataclass(frozen=True)
class CoilData:
    """The values of a coil: of each quantity in each slice, and the notes of its scanner."""

    location: str
    coil: str
    values: Mapping[Quantity, Mapping[int, Series]]
    notes: Sequence[Event]
    timezone: str = ""
    """Of the scanner's clock; empty for this machine's."""

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
        """What the scanner's clock showed at an epoch, without time zone."""
        return datetime.fromtimestamp(epoch, self._zone).replace(tzinfo=None)

    @cached_property
    def _zone(self) -> tzinfo | None:
        # Where Graphite has only days left they are UTC's, as a day there begins at midnight UTC.
        if all(scan % DAY == 0 for scan in self.scans):
            return timezone.utc
        return ZoneInfo(self.timezone) if self.timezone else None


@dataclass(frozen=True)
class Scanner:
    """What a Graphite has of a scanner. Every method raises Problem when it does not answer as it
    should."""

    graphite: GraphiteWeb
    prefix: str
    """What comes before the location in the metric paths, maybe with `*`."""
    location: str
    timezone: str = ""
    """Of its clock; empty for this machine's."""

    @property
    def path(self) -> str:
        """What its metric paths begin with."""
        return paths.scanner(self.prefix, self.location)

    def coils(self) -> list[str]:
        """Its coils, in natural order."""
        found = self.graphite.expand(f"{self.path}.*.{SECTIONS}")
        return sorted({paths.series_of_section(path).coil for path in found}, key=_natural)

    def coil(self, coil: str, since: int, until: int) -> CoilData:
        """What a coil has from `since` to `until`, both epochs."""
        values = {
            quantity: _by_slice(
                self.graphite.series(f"{self.path}.{coil}.{quantity.column}.*", since, until)
            )
            for quantity in QUANTITIES
        }
        notes = notes_about(self.graphite, self.location, since, until)
        return CoilData(self.location, coil, values, notes, self.timezone)


def _by_slice(series: Mapping[str, Series]) -> dict[int, Series]:
    """A scanner whose collector moved to another host has series under both."""
    found: dict[int, Series] = defaultdict(dict)
    for path, values in series.items():
        number = paths.series(path).slice
        if number.isdigit() and values:
            found[int(number)].update(values)
    return {number: found[number] for number in sorted(found)}


def _natural(coil: str) -> tuple[bool, int, str]:
    """Sorts 8 before 64, and both before names."""
    return (False, int(coil), "") if coil.isdigit() else (True, 0, coil)
