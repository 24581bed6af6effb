"""What a coil's values say: its scans in a period, and what of them is beyond limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from hops import control
from hops.judge import verdicts
from hops.quantities import QUANTITIES, WATCHED, Quantity
from hops.report.data import CoilData
from hops.slope import Slope
from hops.times import DAY

NO_SCAN = 4 * DAY
"""As the alerts: after a weekend they wait for the next working day."""


class State(str, Enum):
    """How a coil, or a quantity of it, fares; the worst first."""

    OUT = "out of control"
    SLOW = "slow change"
    INCOMPLETE = "incomplete"
    LEARNING = "no control limits yet"
    IN = "in control"
    UNKNOWN = "no scan"

    @property
    def is_alarm(self) -> bool:
        """Whether alerts are about it."""
        return self in (State.OUT, State.SLOW)


class Of(Enum):
    """What a control chart is of. Alerts are about the first two."""

    MEAN = "mean over the slices"
    AVERAGE = "moving average of that"
    SLICE = "single slice"


class Scan(NamedTuple):
    """A scan in a chart; what is None was not judged, or there is no such limit."""

    epoch: int
    value: float
    centre: float | None = None
    lower: float | None = None
    """0 for no lower limit."""
    upper: float | None = None
    sigmas: float = 0.0
    """From the centre line; 0 while there is none."""
    limit: float | None = None
    """The site's own."""
    over: float = 0.0
    """How far the value is beyond that; 0 or less: within."""


@dataclass(frozen=True)
class Chart:
    """A control chart of a quantity."""

    of: Of
    quantity: Quantity
    scans: Sequence[Scan]
    """In order of time."""
    width: float
    """Distance of the limits from the centre line, in standard deviations."""
    slice: int = 0
    """Its number, if it is of one."""

    def side(self, scan: Scan) -> int:
        """1 for a scan above the upper control limit, -1 for one below the lower, else 0."""
        return (scan.sigmas > self.width) - (scan.sigmas < -self.width)

    def is_out(self, scan: Scan) -> bool:
        """Whether it is on the bad side of a control limit, or beyond the site's own limit."""
        is_bad = self.quantity in WATCHED and self.quantity.bad * self.side(scan) > 0
        return is_bad or scan.over > 0


class Excursion(NamedTuple):
    """Scans of a chart beyond one limit."""

    chart: Chart
    side: int
    """Of the control limits; 0: beyond the site's own limit."""
    scans: Sequence[Scan]
    is_bad: bool
    """Whether it is a fault, and no signal that was adjusted or what has become better."""
    since: int | None
    """The first of its scans in a row up to the newest; None when the newest is within."""
    until: int | None
    """The first scan after the last of its scans."""

    @property
    def told(self) -> Scan:
        """The scan to tell of: the newest of all, or else the one that is farthest beyond."""
        if self.since is not None:
            return self.scans[-1]
        return max(self.scans, key=lambda each: abs(each.sigmas) if self.side else each.over)


class Cell(NamedTuple):
    """A quantity in the newest scan of a period."""

    state: State
    value: float | None = None
    sigmas: float = 0.0
    beyond: int = 0
    """How many scans of the period are out of control."""
    slow: int = 0
    """The side to which it changes slowly, if that is the bad one."""


@dataclass(frozen=True)
class Verdict:
    """The charts of a coil and what is out of control in the period."""

    data: CoilData
    means: Mapping[Quantity, Chart]
    averages: Mapping[Quantity, Chart]
    slices: Mapping[Quantity, Sequence[Chart]]
    excursions: Sequence[Excursion]

    @property
    def newest(self) -> int | None:
        """When the newest scan was; it may be before the period."""
        return self.data.last_scan

    @property
    def age(self) -> int | None:
        """Seconds from the newest scan to the end of the period, which is now if it goes on."""
        return None if self.newest is None else max(0, self.data.period.until - self.newest)

    @property
    def is_stale(self) -> bool:
        """Whether the newest scan is so long ago that the rest matters less."""
        return self.age is not None and self.age > NO_SCAN

    def beyond(self, of: Of = Of.MEAN) -> list[int]:
        """The scans that are beyond limits: those of the means, unless others are asked for, are
        out of control."""
        bad = (each.scans for each in self.excursions if each.is_bad and each.chart.of is of)
        return sorted({scan.epoch for scans in bad for scan in scans})

    @property
    def slow(self) -> list[Quantity]:
        """The quantities that changed slowly."""
        charts = self.averages.values()
        return [chart.quantity for chart in charts if any(map(chart.is_out, chart.scans))]

    def slope(self, quantity: Quantity) -> Slope | None:
        """How it has changed over the year before the newest scan; None where that is not known."""
        judged, scans = self.data.judged.get(quantity, {}), self.means[quantity].scans
        percent, margin = (
            judged.get(name, {}).get(scans[-1].epoch, 0.0) if scans else 0.0
            for name in ("slope", "slope_margin")
        )
        return Slope(percent, margin) if percent or margin else None

    @property
    def missing(self) -> list[Quantity]:
        """The quantities that the newest scan has no value of, and other scans have."""
        return [each for each in QUANTITIES if self.cell(each).state is State.INCOMPLETE]

    @property
    def state(self) -> State:
        """In the period; of what is not out of control, the newest scan's."""
        if not self.data.scans:
            return State.UNKNOWN
        if self.beyond():
            return State.OUT
        return State.SLOW if self.slow else self.state_now

    @property
    def state_now(self) -> State:
        """Of the newest scan in the period, as alerts and dashboards have it."""
        states = {self.cell(each).state for each in QUANTITIES}
        return next(each for each in State if each in states)

    def cell(self, quantity: Quantity) -> Cell:
        """A quantity in the newest scan, in the mean of the slices: as dashboards show it."""
        chart = self.means[quantity]
        beyond = sum(map(chart.is_out, chart.scans))
        if not chart.scans:
            return Cell(State.UNKNOWN)
        newest = chart.scans[-1]
        if newest.epoch != self.data.scans[-1]:
            return Cell(State.INCOMPLETE, beyond=beyond)
        average = self.averages[quantity]
        slow = sum(
            average.side(each)
            for each in average.scans[-1:]
            if each.epoch == newest.epoch and average.is_out(each)
        )
        state = State.LEARNING if newest.centre is None else State.SLOW if slow else State.IN
        state = State.OUT if chart.is_out(newest) else state
        return Cell(state, newest.value, newest.sigmas, beyond, slow)


def judge(data: CoilData) -> Verdict:
    """The verdict on a coil."""
    numbers = data.slices if len(data.slices) > 1 else []
    width = control.width_for(max(1, len(QUANTITIES) * len(numbers)))
    means = {each: _mean(data, each) for each in QUANTITIES}
    averages = {each: _average(data, each) for each in QUANTITIES}
    slices = {
        each: [_slice(data, each, number, width) for number in numbers] for each in QUANTITIES
    }
    excursions = [
        excursion
        for each in QUANTITIES
        for chart in (means[each], averages[each], *slices[each])
        for excursion in _excursions(chart)
    ]
    return Verdict(data, means, averages, slices, excursions)


def _mean(data: CoilData, quantity: Quantity) -> Chart:
    judged = data.judged.get(quantity, {})

    def of(name: str, scan: int) -> float | None:
        return judged.get(name, {}).get(scan)

    values = verdicts.mean(data.values.get(quantity, {}))
    scans = [
        Scan(
            epoch, value, of("centre", epoch), of("lower", epoch), of("upper", epoch),
            of("sigmas", epoch) or 0.0, of("limit", epoch),
            (of("over_limit", epoch) or 0.0) if of("limit", epoch) is not None else 0.0,
        )
        for epoch, value in values.items()
    ]
    return Chart(Of.MEAN, quantity, scans, control.WIDTH)


def _average(data: CoilData, quantity: Quantity) -> Chart:
    judged = data.judged.get(quantity, {})
    averages, centres = judged.get("ewma", {}), judged.get("centre", {})
    # Scans without limits, too: with them a slow change before a service ends.
    scans = [
        Scan(epoch, averages.get(epoch, math.nan), centres.get(epoch), sigmas=sigmas)
        for epoch, sigmas in sorted(judged.get("ewma_sigmas", {}).items())
    ]
    return Chart(Of.AVERAGE, quantity, scans, control.EWMA_WIDTH)


def _slice(data: CoilData, quantity: Quantity, number: int, width: float) -> Chart:
    sigmas = data.judged.get(quantity, {}).get(f"slices.{number}", {})
    values = data.values.get(quantity, {}).get(number, {})
    scans = [Scan(each, values[each], sigmas=sigmas.get(each, 0.0)) for each in sorted(values)]
    return Chart(Of.SLICE, quantity, scans, width, number)


def _excursions(chart: Chart) -> Iterator[Excursion]:
    for side in (-1, 1):
        if chart.of is Of.AVERAGE and chart.quantity.is_better(side):
            continue
        is_bad = chart.quantity in WATCHED and chart.quantity.bad == side
        beyond = [chart.side(each) == side for each in chart.scans]
        yield from _excursion(chart, side, is_bad, beyond)
    yield from _excursion(chart, 0, True, [each.over > 0 for each in chart.scans])


def _excursion(
    chart: Chart, side: int, is_bad: bool, beyond: Sequence[bool]
) -> Iterator[Excursion]:
    if not any(beyond):
        return
    newest_first = beyond[::-1]
    within = len(beyond) - newest_first.index(True)
    row = newest_first.index(False) if not all(beyond) else len(beyond)
    since = chart.scans[-row].epoch if row else None
    until = chart.scans[within].epoch if within < len(beyond) else None
    scans = [scan for scan, is_beyond in zip(chart.scans, beyond) if is_beyond]
    yield Excursion(chart, side, scans, is_bad, since, until)
