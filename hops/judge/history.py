"""All that Graphite has of a coil, as finely as it has it.

An answer has the step of the oldest slot that was asked for. So what is younger than a year, which
is when retentions change, is asked for alone, and what is older year by year.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from hops import paths
from hops.graphiteweb import GraphiteWeb, Series
from hops.quantities import Quantity
from hops.times import DAY, Period

PIECE = 364 * DAY
"""A day less than a year, as a piece begins at midnight: no day is cut in two."""


def pieces(first: int, now: int, last: int | None = None) -> list[Period]:
    """The time from the epoch `first` to `last`, or else `now`, oldest first."""
    since, until = (now // DAY + 1) * DAY - PIECE, max(now, last or now)
    found = []
    while until >= first:
        found.append(Period(max(since, first), until if last is None else min(until, last)))
        since, until = since - PIECE, since - 1
    return [piece for piece in reversed(found) if piece.since <= piece.until]


def scans(graphite: GraphiteWeb, coil_path: str) -> list[int]:
    """When a coil was scanned, to within a slot or a day, in order. What has a mean in its first
    slice is a scan."""
    return graphite.epochs(f"{coil_path}.{paths.ANY}.mean.1")


def values(
    graphite: GraphiteWeb, coil_path: str, quantity: Quantity, when: Sequence[Period]
) -> dict[int, Series]:
    """The values of a quantity in each slice, in all of these pieces."""
    columns = {name: _column(graphite, f"{coil_path}.{name}", when) for name in quantity.columns}
    found = quantity.values(columns)
    return {number: dict(series) for number, series in found.items() if series}


def _column(graphite: GraphiteWeb, path: str, when: Sequence[Period]) -> dict[int, Series]:
    """The values of a column of the reports in each slice."""
    found: dict[int, Series] = defaultdict(dict)
    for piece in when:
        for name, series in graphite.series(f"{path}.{paths.ANY}", *piece).items():
            number = paths.series(name).slice
            if number.isdigit():
                found[int(number)].update(
                    (epoch, value) for epoch, value in series.items() if math.isfinite(value)
                )
    return {number: found[number] for number in sorted(found) if found[number]}


def stored(
    graphite: GraphiteWeb, quantity: str, when: Iterable[Period]
) -> dict[str, dict[str, Series]]:
    """What was judged in these pieces: by the paths that fit `quantity`, as of `paths.control`, and
    by the last levels below them."""
    found: dict[str, dict[str, Series]] = defaultdict(lambda: defaultdict(dict))
    levels = quantity.count(".") + 1
    for piece, below in itertools.product(when, (paths.ANY, f"slices.{paths.ANY}")):
        for path, series in graphite.series(f"{quantity}.{below}", *piece).items():
            *above, name = path.split(".", levels)
            found[".".join(above)][name].update(series)
    return found


def step(graphite: GraphiteWeb, path: str, piece: Period) -> int | None:
    """How long the slots of a series are at the beginning of a piece, in seconds: 0 where it does
    not reach back so far, None when there is no such series."""
    found = graphite.slots(path, piece.since - 1, piece.since + 2 * DAY)
    if path not in found:
        return None
    slots = found[path]
    return slots[1] - slots[0] if len(slots) > 1 and slots[0] <= piece.since + DAY else 0
