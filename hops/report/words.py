"""The verdict on a coil in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hops.console import counted, printable
from hops.control import EWMA_WEIGHT, EWMA_WIDTH, FEWEST, HISTORY, LAG, WIDTH
from hops.quantities import Quantity
from hops.report.data import CoilData
from hops.report.verdict import Excursion, Of, State, Verdict
from hops.times import age

MOST_SPANS = 5
JUDGED = (State.OUT, State.SLOW, State.IN)


class Line(NamedTuple):
    """A quantity in the newest scan, in the mean of the slices, beside its limits; "" for what
    there is not."""

    name: str
    verdict: str
    value: str = ""
    centre: str = ""
    lower: str = ""
    upper: str = ""
    limit: str = ""
    """The site's own."""
    percent: str = ""
    """From the centre line."""
    sigmas: str = ""
    slope: str = ""
    """In percent a year."""
    is_sure: bool = False
    """Whether the slope is a change at all."""


def headline(verdict: Verdict) -> str:
    """The verdict on the period in one line."""
    first = f"No scan for {age(verdict.age or 0)}. " if verdict.is_stale else ""
    return first + _of_period(verdict)


def in_short(verdict: Verdict) -> str:
    """The same for a table's cell."""
    if verdict.state in JUDGED:
        return f"{len(verdict.beyond())} of {len(verdict.data.scans):,}"
    if verdict.state is State.LEARNING:
        to_go = verdict.data.days_to_learn
        return f"{counted(to_go, 'day')} to go" if to_go else "learning"
    return str(verdict.state.value)


def how_many(states: Sequence[State]) -> str:
    """How many coils there are, and how many of them fare badly."""
    out, slow = states.count(State.OUT), states.count(State.SLOW)
    slowly = f", {slow} with a slow change" if slow else ""
    return f"{counted(len(states), 'coil')}, {out} out of control{slowly}"


def sentences(verdict: Verdict) -> list[str]:
    """What was out of control, or that nothing was."""
    data = verdict.data
    if not data.scans:
        if verdict.newest is None:
            return [f"There is no scan of coil {data.coil} yet."]
        return [f"The newest scan of coil {data.coil} is of {_date(data, verdict.newest)}."]
    found = [
        f"{quantity.name} of coil {data.coil}: no value in the newest scan, {_newest(verdict)}."
        for quantity in verdict.missing
    ]
    found += told(verdict, verdict.excursions)
    if any(verdict.cell(each).state is State.LEARNING for each in verdict.means):
        to_go = data.days_to_learn or 0
        more = f"; {counted(to_go, 'day')} with scans to go" * bool(to_go)
        found.append(
            f"The newest scan has no control limits: they are taken from {FEWEST} days with scans "
            f"before it and after the last service{more}."
        )
    elif not found:
        found.append(_all_is_well(verdict))
    return found


def told(verdict: Verdict, excursions: Sequence[Excursion]) -> list[str]:
    """A sentence for each quantity and limit that scans were beyond."""
    return [
        _sentence(verdict, alike)
        for alike in _grouped(excursions)
        if not _follows_a_step(alike[0], verdict.excursions)
    ]


def _follows_a_step(one: Excursion, excursions: Iterable[Excursion]) -> bool:
    """Whether it is of a moving average that went with the scans: a step takes it beyond its limit,
    too, and for fewer scans."""
    return one.chart.of is Of.AVERAGE and any(
        each.chart.of is Of.MEAN
        and (each.chart.quantity, each.side) == (one.chart.quantity, one.side)
        and len(each.scans) >= len(one.scans)
        for each in excursions
    )


def line(verdict: Verdict, quantity: Quantity) -> Line:
    """A quantity in the newest scan, for a table."""
    cell = verdict.cell(quantity)
    if cell.value is None:
        return Line(quantity.title, "no value")
    newest, slope = verdict.means[quantity].scans[-1], verdict.slope(quantity)
    centre = newest.centre
    return Line(
        quantity.title,
        _in_newest(verdict, quantity),
        number(newest.value),
        number(centre) if centre is not None else "",
        number(newest.lower) if newest.lower else "",
        number(newest.upper) if newest.upper is not None else "",
        number(newest.limit) if newest.limit else "",
        signed(100 * (newest.value / centre - 1)) if centre else "",
        signed(newest.sigmas) if centre is not None else "",
        f"{slope.percent:+.1f} ± {slope.margin:.1f}" if slope else "",
        slope is not None and abs(slope.percent) > slope.margin,
    )


def signed(distance: float) -> str:
    """A distance from the centre line, in standard deviations or percent."""
    return f"{round(distance, 1) + 0.0:+.1f}"


def _in_newest(verdict: Verdict, quantity: Quantity) -> str:
    """What of a quantity is beyond limits in the newest scan."""
    cell = verdict.cell(quantity)
    now = [
        each for each in verdict.excursions
        if each.since is not None and each.chart.quantity == quantity
    ]
    beyond = [each for each in now if each.is_bad] or now
    if not beyond:
        return "learning" if cell.state is State.LEARNING else "within limits"
    of = {each.chart.of for each in beyond}
    slices = {each.chart.slice for each in beyond if each.chart.of is Of.SLICE}
    parts = ["mean"] * (Of.MEAN in of) + ["average"] * (Of.AVERAGE in of)
    parts += [slice_numbers(slices)] * bool(slices)
    if not beyond[0].is_bad:
        return f"{'better' if quantity.bad else 'changed'}: {', '.join(parts)}"
    if of == {Of.SLICE}:
        return f"{parts[0]} beyond"
    return f"{'out' if Of.MEAN in of else 'slow'}: {', '.join(parts)}"


def method(verdict: Verdict) -> list[str]:
    data = verdict.data
    charts = [chart for charts in verdict.slices.values() for chart in charts]
    single = (
        f" (±{charts[0].width:.1f} for single slices, as {len(charts)} of those charts are looked "
        "at together)"
    ) if charts else ""
    days = f"the {HISTORY} days that ended {LAG} days before, or else the first {FEWEST} days with "
    days += "scans, after the last service"
    if data.fixed:
        days = " to ".join(f"{data.time(epoch):%Y-%m-%d}" for epoch in data.fixed)
    return [
        "Control limits, dashed, are those that each scan was judged by: Shewhart's chart of "
        f"individual values, mean ±{WIDTH} standard deviations{single} of a scan to come, by "
        f"{days}; NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2. Triangles: scans "
        "beyond them; hollow: better. Purple: their moving average (EWMA, weight "
        f"{EWMA_WEIGHT}; 6.3.2.4), thick where it is {EWMA_WIDTH} of its own standard deviations "
        "from the centre line: a slow change. Single slices beyond limits are told and not "
        "counted. Change in % a year: slope of the year before the newest scan, with 95 % "
        "confidence.",
    ]


def note_lines(verdict: Verdict) -> list[str]:
    """The service notes, oldest first: the number in the charts, the day and what was done."""
    data = verdict.data
    if data.without_notes:
        return [f"Service notes are not known, as this Graphite tells none: {data.without_notes}"]
    return [
        f"{index}  {_date(data, note.epoch)}  {printable(note.what)}"
        for index, note in enumerate(data.notes, start=1)
    ]


def ago(data: CoilData, epoch: int) -> str:
    """How long before now, or before the end of a period that is over."""
    since = age(data.period.until - epoch)
    return f"{since} ago" if data.period.until == data.now else f"{since} before the end"


def slice_numbers(numbers: Iterable[int]) -> str:
    """Slices in short, as in `slices 3, 11-13`, or how many if that would be long."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    if len(spans) > MOST_SPANS:
        return f"{sum(map(len, spans))} slices"
    text = ", ".join(str(s[0]) if len(s) == 1 else f"{s[0]}-{s[-1]}" for s in spans)
    return f"slice{'s' * (sum(map(len, spans)) > 1)} {text}"


def number(value: float, more: int = 0) -> str:
    """A value with three significant digits (four from 1 on), or so many `more`."""
    if not value:
        return "0"
    digits = more + (4 if abs(value) >= 1 else 3)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def _of_period(verdict: Verdict) -> str:
    data, state = verdict.data, verdict.state
    text = state.value.capitalize()
    if state is State.UNKNOWN:
        return f"{text} from {_date(data, data.period.since)} to {_date(data, data.period.until)}"
    if state not in JUDGED:
        return text
    if state is State.SLOW:
        text += f" ({', '.join(each.name for each in verdict.slow)})"
    beyond, in_slices = verdict.beyond(), verdict.beyond(Of.SLICE)
    told = f"{text}: {len(beyond) or 'none'} of {counted(len(data.scans), 'scan')} beyond limits"
    if beyond:
        return f"{told}, newest {ago(data, beyond[-1])}"
    if in_slices:
        return f"{told}; single slices in {len(in_slices):,}, newest {ago(data, in_slices[-1])}"
    return told


def _grouped(excursions: Sequence[Excursion]) -> list[list[Excursion]]:
    """Those that go into one sentence: of the mean of a quantity, or of its slices beyond one
    limit; first what is so now, and what is a fault."""
    groups: dict[tuple[object, ...], list[Excursion]] = {}
    for each in sorted(excursions, key=lambda each: (each.since is None, not each.is_bad)):
        alike = (each.chart.quantity, each.chart.of, each.side, each.since is None)
        groups.setdefault(alike, []).append(each)
    return list(groups.values())


def _sentence(verdict: Verdict, excursions: Sequence[Excursion]) -> str:
    worst = max(excursions, key=lambda each: abs(each.told.sigmas))
    chart, when = worst.chart, _when(verdict, worst)
    of_coil = f"{chart.quantity.name} of coil {verdict.data.coil}"
    if chart.of is Of.AVERAGE:
        return f"{of_coil} {_slowly(worst)}: its moving average is {_away(worst)} {when}."
    value, beyond = _beyond(worst)
    if chart.of is Of.SLICE:
        of_coil += f", {slice_numbers(each.chart.slice for each in excursions)}"
        value += f" in slice {chart.slice}" * (len(excursions) > 1)
    elif len(verdict.data.slices) > 1:
        of_coil += ", mean of the slices"
    better = " This is better than before." * chart.quantity.is_better(worst.side)
    return f"{of_coil}: {value}, {beyond} {when}.{better}"


def _slowly(excursion: Excursion) -> str:
    rises, falls = ("rises", "falls") if excursion.since is not None else ("rose", "fell")
    return f"{rises if excursion.side > 0 else falls} slowly"


def _beyond(excursion: Excursion) -> tuple[str, str]:
    """The value, and what limit it is beyond."""
    scan, above = excursion.told, excursion.side > 0
    if not excursion.side:
        value, limit = _different(scan.value, scan.limit or 0.0)
        return value, f"beyond the site's limit {limit}"
    if excursion.chart.of is Of.SLICE:
        return number(scan.value), _away(excursion)
    value, limit = _different(scan.value, (scan.upper if above else scan.lower) or 0.0)
    return value, f"{'above its upper' if above else 'below its lower'} limit {limit}"


def _away(excursion: Excursion) -> str:
    """What is stored of a slice and of an average: how far it is from its centre line."""
    side = "above" if excursion.side > 0 else "below"
    return f"{abs(excursion.told.sigmas):.1f} sd {side} its centre line"


def _when(verdict: Verdict, excursion: Excursion) -> str:
    data, since = verdict.data, excursion.since
    if since == data.scans[-1]:
        return "in the newest scan"
    if since is not None:
        return f"since {_date(data, since)}" + " or before" * (since == data.scans[0])
    more = len(excursion.scans) - 1
    also = f" and in {counted(more, 'other scan')}" if more else ""
    again = f"; within it since {_date(data, excursion.until)}" if excursion.until else ""
    return f"on {_date(data, excursion.told.epoch)}{also}{again}"


def _different(one: float, other: float) -> tuple[str, str]:
    """Two values with as many digits as it takes to see which is greater."""
    pairs = ((number(one, more), number(other, more)) for more in range(12))
    return next((pair for pair in pairs if pair[0] != pair[1]), (str(one), str(other)))


def _all_is_well(verdict: Verdict) -> str:
    data, slices = verdict.data, len(verdict.data.slices)
    each = f", in the mean of the {slices} slices and in each of them" * (slices > 1)
    has_own = any(scan.limit is not None for each in verdict.means.values() for scan in each.scans)
    own = " and the site's own" * has_own
    return (
        f"All values of coil {data.coil} in {counted(len(data.scans), 'scan')}, the newest of "
        f"{_newest(verdict)}, are within their control limits{own}{each}."
    )


def _newest(verdict: Verdict) -> str:
    return _date(verdict.data, verdict.data.scans[-1])


def _date(data: CoilData, epoch: int) -> str:
    return f"{data.time(epoch):%Y-%m-%d}"
