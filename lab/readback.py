"""What a Graphite has of the reports that were sent to it."""

from __future__ import annotations

from collections.abc import Collection

import stability_report
from hops.console import progress
from hops.readback import Comparison, State, compare, expected
from hops.site import Site


def read_back(
    site: Site, reports: Collection[tuple[str, stability_report.Report]]
) -> list[Comparison]:
    """Every value of the reports, each with its location, compared; shows how far it is."""
    in_order = sorted(reports, key=lambda each: each[1].time)
    wanted = (expected(site, location, each, each.filename) for location, each in in_order)
    found = []
    with progress("Graphite: reports compared", len(in_order)) as advance:
        for comparison in compare(site.graphite(), wanted):
            found.append(comparison)
            advance(1)
    return found


def values(found: Collection[Comparison]) -> int:
    """How many were compared."""
    return sum(each.values for each in found)


def lacking(found: Collection[Comparison]) -> int:
    """How many of them are not there, or not as they were sent."""
    return sum(each.values - each.counts[State.STORED] for each in found)
