"""A few points sent the whole way, to see what Graphite makes of new series.

What carbon decides when it makes a series (its retention, its xFilesFactor) it never changes, so
every probe makes series of its own. They lie beside what the collector says of itself, where no
dashboard takes them for a coil, but else are called like a report's:

    <prefix>.<location>.ingest.probe.<epoch>.<coil>.SNR.mean.1

so that a section of storage-schemas.conf or storage-aggregation.conf that matches reports by
their beginning, their end or a part of them matches these, too. The section for the collector's
own numbers, which end in `.ingest.<name>`, does not.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from hops import paths
from hops.console import progress
from hops.doctor import retention
from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.graphiteweb import GraphiteProblem, GraphiteWeb
from hops.site import Site
from hops.sizing import duration

# The sections of storage-aggregation.conf tell these apart.
COLUMNS = ("mean", "min", "max")
VALUE = 1.0

# Seconds for a point to show, and to be rolled up once it shows.
PATIENCE = 60
ROLL_UP_PATIENCE = 5
NAP = 0.5

HIDDEN = (
    "an index or a cache hides new series, as go-carbon's and carbonapi's do with the settings of "
    "their examples: see graphite/go-carbon/ for others"
)
AGGREGATION = (
    "put the sections of graphite/storage-aggregation.conf above all others in carbon's file, and "
    f"mend the series that are there: {retention.MEND}"
)


def check(site: Site, graphite: GraphiteWeb, handlers: Sequence[Any]) -> Iterator[Finding]:
    """Sends points through the handlers, and looks at the series that carbon makes of them."""
    now = int(time.time())
    folder = _path(site, now)
    series = [f"{folder}.SNR.{column}.1" for column in COLUMNS]
    _send(handlers, series, now)
    try:
        missing = _await(graphite, series, now)
        if missing:
            yield _not_shown(missing, graphite.points(series[-1], [now])[now])
            return
        text = f"{len(series)} points came through; their files below {folder} may be deleted"
        yield Finding("probe", OK, text)
        found = retention.steps(graphite, series[0]).get(series[0], {})
        if graphite.has_retentions:
            yield retention.judge("retention", "a new series has", found)
        else:
            step = found.get(retention.AN_HOUR)
            yield retention.without_retention("retention", "a new series has", step)
        yield _roll_up(graphite, series, found, now)
    except GraphiteProblem as problem:
        yield Finding("probe", FAILED, problem.reason, problem.todo)


def _path(site: Site, now: int) -> str:
    location = site.settings.scanners[0].location
    coil = next(iter(site.settings.coils.values()), "32")
    return paths.ingest(site.path(location), f"probe.{now}.{coil}")


def _send(handlers: Sequence[Any], series: Sequence[str], now: int) -> None:
    from diamond.metric import Metric

    for handler in handlers:
        for path in series:
            handler._process(Metric(path, VALUE, timestamp=now))
        handler._flush()


def _await(graphite: GraphiteWeb, series: Sequence[str], now: int) -> set[str]:
    """Waits for Graphite to show the points; returns the series that it does not."""
    naps = int(PATIENCE / NAP)
    with progress("Waiting for Graphite to show the probe", naps) as advance:
        for _ in range(naps):
            # A coarse archive answers for the last of them only; from a short one, the first.
            ages = (retention.AN_HOUR, retention.A_DAY, retention.TWO_DAYS)
            missing = set.intersection(*(_lost(graphite, series, now, age) for age in ages))
            if not missing:
                break
            time.sleep(NAP)
            advance(1)
    return missing


def _not_shown(missing: Collection[str], by_name: Collection[str]) -> Finding:
    if by_name:
        text = f"Graphite shows {min(by_name)} by its name, and after {PATIENCE} s not by a pattern"
        return Finding("probe", FAILED, text, f"{HIDDEN}; ask again in ten minutes")
    return Finding(
        "probe",
        FAILED,
        f"carbon was sent points, and after {PATIENCE} s Graphite does not show {min(missing)}",
        "see that graphite_url is the Graphite of this carbon, that the port is the one for the "
        "handler's protocol (2003 for lines, 2004 for pickles), and that carbon may make new "
        "series (MAX_CREATES_PER_MINUTE)",
    )


def _roll_up(
    graphite: GraphiteWeb, series: Sequence[str], found: dict[int, int], now: int
) -> Finding:
    """Whether a lone point is in the coarser archives, which answer for longer periods."""
    finest = min(found.values(), default=0)
    coarser = {step: age for age, step in found.items() if step > finest}
    if not coarser:
        return Finding("xFilesFactor", OK, "a new series has no coarser archive to roll up to")
    deadline = time.monotonic() + ROLL_UP_PATIENCE
    while True:
        lost = {step: _lost(graphite, series, now, age) for step, age in coarser.items()}
        if not any(lost.values()) or time.monotonic() > deadline:
            break
        time.sleep(NAP)
    if any(lost.values()):
        steps = ", ".join(duration(step) for step, those in lost.items() if those)
        columns = sorted({paths.series(path).column for path in set.union(*lost.values())})
        text = f"a lone point is lost when it is rolled up to {steps} ({', '.join(columns)}): "
        return Finding("xFilesFactor", FAILED, f"{text}xFilesFactor is not 0", AGGREGATION)
    steps = ", ".join(map(duration, coarser))
    return Finding("xFilesFactor", OK, f"a lone point is kept when it is rolled up to {steps}")


def _lost(graphite: GraphiteWeb, series: Sequence[str], now: int, age: int) -> set[str]:
    """Those of the `series` that show no point in an answer for a period that begins `age` ago."""
    folder = series[0].rpartition(".SNR.")[0]
    shown = graphite.series(f"{folder}.SNR.*.1", now - age, int(time.time()))
    return {path for path in series if not shown.get(path)}


def not_done(needs: str) -> Iterator[Finding]:
    """What is not known as long as nothing can be sent."""
    for check in ("probe", "retention", "xFilesFactor"):
        yield Finding(check, WARNING, "not tested", needs)


def not_asked_for() -> Finding:
    """That a probe would say more."""
    return Finding("probe", OK, "none was sent: hops doctor --probe shows how series are kept")
