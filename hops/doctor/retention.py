"""How finely and for how long Graphite keeps a series, seen from outside by asking for it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from hops import paths
from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.errors import Problem
from hops.graphiteweb import GraphiteWeb
from hops.site import Site
from hops.sizing import YEAR, duration
from hops.times import DAY, HOUR, MINUTE

# Ages in seconds, each a little less than its name says, as retentions end at whole years.
AN_HOUR, A_DAY, TWO_DAYS = 50 * MINUTE, 23 * HOUR, 2 * DAY
A_YEAR, FIVE_YEARS = YEAR - DAY, 5 * YEAR - DAY
AGES = {
    "an hour ago": AN_HOUR,
    "a day ago": A_DAY,
    "two days ago": TWO_DAYS,
    "a year ago": A_YEAR,
    "five years ago": FIVE_YEARS,
    "ten years ago": 10 * YEAR - DAY,
}
# A scan takes twenty minutes at least.
BETWEEN_SCANS = 20 * 60

TODO = (
    "put the sections of graphite/storage-schemas.conf above all others in carbon's file, "
    "and resize the series that are there with whisper-resize.py"
)


def check(site: Site, graphite: GraphiteWeb) -> Iterator[Finding]:
    """How the series of reports that are there already are kept, a series for each coil."""
    for scanner in site.settings.scanners:
        pattern = str(paths.Series(site.path(scanner.location), column="mean", slice="1"))
        try:
            one_of_each = {paths.series(path).coil: path for path in graphite.expand(pattern)}
            for coil, series in sorted(one_of_each.items()):
                what = f"{scanner.location}, coil {coil}"
                yield judge("series", what, steps(graphite, series))
        except Problem as problem:
            yield Finding("series", FAILED, problem.message, "see graphite-web's log")


def steps(graphite: GraphiteWeb, series: str) -> dict[int, int]:
    """{age: step}, both in seconds, of a series that is there, for those AGES that it reaches."""
    now = int(time.time())
    found = {}
    for age in AGES.values():
        slots = graphite.slots(series, now - age, min(now, now - age + TWO_DAYS)).get(series, [])
        # Where nothing is so old, whisper begins with the oldest that there is.
        if len(slots) > 1 and slots[0] <= now - age + (slots[1] - slots[0]):
            found[age] = slots[1] - slots[0]
    return found


def judge(check: str, what: str, found: dict[int, int]) -> Finding:
    """Whether a series that has these steps keeps years of scans."""
    oldest = {found[age]: name for name, age in AGES.items() if age in found}
    kept = ", ".join(f"{duration(step)} until {name}" for step, name in oldest.items())
    text = f"{what} has one slot for each: {kept or 'nothing that could be seen'}"
    if A_YEAR not in found:
        return Finding(check, FAILED, f"{text}; it forgets scans within a year", TODO)
    if found.get(TWO_DAYS, TWO_DAYS) > DAY:
        return Finding(check, FAILED, f"{text}; that is too coarse to find a scan in", TODO)
    if FIVE_YEARS not in found:
        return Finding(check, WARNING, f"{text}; it forgets scans within five years", TODO)
    if found[TWO_DAYS] > BETWEEN_SCANS:
        text += "; of two scans of a coil in one slot the later stays"
        return Finding(check, WARNING, text, f"if a coil may be scanned again so soon: {TODO}")
    return Finding(check, OK, text)
