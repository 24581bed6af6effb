"""How finely and for how long Graphite keeps each series."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from hops import paths
from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.graphiteweb import GraphiteProblem, GraphiteWeb
from hops.retention import whisperfile
from hops.site import Site
from hops.sizing import YEAR, duration, reaching
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
MONTH = 30 * DAY
# A scan takes twenty minutes at least.
BETWEEN_SCANS = 20 * 60

MEND = "hops retention --whisper /var/lib/graphite/whisper, on Graphite's machine"
TODO = (
    "put the sections of graphite/storage-schemas.conf above all others in carbon's file, and "
    f"mend the series that are there: {MEND}"
)
# Slots of such a span are asked for first, as there are few of them.
SOME_SLOTS = 2 * HOUR
# Broken series are looked for until so many are found.
BROKEN = 3

Steps = dict[int, int]
"""{age: step}, both in seconds, of a series, for those AGES that it reaches."""


@dataclass
class Ways:
    """How the series of a coil are kept."""

    steps: dict[str, Steps] = field(default_factory=dict)
    """Of each series."""
    lossy: set[str] = field(default_factory=set)
    """Those that lose a lone point when it is rolled up."""
    broken: dict[str, str] = field(default_factory=dict)
    """What whisper or graphite-web cannot use, and why."""


def check(site: Site, graphite: GraphiteWeb, whisper: Path | None) -> Iterator[Finding]:
    """How every series of reports that are there already is kept; seen in carbon's folder of
    whisper files, where that is on this machine."""
    for scanner in site.settings.scanners:
        try:
            for coil in _coils(graphite, site.path(scanner.location)):
                what = f"{scanner.location}, coil {coil.coil}"
                if not graphite.has_retentions:
                    step = _step(graphite, str(coil._replace(column="mean", slice="1")))
                    yield without_retention("series", f"{what} has", step)
                    continue
                ways = _in_files(whisper, coil) if whisper else None
                yield from _of_coil(what, ways or _asked(graphite, coil))
        except GraphiteProblem as problem:
            yield Finding("series", FAILED, problem.reason, problem.todo)


def _coils(graphite: GraphiteWeb, scanner: str) -> list[paths.Series]:
    nodes = graphite.expand(str(paths.Series(scanner, column="mean", slice="1")))
    return [paths.Series(scanner, coil) for coil in sorted({paths.series(n).coil for n in nodes})]


def _of_coil(what: str, ways: Ways) -> Iterator[Finding]:
    kinds = Counter(tuple(sorted(steps.items())) for steps in ways.steps.values())
    total = len(ways.steps)
    for kind, count in kinds.most_common():
        some = what if len(kinds) == 1 else f"{count:,} of {total:,} series of {what}"
        yield judge("series", f"{some} has", dict(kind))
    if len(kinds) > 1:
        differing = total - kinds.most_common(1)[0][1]
        text = f"{differing:,} of {total:,} series of {what} are not kept as the others are"
        yield Finding("retentions", WARNING, text, f"they were made before the others: {MEND}")
    if ways.lossy:
        text = f"{len(ways.lossy):,} of {total:,} series of {what}, as {min(ways.lossy)}, lose a "
        text += "lone point when it is rolled up: their xFilesFactor is not 0"
        yield Finding("xFilesFactor of series", FAILED, text, f"mend them: {MEND}")
    for name, why in islice(ways.broken.items(), BROKEN):
        yield Finding(
            "broken series",
            FAILED,
            f"{name} of {what}: {why}",
            "stop carbon, move its whisper file away, start carbon, and send again what was in it: "
            "hops reingest",
        )


def _in_files(folder: Path, coil: paths.Series) -> Ways | None:
    """The same by the files' own word; None where they are not in that folder."""
    ways = Ways()
    top = folder.joinpath(*coil.coil_path.split("."))
    try:
        for path in sorted(top.glob("*/*/*.wsp")):
            series = ".".join(path.relative_to(folder).with_suffix("").parts)
            try:
                kept = whisperfile.kept(path)
            except whisperfile.Broken as error:
                ways.broken[str(path)] = str(error)
                continue
            found = {age: reaching(kept.archives, age) for age in AGES.values()}
            ways.steps[series] = {age: each.step for age, each in found.items() if each}
            if kept.x_files_factor and len(kept.archives) > 1:
                ways.lossy.add(series)
    except OSError:  # not ours to read
        return None
    return ways if ways.steps or ways.broken else None


# -- by asking -----------------------------------------------------------------------------


def _asked(graphite: GraphiteWeb, coil: paths.Series) -> Ways:
    try:
        found = steps(graphite, str(coil))
        return Ways(found, _lossy(graphite, str(coil), found))
    except GraphiteProblem as problem:
        broken = dict.fromkeys(islice(_broken(graphite, coil), BROKEN), problem.reason)
        if not broken:
            raise
        return Ways(broken=broken)


def steps(graphite: GraphiteWeb, target: str) -> dict[str, Steps]:
    """How the series of a pattern are kept, by path."""
    now = int(time.time())
    found: dict[str, Steps] = defaultdict(dict)
    for age in AGES.values():
        since = now - age
        for span in (SOME_SLOTS, TWO_DAYS):
            answer = graphite.slots(target, since, min(now, since + span))
            for path, slots in answer.items():
                # Where nothing is so old, whisper begins with the oldest that there is.
                if len(slots) > 1 and slots[0] <= since + (slots[1] - slots[0]):
                    found[path][age] = slots[1] - slots[0]
            if all(age in found[path] for path in answer):
                break
    return dict(found)


def _lossy(graphite: GraphiteWeb, target: str, found: Mapping[str, Steps]) -> set[str]:
    """Those series that have a point in the finest archive and none of it in the next."""
    lossy = set()
    now = int(time.time())
    kinds = {tuple(sorted(each.items())) for each in found.values()}
    for kind in map(dict, kinds):
        finest = min(kind.values(), default=0)
        coarser = [age for age, step in kind.items() if step > finest]
        if not coarser:
            continue
        reach = max(age for age, step in kind.items() if step == finest)
        next_age = min(YEAR + MONTH, *coarser) if reach == A_YEAR else min(coarser)
        step = kind[min(coarser)]
        fine = graphite.series(target, now - min(reach, MONTH), now)
        coarse = graphite.series(target, now - next_age, now)
        lossy |= {
            path
            for path, values in fine.items()
            if found.get(path) == kind
            and any(slot - slot % step not in coarse.get(path, {}) for slot in values)
        }
    return lossy


def _broken(graphite: GraphiteWeb, series: paths.Series) -> Iterator[str]:
    """The series for which graphite-web has no answer, though it knows them."""
    now = int(time.time())
    try:
        graphite.slots(str(series), now - HOUR, now)
        return
    except GraphiteProblem:
        pass
    level = next((each for each in series._fields if getattr(series, each) == paths.ANY), None)
    if level is None:
        yield str(series)
        return
    known = map(paths.series, graphite.expand(str(series)))
    for name in sorted({getattr(each, level) for each in known}):
        yield from _broken(graphite, series._replace(**{level: name}))


def _step(graphite: GraphiteWeb, target: str) -> int | None:
    """How long the slots of series without a retention are."""
    first = min(graphite.epochs(target), default=0)
    found = graphite.slots(target, first, first + DAY)
    return next((slots[1] - slots[0] for slots in found.values() if len(slots) > 1), None)


# -- what it means -------------------------------------------------------------------------


def without_retention(check: str, what: str, step: int | None) -> Finding:
    """What VictoriaMetrics, which keeps all series alike, makes of a series; `what` ends with a
    verb."""
    text = f"{what} slots of {duration(step or 0)} in VictoriaMetrics, whatever its age; for how "
    text += "long it keeps them is its -retentionPeriod, which it does not tell here"
    if step and MINUTE <= step <= BETWEEN_SCANS:
        return Finding(check, OK, text)
    return Finding(check, FAILED, text, "start it with -search.graphiteStorageStep=10m")


def judge(check: str, what: str, found: Steps) -> Finding:
    """Whether a series that has these steps keeps years of scans; `what` ends with a verb."""
    oldest = {found[age]: name for name, age in AGES.items() if age in found}
    kept = ", ".join(f"{duration(step)} until {name}" for step, name in oldest.items())
    text = f"{what} one slot for each: {kept or 'nothing that could be seen'}"
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
