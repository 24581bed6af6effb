"""The judge: for every coil what should be stored against what is, and the difference."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from hops import notes, paths
from hops.graphiteweb import Event, GraphiteWeb, Series
from hops.judge import history
from hops.judge.rules import Rules
from hops.judge.verdicts import NOTHING, Newest, Points, judge
from hops.quantities import QUANTITIES, SECTIONS, Quantity
from hops.site import Site
from hops.times import DAY, HOUR, Period

# What is newer is looked at in every run, and everything when there is news, and once a day.
RECENT = 3 * DAY
# When what was published does not arrive, it is published again after so many seconds.
PATIENCE = HOUR
NEVER = float("-inf")

Metrics = list[Any]
"""Diamond's."""
Recent = set[tuple[str, int, float]]
"""Values: path, epoch and value."""


@dataclass
class Coil:
    """A coil of a scanner, and what is known of it from run to run."""

    scanner: Any
    """The `stability_settings.Scanner`."""
    name: str
    recent: Recent = field(default_factory=set)
    services: Sequence[int] = ()
    looked_at: float = NEVER
    newest: dict[Quantity, Newest] = field(default_factory=dict)

    def newest_scan(self) -> list[Newest]:
        """The verdicts on the newest scan: on each quantity that it has."""
        last = max((each.epoch for each in self.newest.values()), default=0)
        return [each for each in self.newest.values() if each.epoch == last]


class Judge:
    """Judges the scans of a site. What it yields is to be published before it is asked for more. It
    can be left at any time: whatever was not published is found again. All of it raises Problem
    when Graphite does not answer as it should."""

    def __init__(self, site: Site, rules: Rules) -> None:
        self._site = site
        self._rules = rules
        self._coils: dict[tuple[str, str], Coil] = {}

    @cached_property
    def _graphite(self) -> GraphiteWeb:
        return self._site.graphite()

    def run(self) -> Iterator[Metrics]:
        """Judges the coils that have news, and tells how each of them fares."""
        events = self.events()
        for scanner in self._site.settings.scanners:
            recent, judged = self._recent(scanner)
            for coil in self.coils(scanner):
                services = self.services(coil, events)
                if self._is_due(coil, services, recent[coil.name], judged[coil.name]):
                    pieces = self.pieces(coil)
                    for quantity in QUANTITIES:
                        yield from self.difference(coil, quantity, services, pieces)
                    coil.looked_at = time.monotonic()
                    coil.services, coil.recent = services, recent[coil.name]
                yield self.about(coil)

    def events(self) -> list[Event]:
        return notes.Notebook.of(self._site).notes()

    def coils(self, scanner: Any) -> list[Coil]:
        """The coils that Graphite has of a `stability_settings.Scanner`."""
        found = self._graphite.expand(f"{self._path(scanner)}.{paths.ANY}.{SECTIONS}")
        names = sorted({paths.series_of_section(path).coil for path in found})
        return [
            self._coils.setdefault((scanner.path, name), Coil(scanner, name)) for name in names
        ]

    def services(self, coil: Coil, events: Sequence[Event]) -> list[int]:
        """When notes about the coil's scanner changed what is normal."""
        location = coil.scanner.location
        return notes.begin_anew(event for event in events if notes.is_about(event, location))

    def pieces(self, coil: Coil) -> list[Period]:
        """The time in which the coil was scanned, until now."""
        now = int(time.time())
        first = min(history.scans(self._graphite, self._coil_path(coil)), default=now)
        return history.pieces(first, now)

    def difference(
        self, coil: Coil, quantity: Quantity, services: Collection[int], pieces: Sequence[Period]
    ) -> Iterator[Metrics]:
        """What Graphite lacks of the verdicts on a quantity, one piece of time after the other."""
        location = coil.scanner.location
        verdicts = judge(
            quantity,
            history.values(self._graphite, self._coil_path(coil), quantity, pieces),
            services,
            self._rules.baseline(location, coil.name, self._site.settings.timezone),
            self._rules.limits.get(quantity),
        )
        path = paths.control(self._site.path(location), coil.name, quantity.column)
        for piece in pieces:
            step = history.step(self._graphite, f"{path}.value", piece)
            if step != 0:  # else it does not keep what is so old
                stored = history.stored(self._graphite, path, [piece]).get(path, {})
                lacking = _lacking(verdicts.series, stored, piece, step or 1)
                yield self._metrics(coil, quantity.column, lacking)
        if verdicts.newest:
            coil.newest[quantity] = verdicts.newest

    def about(self, coil: Coil) -> Metrics:
        """How a coil fares, now."""
        newest = coil.newest_scan()
        if not newest:
            return []
        now = int(time.time())
        numbers = {
            "seconds_since_last_scan": float(max(0, now - newest[0].epoch)),
            "out_of_control": float(sum(each.is_out for each in newest)),
            "slow_changes": float(sum(each.is_slow for each in newest)),
            "days_to_learn": float(max(each.days_to_learn for each in newest)),
        }
        return self._metrics(coil, "", {now: numbers})

    def _recent(self, scanner: Any) -> tuple[Mapping[str, Recent], Mapping[str, set[int]]]:
        """By coil: the recent values that show a scan, and when a scan was judged."""
        now = int(time.time())
        values: dict[str, Recent] = defaultdict(set)
        for path, series in self._graphite.series(
            f"{self._path(scanner)}.{paths.ANY}.{paths.ANY}.mean.1", now - RECENT, now
        ).items():
            values[paths.series(path).coil].update((path, *point) for point in series.items())
        judged: dict[str, set[int]] = defaultdict(set)
        pattern = paths.control(self._site.path(scanner.location), paths.ANY, "*.*.value")
        for path, series in self._graphite.series(pattern, now - RECENT, now).items():
            judged[paths.series(path).coil].update(series)
        return values, judged

    def _is_due(
        self, coil: Coil, services: Sequence[int], recent: Recent, judged: Collection[int]
    ) -> bool:
        if coil.services != services or not recent <= coil.recent:
            return True
        scanned = max((epoch for _, epoch, _ in recent), default=0) // DAY
        is_lacking = scanned > max(judged, default=0) // DAY
        return time.monotonic() - coil.looked_at > (PATIENCE if is_lacking else DAY)

    def _path(self, scanner: Any) -> str:
        """Of a scanner, on whatever machine its collector ran."""
        return paths.scanner(self._site.any_prefix, scanner.location)

    def _coil_path(self, coil: Coil) -> str:
        return f"{self._path(coil.scanner)}.{coil.name}"

    def _metrics(
        self, coil: Coil, below: str, points: Mapping[int, Mapping[str, float]]
    ) -> Metrics:
        """The Metrics of numbers by epoch and name, the names `below` the coil's path."""
        path = paths.control(coil.scanner.path, coil.name, f"{below}." if below else "")
        return [
            metric
            for epoch, numbers in sorted(points.items())
            for metric in self._site.collector.make_metrics(
                [(f"{path}{name}", value, _decimals(value)) for name, value in numbers.items()],
                epoch,
            )
        ]


def _lacking(
    wanted: Mapping[str, Points], stored: Mapping[str, Series], piece: Period, step: int
) -> Mapping[int, Mapping[str, float]]:
    """Numbers by epoch and name: of the last scan in each slot of `step` seconds what is stored
    otherwise."""
    found: dict[int, dict[str, float]] = defaultdict(dict)
    for name, points in wanted.items():
        there = stored.get(name, {})
        # Points come in order of time.
        last_in_slot = {
            epoch // step: epoch for epoch in points if piece.since <= epoch <= piece.until
        }
        for slot, epoch in last_in_slot.items():
            value, instead = points[epoch], there.get(slot * step)
            if value is None and instead not in (None, NOTHING):
                found[epoch][name] = NOTHING
            elif value is not None and not _is_same(value, instead):
                found[epoch][name] = value
    return found


def _is_same(value: float, instead: float | None) -> bool:
    """Whether a value is there, to the twelve digits that VictoriaMetrics keeps at least."""
    return instead is not None and math.isclose(value, instead, rel_tol=1e-11, abs_tol=1e-11)


def _decimals(value: float) -> int:
    """How many it takes to write a number so that it is read as the same."""
    exponent = Decimal(repr(value)).as_tuple().exponent
    return max(0, -int(exponent))
