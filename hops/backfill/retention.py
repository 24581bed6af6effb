"""Which reports are older than what Graphite keeps."""

from __future__ import annotations

from datetime import datetime

from hops import paths
from hops.backfill.finding import Findings
from hops.site import Site


def leave_out_what_graphite_does_not_keep(findings: Findings, site: Site, location: str) -> None:
    """Has those reports stay where they are; of a coil that has no series yet, it is not known.

    Raises Problem when Graphite does not answer.
    """
    graphite = site.graphite()
    for channels in {report.channels for report in findings.missing}:
        coil = site.settings.coils[channels]
        series = graphite.expand(str(paths.Series(site.path(location), coil, slice="1")))
        since = graphite.kept_since(series[0]) if series else None
        if since is None:
            continue
        old = [r for r in findings.missing if r.channels == channels and r.epoch < since]
        day = datetime.fromtimestamp(since).date()
        findings.leave_out(old, f"is too old: Graphite keeps coil {coil} since {day} only")
