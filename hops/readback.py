"""Whether Graphite has stored what reports say, asked value by value of its render API."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Optional

from hops import paths
from hops.graphiteweb import GraphiteWeb
from hops.site import Site
from hops.times import DAY
from stability_report import Report, timestamp

# Graphite is asked about a coil's reports of so many seconds at once, and reads every slot of them.
WINDOW = 90 * DAY
# {metric path: (slot, value)}
_Slots = Mapping[str, tuple[int, Optional[float]]]
# The collector of 2018 rounded to so many decimals.
OLD_DECIMALS = 2
# Of the largest number: an average of numbers that are all the same may differ from them by this.
AVERAGING_ERROR = 1e-12


class State(str, Enum):
    """What became of a value."""

    STORED = "stored"
    MISSING = "missing"
    """Graphite has nothing in its slot."""
    EXPIRED = "expired"
    """Graphite keeps nothing of its age: the retention is shorter."""
    ROUNDED = "rounded"
    """Graphite has it rounded, as an older collector sent it."""
    SHARED = "shared"
    """Another scan of the coil is in its slot: its value is there, or one made of both."""
    UNEXPLAINED = "unexplained"
    """Graphite has another value."""


@dataclass(frozen=True)
class Scan:
    """A scan: of which coil, when, and the name of the file with its report."""

    location: str
    coil: str
    path: str
    """What the metric paths of the coil begin with."""
    epoch: int
    name: str


@dataclass(frozen=True)
class Expected:
    """What should be stored of a scan: the numbers of its report by metric path."""

    scan: Scan
    points: Mapping[str, float]


@dataclass(frozen=True)
class Difference:
    """A number of a report, and what Graphite has in its place."""

    metric: str
    report: float
    graphite: float | None


@dataclass(frozen=True)
class Comparison:
    """A report compared with Graphite."""

    scan: Scan
    counts: Mapping[State, int]
    """How many of its values became what."""
    examples: Mapping[State, Difference]
    """The first value of each state other than STORED."""
    shares_with: Sequence[str]
    """The names of other reports in its slot."""
    slot_is_of: str | None
    """The name of the one among them whose values are there; None when they are nobody's alone."""

    @property
    def values(self) -> int:
        return sum(self.counts.values())

    @property
    def is_stored(self) -> bool:
        """Whether Graphite has all of it as the report has it."""
        return self.counts[State.STORED] == self.values

    @property
    def can_be_mended(self) -> bool:
        """Whether something is missing or different that Graphite would keep if it were sent."""
        return bool(self.counts[State.MISSING] or self.counts[State.UNEXPLAINED])

    @property
    def is_wrong(self) -> bool:
        """Whether Graphite lacks something, or has it different for no known reason."""
        return self.can_be_mended or bool(self.counts[State.EXPIRED])


def expected(site: Site, location: str, report: Report, name: str) -> Expected:
    """What the collector sends of the `report` in the file `name`.

    Raises KeyError for a coil that is not under [coils].
    """
    scanner = site.scanner(location)
    coil = site.settings.coils[report.channels]
    epoch = timestamp(report.time, site.settings.timezone)
    metrics = site.collector.metrics(scanner, report, epoch)
    path = paths.Series(site.path(location), coil).coil_path
    scan = Scan(location, coil, path, epoch, name)
    return Expected(scan, {metric.path: metric.value for metric in metrics})


def compare(
    graphite: GraphiteWeb, reports: Iterable[Expected], precision: int | None = None
) -> Iterator[Comparison]:
    """Compares each value of the `reports`, oldest scan first, with what Graphite has in its slot.

    `precision`: decimals that values are rounded to on purpose. Holds a few months of reports at a
    time. Raises Problem when Graphite does not answer as it should.
    """
    coils: dict[str, _Coil] = {}
    for _, window in groupby(reports, lambda report: report.scan.epoch // WINDOW):
        of_coils = defaultdict(list)
        for report in window:
            of_coils[report.scan.path].append(report)
        for path, of_coil in of_coils.items():
            if path not in coils:
                coils[path] = _Coil(graphite, path, precision)
            yield from coils[path].compare(of_coil)


def _day(report: Expected) -> int:
    return report.scan.epoch // DAY


class _Coil:
    """A coil's series in Graphite."""

    def __init__(self, graphite: GraphiteWeb, path: str, precision: int | None) -> None:
        self._graphite = graphite
        self._precision = precision
        self._pattern = str(paths.series_of_coil(path))
        # Carbon may have been killed while it made a file, which is no series then.
        self._known = set(
            graphite.exactly(self._pattern, int(time.time()))
            if graphite.has_retentions
            else graphite.expand(self._pattern)
        )
        self._series = min(self._known, default=None)

    def compare(self, reports: list[Expected]) -> Iterator[Comparison]:
        for step, span in self._spans(reports):
            epochs = [each.scan.epoch for each in span]
            stored = self._graphite.points(self._pattern, epochs) if step else {}
            for _, of_a_day in groupby(sorted(span, key=_day), _day):
                yield from self._judge(list(of_a_day), stored)

    def _judge(
        self, reports: Sequence[Expected], stored: Mapping[int, Mapping[str, float]]
    ) -> Iterator[Comparison]:
        """Judges the reports of a day, among which are all that may share a slot.

        All were asked for at once, as if every series had one retention: what is not there then is
        looked for where each series has it.
        """
        exactly: dict[int, _Slots] = {}
        for report in reports:
            found = _Judged(report, self._precision)
            for path, number in report.points.items():
                found.add(path, number, stored.get(report.scan.epoch, {}).get(path))
            if self._known and not found.is_explained:
                exactly = exactly or {
                    epoch: self._graphite.exactly(self._pattern, epoch)
                    for epoch in {each.scan.epoch for each in reports}
                }
                found = self._look_closely(report, reports, exactly)
            yield found.comparison()

    def _look_closely(
        self, report: Expected, reports: Sequence[Expected], exactly: Mapping[int, _Slots]
    ) -> _Judged:
        slots = exactly[report.scan.epoch]
        found = _Judged(report, self._precision)
        for path, number in report.points.items():
            slot, value = slots.get(path, (None, None))
            rivals = [
                each
                for each in reports
                if each is not report
                and path in each.points
                and exactly[each.scan.epoch].get(path, ("",))[0] == slot
            ]
            is_expired = slot is None and path in self._known and self._graphite.has_retentions
            found.add(path, number, value, rivals, is_expired)
        return found

    def _spans(self, reports: list[Expected]) -> Iterator[tuple[int | None, list[Expected]]]:
        """The reports in lists of one age: with how many seconds a slot of that age has, None when
        Graphite keeps nothing of it. A question over two ages would be answered for the older."""
        first, last = self._step(reports[0]), self._step(reports[-1])
        # No slot is longer than a day, and none reaches over midnight UTC.
        days = sorted(set(map(_day, reports)))
        if first == last or len(days) == 1:
            yield first, reports
            return
        middle = days[len(days) // 2]
        yield from self._spans([each for each in reports if _day(each) < middle])
        yield from self._spans([each for each in reports if _day(each) >= middle])

    def _step(self, report: Expected) -> int | None:
        if self._series is None:
            return None
        if not self._graphite.has_retentions:
            return DAY  # or any other, as all ages are alike
        return self._graphite.step(self._series, report.scan.epoch)


class _Judged:
    """A report, of which one value after the other is judged."""

    def __init__(self, report: Expected, precision: int | None) -> None:
        self._report = report
        self._precision = precision
        self._counts: Counter[State] = Counter()
        self._examples: dict[State, Difference] = {}
        self._shares_with: dict[str, None] = {}  # in the order of their scans
        self._there: Counter[str] = Counter()

    @property
    def is_explained(self) -> bool:
        """Whether every value is there, at most rounded."""
        return set(self._counts) <= {State.STORED, State.ROUNDED}

    def add(
        self,
        path: str,
        number: float,
        value: float | None,
        rivals: Sequence[Expected] = (),
        is_expired: bool = False,
    ) -> None:
        """Judges a `number` of the report by the `value` in its slot, which it shares with
        `rivals`."""
        numbers = [each.points[path] for each in rivals]
        state = State.EXPIRED if is_expired else _state(number, value, numbers, self._precision)
        self._counts[state] += 1
        self._shares_with.update(dict.fromkeys(each.scan.name for each in rivals))
        if state is not State.STORED:
            self._examples.setdefault(state, Difference(path, number, value))
        if state is State.SHARED:
            self._there.update(each.scan.name for each in rivals if value == each.points[path])

    def comparison(self) -> Comparison:
        there = next((name for name, _ in self._there.most_common(1)), None)
        scan = self._report.scan
        return Comparison(scan, self._counts, self._examples, [*self._shares_with], there)


def _state(
    number: float, value: float | None, rivals: Sequence[float], precision: int | None
) -> State:
    if value is None:
        return State.MISSING
    if value == number or (precision is not None and value == _rounded(number, precision)):
        return State.STORED
    if value in rivals:
        return State.SHARED
    if value == _rounded(number, OLD_DECIMALS):
        return State.ROUNDED
    return State.SHARED if rivals and _is_made_of(value, [number, *rivals]) else State.UNEXPLAINED


def _rounded(number: float, decimals: int) -> float:
    return float(f"{number:.{decimals}f}")


def _is_made_of(value: float, numbers: Sequence[float]) -> bool:
    """Whether `value` can be the last, least, largest or average of `numbers`, rounded or not."""
    candidates = [*numbers, *(_rounded(each, OLD_DECIMALS) for each in numbers)]
    error = AVERAGING_ERROR * max(map(abs, candidates))
    return min(candidates) - error <= value <= max(candidates) + error
