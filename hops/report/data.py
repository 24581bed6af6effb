"""What Graphite has of a scanner's coils."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone, tzinfo
from functools import cached_property
from statistics import fmean
from zoneinfo import ZoneInfo

from hops import paths
from hops.control import WIDTH, Limits
from hops.errors import Problem
from hops.graphiteweb import Event, GraphiteWeb, Series
from hops.judge import history
from hops.judge.verdicts import NOTHING
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
    judged: Mapping[Quantity, Limits | None] = field(default_factory=dict)
    """The limits that the judge has stored for the newest scan, None while it learns; a quantity
    that it has not judged there is not in it."""
    without_notes: str = ""
    """Why the notes are not known, if so."""

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
        # Where Graphite has only days left they are UTC's, as a day there begins at midnight UTC.
        zone = timezone.utc if epoch % DAY == 0 else self._zone
        return datetime.fromtimestamp(epoch, zone).replace(tzinfo=None)

    @cached_property
    def _zone(self) -> tzinfo | None:
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
        path = f"{self.path}.{coil}"
        when = history.pieces(since, int(time.time()), until)
        values = {
            quantity: history.values(self.graphite, path, quantity, when) for quantity in QUANTITIES
        }
        without_notes = ""
        try:
            notes = notes_about(self.graphite, self.location, since, until)
        except Problem as problem:  # not every store has events
            notes, without_notes = [], problem.message
        data = CoilData(self.location, coil, values, notes, self.timezone)
        judged = self._judged(coil, data.scans[-1]) if data.scans else {}
        return replace(data, judged=judged, without_notes=without_notes)

    def _judged(self, coil: str, scan: int) -> dict[Quantity, Limits | None]:
        """What the judge has said of a scan."""
        found: dict[Quantity, Limits | None] = {}
        for quantity in QUANTITIES:
            path = paths.control(self.path, coil, quantity.column)
            said = {
                name: _at(scan, self.graphite.series(f"{path}.{name}", scan - DAY, scan))
                for name in ("sigmas", "centre", "lower", "upper")
            }
            if said["sigmas"] is not None:
                found[quantity] = _limits(said["centre"], said["lower"], said["upper"])
        return found


def _at(scan: int, found: Mapping[str, Series]) -> float | None:
    """The value of a scan, which is in its hour or its day."""
    values = {epoch: value for series in found.values() for epoch, value in series.items()}
    newest = max(values, default=0)
    return values[newest] if newest // DAY == scan // DAY else None


@dataclass(frozen=True)
class StoredLimits(Limits):
    """Limits as they are stored, to the last digit."""

    stored: tuple[float, float] = (0.0, 0.0)

    @property
    def lower(self) -> float:
        """The lower limit; 0 for none."""
        return self.stored[0]

    @property
    def upper(self) -> float:
        """The upper limit."""
        return self.stored[1]


def _limits(centre: float | None, lower: float | None, upper: float | None) -> Limits | None:
    if centre is None or lower is None or upper is None or NOTHING in (centre, lower, upper):
        return None
    return StoredLimits(centre, (upper - centre) / WIDTH, stored=(lower, upper))


def _natural(coil: str) -> tuple[bool, int, str]:
    """Sorts 8 before 64, and both before names."""
    return (False, int(coil), "") if coil.isdigit() else (True, 0, coil)
