"""What Graphite has of a coil in a period: its values, and what was judged of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo

from hops import notes, paths
from hops.errors import Problem
from hops.graphiteweb import Event, GraphiteWeb, Series
from hops.judge import history, verdicts
from hops.judge.rules import Rules
from hops.notes import Notebook
from hops.quantities import QUANTITIES, SECTIONS, Quantity
from hops.times import DAY, HOUR, Period

Judged = Mapping[str, Series]
"""What is judged of a quantity: numbers by the names of the judge's series and by scan."""
MAY_BE_NOTHING = {
    "centre", "lower", "upper", "beyond", "ewma", "ewma_beyond", "limit", "beyond_limit",
}
Slices = Mapping[int, Series]


@dataclass(frozen=True)
class CoilData:
    """The values of a coil in a period: of each quantity in each slice, what was judged of them,
    and the notes of its scanner."""

    location: str
    coil: str
    period: Period
    """It ends `now`, or before."""
    now: int
    values: Mapping[Quantity, Slices]
    judged: Mapping[Quantity, Judged]
    notes: Sequence[Event] = ()
    timezone: str = ""
    """Of the scanner's clock; empty for this machine's."""
    days_to_learn: int | None = None
    """Days with scans until there are limits; None where that is not known."""
    last_scan: int | None = None
    """The newest, which may be before the period."""
    fixed: Period | None = None
    """The baseline of all limits, if one was chosen."""
    without_notes: str = ""
    """Why the notes are not known, if so."""

    @cached_property
    def scans(self) -> list[int]:
        """When there are values, in order."""
        return scans_of(self.values.values())

    @cached_property
    def slices(self) -> list[int]:
        """The numbers of the slices, in order."""
        return sorted({number for slices in self.values.values() for number in slices})

    def by_scan(self, quantity: Quantity) -> dict[int, list[float]]:
        """The values of all slices in each scan, in the order of the scans."""
        return verdicts.by_scan(self.values.get(quantity, {}))

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

    notebook: Notebook
    """Its Graphite's, with the notes."""
    prefix: str
    """What comes before the location in the metric paths, maybe with `*`."""
    location: str
    timezone: str = ""
    """Of its clock; empty for this machine's."""
    rules: Rules = field(default_factory=Rules)

    @property
    def graphite(self) -> GraphiteWeb:
        """The Graphite."""
        return self.notebook.graphite

    @property
    def path(self) -> str:
        """What its metric paths begin with."""
        return paths.scanner(self.prefix, self.location)

    def coils(self) -> list[str]:
        """Its coils, in natural order."""
        found = self.graphite.expand(f"{self.path}.*.{SECTIONS}")
        return sorted({paths.series_of_section(path).coil for path in found}, key=_natural)

    def coil(
        self, coil: str, period: Period, now: int, fixed: Period | None = None
    ) -> CoilData:
        """What a coil has in a period that ends `now` or before. What was judged is what the judge
        has stored; where it has not, and for another baseline than its own, the same is computed
        here."""
        path = f"{self.path}.{coil}"
        when = history.pieces(period.since, now, period.until)
        values = {each: history.values(self.graphite, path, each, when) for each in QUANTITIES}
        judged = {} if fixed else self._stored(coil, when, values)
        to_learn = self._days_to_learn(coil, period)
        lacking = [each for each in QUANTITIES if values[each] and each not in judged]
        if lacking:
            whole = self._whole(path, {each: values[each] for each in lacking}, period, now)
            found = self._judged_here(coil, whole, fixed)
            for each in lacking:
                judged[each] = _of_scans(found[each].series, scans_of([values[each]]))
            to_learn = max(each.newest.days_to_learn for each in found.values() if each.newest)
        scans = scans_of(values.values())
        return CoilData(
            self.location, coil, period, now, values, judged,
            [note for note in self._notes if period.since <= note.epoch <= period.until],
            self.timezone, to_learn, scans[-1] if scans else self._last_scan(path, period.until),
            fixed, self.without_notes,
        )

    @property
    def without_notes(self) -> str:
        """Why the notes are not known, if so."""
        return self._notes_or_why[1]

    @property
    def _notes(self) -> Sequence[Event]:
        return self._notes_or_why[0]

    @cached_property
    def _notes_or_why(self) -> tuple[Sequence[Event], str]:
        try:
            return self.notebook.about(self.location), ""
        except Problem as problem:
            return [], problem.message

    def _stored(
        self, coil: str, when: Sequence[Period], values: Mapping[Quantity, Slices]
    ) -> dict[Quantity, Judged]:
        """What the judge has stored of the scans, of each quantity whose newest it has judged."""
        columns = {quantity.column: quantity for quantity in values}
        judged = {}
        of_all = paths.control(self.path, coil, f"{paths.ANY}.{paths.ANY}")
        for path, series in history.stored(self.graphite, of_all, when).items():
            quantity = columns.get(".".join(path.split(".")[-2:]))
            if quantity and (means := verdicts.mean(values[quantity])):
                said, newest = _of_scans(series, list(means)), max(means)
                if math.isclose(said.get("value", {}).get(newest, math.nan), means[newest]):
                    judged[quantity] = said
        return judged

    def _whole(
        self, path: str, values: Mapping[Quantity, Slices], period: Period, now: int
    ) -> Mapping[Quantity, Slices]:
        """The values from the first scan to the end of a period, of which `values` are known."""
        first = min(history.scans(self.graphite, path), default=now)
        if first >= period.since:
            return values
        when = history.pieces(first, now, period.until)
        return {each: history.values(self.graphite, path, each, when) for each in values}

    def _judged_here(
        self, coil: str, values: Mapping[Quantity, Slices], fixed: Period | None
    ) -> dict[Quantity, verdicts.Verdicts]:
        services = notes.begin_anew(self._notes)
        fixed = fixed or self.rules.baseline(self.location, coil, self.timezone)
        return {
            quantity: verdicts.judge(
                quantity, slices, services, fixed, self.rules.limits.get(quantity)
            )
            for quantity, slices in values.items()
        }

    def _days_to_learn(self, coil: str, period: Period) -> int | None:
        path = paths.control(self.path, coil, "days_to_learn")
        found = self.graphite.series(path, period.until - DAY, period.until)
        newest = max((point for series in found.values() for point in series.items()), default=None)
        return None if newest is None else int(newest[1])

    def _last_scan(self, path: str, until: int) -> int | None:
        scans = history.scans(self.graphite, path)
        return max((epoch for epoch in scans if epoch <= until), default=None)


def scans_of(quantities: Iterable[Slices]) -> list[int]:
    """When there are values, in order."""
    series = (each for slices in quantities for each in slices.values())
    return sorted({epoch for each in series for epoch in each})


def _of_scans(series: Mapping[str, Mapping[int, float | None]], scans: Sequence[int]) -> Judged:
    """Numbers by scan. What is judged may be kept in longer slots than the values, hours or days:
    it is the last scan's in a slot."""
    found: dict[str, Series] = {}
    for name, points in series.items():
        last: dict[int, int] = {}
        for scan in scans:
            slots = (scan, scan - scan % HOUR, scan - scan % DAY)
            last.update((slot, scan) for slot in [s for s in slots if s in points][:1])
        found[name] = {
            scan: number
            for slot, scan in last.items()
            if (number := points[slot]) is not None
            and not (name in MAY_BE_NOTHING and number == verdicts.NOTHING)
        }
    return found


def _natural(coil: str) -> tuple[bool, int, str]:
    """Sorts 8 before 64, and both before names."""
    return (False, int(coil), "") if coil.isdigit() else (True, 0, coil)
