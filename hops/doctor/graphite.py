"""graphite-web: whether it answers, what time it is there, and what carbon says of itself."""

from __future__ import annotations

import time
from collections.abc import Iterator

from hops.console import counted
from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.graphiteweb import GraphiteProblem, GraphiteWeb
from hops.site import Site
from hops.times import DAY, HOUR

# Seconds for an answer, when it is only asked for a few values.
TIMEOUT = 20
# Seconds by which the clocks of Graphite and Diamond may differ: less than any slot.
CLOCKS_APART = 30

ERRORS = "carbon.agents.*.errors"
DROPPED = "carbon.agents.*.droppedCreates"
# What go-carbon has instead, whose words for carbon-cache's other numbers are the same.
CREATED = "carbon.agents.*.persister.created"
OVERFLOW = "carbon.agents.*.cache.overflow"
LIMIT = "MAX_CREATES_PER_MINUTE of carbon.conf (a report makes 448 series, 50 is the default)"


def graphite_of(site: Site) -> tuple[GraphiteWeb | None, Finding]:
    """The site's graphite-web, None if none is named or it does not answer."""
    if site.settings.graphite is None:
        return None, Finding(
            "graphite_url",
            WARNING,
            "is empty: reports are archived when they are sent, and nobody asks Graphite for them",
            "set graphite_url = http://HOST:PORT, graphite-web's address",
        )
    graphite = GraphiteWeb(site.settings.graphite, TIMEOUT)
    try:
        graphite.slots(site.prefix, int(time.time()) - 60, int(time.time()))
    except GraphiteProblem as problem:
        return None, Finding("graphite_url", FAILED, problem.reason, problem.todo)
    return graphite, Finding("graphite_url", OK, f"{graphite.address} answers /render")


def check(graphite: GraphiteWeb) -> Iterator[Finding]:
    """What a Graphite that answers says of its clock and of carbon."""
    for look in (_clock, _carbon):
        try:
            yield from look(graphite)
        except GraphiteProblem as problem:
            yield Finding("Graphite", FAILED, problem.reason, problem.todo)


def _clock(graphite: GraphiteWeb) -> Iterator[Finding]:
    asked = time.time()
    theirs = graphite.now()
    apart = theirs - (asked + time.time()) / 2
    if abs(apart) <= CLOCKS_APART:
        yield Finding("clock", OK, f"Graphite's is {abs(apart):.0f} s from this machine's")
        return
    which = "ahead of" if apart > 0 else "behind"
    text = f"Graphite's is {abs(apart):.0f} s {which} this machine's"
    yield Finding("clock", WARNING, text, "set both by NTP: Graphite hides what is of its future")


def _carbon(graphite: GraphiteWeb) -> Iterator[Finding]:
    if not graphite.has_retentions:
        text = "VictoriaMetrics does not limit new series, and tells of failed writes in its log"
        yield Finding("creates", OK, text)
        return
    created = _told(graphite, CREATED, DAY)
    yield _creates(graphite) if created is None else _created(graphite, created)
    yield _errors(graphite)


def _told(graphite: GraphiteWeb, pattern: str, seconds: int) -> float | None:
    """The sum of what carbons said of themselves for so long; None where they said nothing."""
    now = int(time.time())
    found = graphite.series(pattern, now - seconds, now)
    return sum(sum(values.values()) for values in found.values()) if found else None


def _created(graphite: GraphiteWeb, created: float) -> Finding:
    dropped = _told(graphite, OVERFLOW, DAY)
    if dropped:
        text = f"go-carbon's cache was full in the last day, and {dropped:,.0f} points were lost"
        return Finding("creates", WARNING, text, "raise max-size under [cache] of go-carbon.conf")
    text = f"go-carbon made {created:,.0f} new series in the last day, and lost no point"
    return Finding("creates", OK, text)


def _creates(graphite: GraphiteWeb) -> Finding:
    dropped = _told(graphite, DROPPED, DAY)
    if dropped:
        text = f"carbon refused {dropped:,.0f} new series in the last day, and lost their points"
        return Finding("creates", WARNING, text, f"raise {LIMIT}")
    if dropped is not None:
        return Finding("creates", OK, "carbon refused no new series in the last day")
    text = f"Graphite has no {DROPPED}, so it cannot be seen whether carbon refuses new series"
    return Finding("creates", WARNING, text, f"see that it is raised: {LIMIT}")


def _errors(graphite: GraphiteWeb) -> Finding:
    errors = _told(graphite, ERRORS, HOUR)
    if not errors:
        return Finding("writes", OK, "carbon told of no failed write in the last hour")
    text = f"carbon could not write {counted(int(errors), 'time')} in the last hour"
    todo = (
        "see its log: its disk may be full, or a whisper file broken (hops retention names those)"
    )
    return Finding("writes", WARNING, text, todo)
