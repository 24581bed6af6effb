"""What pages say, for programs: JSON, and a table of every value behind them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from hops.judge.verdicts import rounded
from hops.quantities import Quantity
from hops.report.fleet import Fleet
from hops.report.verdict import Chart, Of, Verdict
from hops.report.words import headline, sentences
from hops.times import moment

COLUMNS = (
    "location", "coil", "time", "quantity", "unit", "slice", "value", "centre", "lower_limit",
    "upper_limit", "sigmas", "own_limit", "beyond_limits", "ewma", "ewma_sigmas",
    "changes_slowly",
)
SLOW = ("ewma", "ewma_sigmas", "slope", "slope_margin")
"""Of slow changes, as the judge has them."""


def as_json(fleet: Fleet) -> dict[str, object]:
    """What a report says, for JSON."""
    notes = {each.data.location: each.data.notes for each in fleet.verdicts}
    first, last = fleet.days
    return {
        "from": first,
        "until": last,
        "out_of_control": fleet.is_out,
        "slow_changes": fleet.is_slow,
        "coils": [_coil(verdict) for verdict in fleet.verdicts],
        "unknown_scanners": list(fleet.unknown),
        "without_notes": fleet.verdicts[0].data.without_notes or None,
        "notes": [
            {"location": location, "epoch": note.epoch, "note": note.what}
            for location, of_scanner in notes.items()
            for note in of_scanner
        ],
    }


def write_csv(fleet: Fleet, path: Path) -> None:
    """Writes a line for each scan, quantity and slice, and for the mean of the slices. Raises
    OSError."""
    # With a mark of UTF-8, without which Excel takes it for something else.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for verdict in fleet.verdicts:
            for quantity, mean in verdict.means.items():
                for chart in (mean, *verdict.slices[quantity]):
                    writer.writerows(_lines(verdict, chart))


def _lines(verdict: Verdict, chart: Chart) -> Iterator[tuple[object, ...]]:
    data, quantity, average = verdict.data, chart.quantity, verdict.averages[chart.quantity]
    of_mean = "mean" if len(data.slices) > 1 else "".join(map(str, data.slices))
    judged = {scan.epoch: scan for scan in average.scans if scan.centre is not None}
    for scan in chart.scans:
        slow = None if chart.slice else judged.get(scan.epoch)
        yield (
            data.location, data.coil, moment(scan.epoch, data.timezone), quantity.name,
            quantity.unit, chart.slice or of_mean, rounded(scan.value), scan.centre, scan.lower,
            scan.upper, scan.sigmas, scan.limit, int(chart.is_out(scan)),
            *((slow.value, slow.sigmas, int(average.is_out(slow))) if slow else ()),
        )


def _coil(verdict: Verdict) -> dict[str, object]:
    return {
        "location": verdict.data.location,
        "coil": verdict.data.coil,
        "state": verdict.state.value,
        "headline": headline(verdict),
        "newest_epoch": verdict.newest,
        "scans": len(verdict.data.scans),
        "scans_beyond": len(verdict.beyond()),
        "scans_beyond_in_slices": len(verdict.beyond(Of.SLICE)),
        "slow_changes": [quantity.name for quantity in verdict.slow],
        "sentences": sentences(verdict),
        "quantities": [_quantity(verdict, quantity) for quantity in verdict.means],
    }


def _quantity(verdict: Verdict, quantity: Quantity) -> dict[str, object]:
    """The newest scan's."""
    cell, scans = verdict.cell(quantity), verdict.means[quantity].scans
    newest = scans[-1] if cell.value is not None else None
    judged = verdict.data.judged.get(quantity, {})
    return {
        "name": quantity.name,
        "unit": quantity.unit or None,
        "state": cell.state.value,
        "newest": cell.value,
        "centre": _number(newest and newest.centre),
        "lower_limit": _number(newest and newest.lower) or None,
        "upper_limit": _number(newest and newest.upper),
        "sigmas": cell.sigmas,
        **{name: judged.get(name, {}).get(newest.epoch) for name in SLOW if newest},
        "changes_slowly": bool(cell.slow),
        "own_limit": newest and newest.limit,
        "scans_beyond": cell.beyond,
    }


def _number(value: float | None) -> float | None:
    return None if value is None else rounded(value)
