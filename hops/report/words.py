"""The verdict on a coil in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from hops.console import counted, printable
from hops.control import FEWEST, HISTORY, LAG, WIDTH
from hops.quantities import Quantity
from hops.report.data import CoilData
from hops.report.verdict import Excursion, Scan, State, Verdict
from hops.times import age

MOST_SPANS = 5


def headline(verdict: Verdict) -> str:
    """The verdict on the period in one line."""
    first = f"No scan for {age(verdict.age or 0)}. " if verdict.is_stale else ""
    return first + _of_period(verdict)


def in_short(verdict: Verdict) -> str:
    """The same for a table's cell."""
    if verdict.state in (State.OUT, State.IN):
        return f"{len(verdict.beyond) or 'none'} of {len(verdict.data.scans):,}"
    text: str = verdict.state.value
    return "learning" if verdict.state is State.LEARNING else text


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
    return [_sentence(verdict, alike) for alike in _grouped(excursions)]


def in_newest(verdict: Verdict, quantity: Quantity) -> str:
    """What of a quantity is beyond limits in the newest scan."""
    cell = verdict.cell(quantity)
    if cell.value is None:
        return "no value"
    of_newest = [each for each in verdict.excursions if each.since is not None]
    beyond = [each for each in of_newest if each.chart.quantity == quantity]
    if not beyond:
        return "learning" if cell.state is State.LEARNING else "within limits"
    slices = {each.chart.slice for each in beyond} - {None}
    parts = ["mean"] * any(each.chart.slice is None for each in beyond)
    parts += [slice_numbers(filter(None, slices))] * bool(slices)
    word = "out" if any(each.is_bad for each in beyond) else "better" if quantity.bad else "changed"
    return f"{word}: {', '.join(parts)}"


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
        "beyond them; hollow: better.",
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
    data, text = verdict.data, verdict.state.value.capitalize()
    scans = counted(len(data.scans), "scan")
    if verdict.state is State.OUT:
        in_mean = any(each.is_bad and each.chart.slice is None for each in verdict.excursions)
        where = "" if in_mean else " in single slices"
        newest = ago(data, verdict.beyond[-1])
        return f"{text}{where}: {len(verdict.beyond)} of {scans} beyond limits, newest {newest}"
    if verdict.state is State.IN:
        return f"{text}: none of {scans} beyond limits"
    if verdict.state is State.UNKNOWN:
        return f"{text} from {_date(data, data.period.since)} to {_date(data, data.period.until)}"
    return text


def _grouped(excursions: Sequence[Excursion]) -> list[list[Excursion]]:
    """Those that go into one sentence: of the mean of a quantity, or of its slices beyond one
    limit; first what is so now, and what is a fault."""
    groups: dict[tuple[object, ...], list[Excursion]] = {}
    for each in sorted(excursions, key=lambda each: (each.since is None, not each.is_bad)):
        alike = (each.chart.quantity.name, each.chart.slice is None, each.side, each.since is None)
        groups.setdefault(alike, []).append(each)
    return list(groups.values())


def _sentence(verdict: Verdict, excursions: Sequence[Excursion]) -> str:
    worst = max(excursions, key=lambda each: abs(each.told.sigmas))
    chart, scan = worst.chart, worst.told
    where = f"of coil {verdict.data.coil}"
    value, beyond = _beyond(worst, scan)
    if chart.slice is not None:
        where += f", {slice_numbers(each.chart.slice or 0 for each in excursions)}"
        value += f" in slice {chart.slice}" * (len(excursions) > 1)
    elif len(verdict.data.slices) > 1:
        where += ", mean of the slices"
    better = " This is better than before." * chart.quantity.is_better(worst.side)
    return f"{chart.quantity.name} {where}: {value}, {beyond} {_when(verdict, worst)}.{better}"


def _beyond(excursion: Excursion, scan: Scan) -> tuple[str, str]:
    """The value, and what limit it is beyond."""
    above = excursion.side > 0
    if not excursion.side:
        value, limit = _different(scan.value, scan.limit or 0.0)
        return value, f"beyond the site's limit {limit}"
    if excursion.chart.slice is not None:
        # What is stored of a slice is how far it is from its centre line.
        side = "above" if above else "below"
        return number(scan.value), f"{abs(scan.sigmas):.1f} sd {side} its centre line"
    value, limit = _different(scan.value, (scan.upper if above else scan.lower) or 0.0)
    return value, f"{'above its upper' if above else 'below its lower'} limit {limit}"


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
