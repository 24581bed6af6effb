"""What a coil's values say: a control chart for each quantity and each of its slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hops import control
from hops.control import Baseline, Limits, Period, Run
from hops.graphiteweb import Series
from hops.notes import begin_anew
from hops.quantities import QUANTITIES, Quantity
from hops.report.data import CoilData


@dataclass(frozen=True)
class Chart:
    """A control chart of a quantity: in one slice, or of the mean over slices (slice None)."""

    quantity: Quantity
    slice: int | None
    series: Series
    limits: Limits | None


@dataclass(frozen=True)
class Excursion:
    """A chart whose newest value is beyond a limit."""

    chart: Chart
    value: float
    limit: float
    severity: float
    """How far the value is from the centre line, in distances of the limit."""
    run: Run


@dataclass(frozen=True)
class Verdict:
    """The charts of a coil and what is out of control in its newest scan."""

    data: CoilData
    baseline: Baseline | None
    means: Mapping[Quantity, Chart]
    slices: Mapping[Quantity, Sequence[Chart]]
    slice_width: float
    """Distance of the limits of single slices, in standard deviations."""
    excursions: Sequence[Excursion]

    @property
    def newest(self) -> int:
        """When the newest scan was."""
        return self.data.scans[-1]

    @property
    def missing(self) -> list[Quantity]:
        """The quantities that the newest scan has no value of, and other scans have."""
        return [
            each
            for each in QUANTITIES
            if self.means[each].series and self.newest not in self.means[each].series
        ]


def judge(data: CoilData, fixed: Period | None = None) -> Verdict:
    """The verdict on a coil with at least one scan, by the limits for its newest scan; `fixed`: the
    baseline that they are from, where one was chosen."""
    numbers = data.slices if len(data.slices) > 1 else []
    width = control.width_for(max(1, len(QUANTITIES) * len(numbers)))
    notes = begin_anew(data.notes)
    newest = data.scans[-1]
    baselines: list[Baseline | None] = []

    def chart(quantity: Quantity, number: int | None, series: Series, width: float) -> Chart:
        judged = control.judge(series, notes, fixed, width)[-1:]
        baselines.extend(each.baseline for each in judged if each.epoch == newest)
        limits = judged[0].limits if judged else None
        if number is None and fixed is None:
            # Computed here only where nobody has judged the scan.
            limits = data.judged.get(quantity, limits)
        return Chart(quantity, number, series, limits)

    means = {each: chart(each, None, data.mean(each), control.WIDTH) for each in QUANTITIES}
    slices = {
        each: [
            chart(each, number, data.values[each].get(number, {}), width) for number in numbers
        ]
        for each in QUANTITIES
    }
    baseline = next(filter(None, baselines), None)
    excursions = [
        excursion
        for each in QUANTITIES
        for one in (means[each], *slices[each])
        if (excursion := _excursion(one, newest))
    ]
    return Verdict(data, baseline, means, slices, width, excursions)


def _excursion(chart: Chart, newest: int) -> Excursion | None:
    limits = chart.limits
    if limits is None or newest not in chart.series:
        return None
    run = control.newest_run(chart.series, limits)
    if run is None:
        return None
    value = chart.series[newest]
    limit = limits.upper if run.side > 0 else limits.lower
    away = abs(value - limits.centre)
    severity = away / limits.distance if limits.distance else float("inf")
    return Excursion(chart, value, limit, severity, run)
