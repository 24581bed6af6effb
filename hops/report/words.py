"""The verdict on a coil in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from hops.console import printable
from hops.control import FEWEST
from hops.report.verdict import Excursion, Verdict

MOST_SPANS = 5


def headline(verdict: Verdict) -> str:
    """The verdict in a few words."""
    if verdict.excursions or verdict.missing:
        return "Out of control" if verdict.excursions else "Incomplete"
    return "In control" if verdict.baseline else "No control limits yet"


def sentences(verdict: Verdict) -> list[str]:
    """What is out of control, or that nothing is."""
    coil = verdict.data.coil
    found = [
        f"{quantity.name} of coil {coil}: no value in the newest scan, {_date(verdict)}."
        for quantity in verdict.missing
    ]
    found += [_sentence(verdict, alike) for alike in _grouped(verdict.excursions)]
    if not verdict.baseline:
        found.append(
            f"Control limits need a baseline of {FEWEST} days with scans before the newest; scans "
            f"in all: {len(verdict.data.scans)}."
        )
    elif not found:
        found.append(_all_is_well(verdict))
    return found


def note_lines(verdict: Verdict) -> list[str]:
    """The service notes, oldest first: the number in the charts, the day and what was done."""
    if verdict.data.without_notes:
        why = verdict.data.without_notes
        return [f"Service notes are not known, as this Graphite tells none: {why}"]
    return [
        f"{index}  {_date(verdict, note.epoch)}  {printable(note.what)}"
        for index, note in enumerate(verdict.data.notes, start=1)
    ]


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


def _grouped(excursions: Sequence[Excursion]) -> list[list[Excursion]]:
    """Those that go into one sentence: the mean of a quantity, or its slices beyond one limit."""
    groups: dict[tuple[str, int], list[Excursion]] = {}
    for each in excursions:
        side = 0 if each.chart.slice is None else each.run.side
        groups.setdefault((each.chart.quantity.name, side), []).append(each)
    return list(groups.values())


def _sentence(verdict: Verdict, excursions: Sequence[Excursion]) -> str:
    worst = max(excursions, key=lambda each: each.severity)
    quantity, run = worst.chart.quantity, worst.run
    where = f"of coil {verdict.data.coil}"
    value, limit = _different(worst.value, worst.limit)
    if worst.chart.slice is not None:
        where += f", {slice_numbers(each.chart.slice or 0 for each in excursions)}"
        value += f" in slice {worst.chart.slice}" * (len(excursions) > 1)
    elif len(verdict.data.slices) > 1:
        where += ", mean of the slices"
    beyond = "above its upper limit" if run.side > 0 else "below its lower limit"
    since = f"since {_date(verdict, run.since)}" if run.scans > 1 else "in the newest scan"
    better = " This is better than the baseline." * quantity.is_better(run.side)
    return f"{quantity.name} {where}: {value}, {beyond} {limit} {since}.{better}"


def _different(one: float, other: float) -> tuple[str, str]:
    """Two values with as many digits as it takes to see which is greater."""
    pairs = ((number(one, more), number(other, more)) for more in range(12))
    return next(pair for pair in pairs if pair[0] != pair[1])


def _all_is_well(verdict: Verdict) -> str:
    slices = len(verdict.data.slices)
    each = f", in the mean of the {slices} slices and in each of them" * (slices > 1)
    return (
        f"All values of the newest scan of coil {verdict.data.coil}, {_date(verdict)}, are within "
        f"their control limits{each}."
    )


def _date(verdict: Verdict, epoch: int | None = None) -> str:
    return f"{verdict.data.time(verdict.newest if epoch is None else epoch):%Y-%m-%d}"
