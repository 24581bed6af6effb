"""`hops audit`: whether Graphite has every value of every archived report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from hops import site
from hops.console import counted, print_json, printable, progress, say, say_some
from hops.errors import Problem
from hops.graphiteweb import GraphiteWeb
from hops.options import (
    HELP,
    Days,
    config_option,
    days_options,
    examples,
    json_option,
    location_option,
)
from hops.readback import Comparison, Expected, State, compare, expected
from hops.reportfiles import ReportFile, ReportFolder, Unusable, open_reports
from hops.site import Site
from hops.times import DAY, moment

MOST_LINES = 40
COUNTS = ("reports", "values", *(state.value for state in State))

WORDS = {
    State.MISSING: "missing",
    State.EXPIRED: "older than Graphite keeps",
    State.UNEXPLAINED: "different, unexplained",
    State.ROUNDED: "rounded by an older collector",
    State.SHARED: "from a slot shared with",
}


@dataclass
class Audit:
    """What became of the reports in the archive of a scanner."""

    location: str
    archive: str
    trouble: str | None = None
    """Why the archive cannot be looked into."""
    coils: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """The COUNTS of each."""
    differing: list[Comparison] = field(default_factory=list)
    """The reports that are not fully stored."""
    unusable: dict[str, str] = field(default_factory=dict)
    """The files that are no good reports, and why."""
    without_sections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The reports that were published as they are, and which of the sequence's sections each lacks.
    """
    strange: Counter[int] = field(default_factory=Counter)
    """How many reports there are of coils that are not under [coils], by receive channels."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is missing, nothing different without a reason, and all could be read."""
        wrong = any(each.is_wrong for each in self.differing)
        return not (self.trouble or self.unusable or wrong)

    def add(self, comparison: Comparison) -> None:
        """Counts a report in."""
        self.coils[comparison.scan.coil].update(_counts(comparison), reports=1)
        if not comparison.is_stored:
            self.differing.append(comparison)


def audit(of: Site, graphite: GraphiteWeb, location: str, days: Days) -> Audit:
    """Compares the archived reports of some days of a scanner with Graphite, with a progress bar.

    Raises Problem when Graphite does not answer as it should.
    """
    scanner = of.scanner(location)
    result = Audit(location, str(Path(scanner.folder, of.settings.ingest_dir)))
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(open_reports(of, scanner, of.settings.ingest_dir))
            files = archive.files()
        except Problem as problem:
            result.trouble = problem.message
            return result
        wanted = {file.name for file in files if days.has(file.day)}
        files = _around(files, wanted)
        with progress(f"{scanner.path}: reports", len(files)) as advance:
            reports = _reports(of, archive, files, wanted, result, advance)
            for comparison in compare(graphite, reports, of.settings.precision):
                if comparison.scan.name in wanted:
                    result.add(comparison)
    return result


def _around(files: Sequence[ReportFile], wanted: Collection[str]) -> list[ReportFile]:
    """The files that are wanted, and those that may share a slot with them."""
    epochs = [file.epoch for file in files if file.name in wanted]
    if not epochs:
        return []
    since, until = min(epochs) - DAY, max(epochs) + DAY
    return [file for file in files if since <= file.epoch <= until]


def _reports(
    of: Site,
    archive: ReportFolder,
    files: Sequence[ReportFile],
    wanted: Collection[str],
    result: Audit,
    advance: Callable[[int], None],
) -> Iterator[Expected]:
    """What should be stored of the files; of the wanted, what is odd is noted in the result."""
    for file in files:
        advance(1)
        try:
            report = archive.read(file).report
        except Unusable as reason:
            if file.name in wanted:
                result.unusable[file.name] = str(reason)
            continue
        if report.lacks and file.name in wanted:
            result.without_sections[file.name] = report.lacks
        if report.channels in of.settings.coils:
            yield expected(of, result.location, report, file.name)
        elif file.name in wanted:
            result.strange[report.channels] += 1


# -- the command ---------------------------------------------------------------------------


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops audit",
        "hops audit --location Harvard/Northwest/Bay1 --from 2026-01-01 --json",
    ),
)
@config_option
@location_option("Only this scanner, as in [scanners].")
@days_options
@json_option
def main(conf: Path, location: str | None, days: Days, as_json: bool) -> None:
    """Compare every value of every archived report with Graphite's.

    Ends with 1 when a value is missing, or another one is there for no known reason, or when an
    archived report or an archive cannot be read. Values that an older collector rounded, and those
    of two scans in one slot of the retention, are told and end with 0; so do reports of coils
    that are no longer under [coils], and those that lack sections."""
    of = site.load(conf)
    graphite = of.graphite()
    scanners = [of.scanner(location)] if location else of.settings.scanners
    audits = [audit(of, graphite, scanner.location, days) for scanner in scanners]
    if as_json:
        print_json(_for_programs(of, graphite, audits))
    else:
        _print(of, graphite, audits)
    if not all(each.is_good for each in audits):
        raise SystemExit(1)


def _for_programs(of: Site, graphite: GraphiteWeb, audits: Sequence[Audit]) -> dict[str, object]:
    return {
        "graphite": graphite.address,
        "is_good": all(each.is_good for each in audits),
        "scanners": [
            {
                "location": each.location,
                "archive": each.archive,
                "trouble": each.trouble,
                "coils": [
                    {"coil": coil, **{count: counts[count] for count in COUNTS}}
                    for coil, counts in sorted(each.coils.items())
                ],
                "reports": [_report(of, comparison) for comparison in each.differing],
                "without_sections": [
                    {"name": name, "lacks": lacks} for name, lacks in each.without_sections.items()
                ],
                "unusable": [
                    {"name": name, "reason": reason} for name, reason in each.unusable.items()
                ],
                "coils_not_configured": [
                    {"channels": channels, "reports": count}
                    for channels, count in sorted(each.strange.items())
                ],
            }
            for each in audits
        ],
    }


def _report(of: Site, comparison: Comparison) -> dict[str, object]:
    scan = comparison.scan
    return {
        "name": scan.name,
        "coil": scan.coil,
        "time": moment(scan.epoch, of.settings.timezone),
        "epoch": scan.epoch,
        **_counts(comparison),
        "shares_slot_with": comparison.shares_with,
        "slot_is_of": comparison.slot_is_of,
        "examples": [
            {"what": state, **asdict(difference)}
            for state, difference in comparison.examples.items()
        ],
    }


def _counts(comparison: Comparison) -> dict[str, int]:
    counts = {state.value: comparison.counts[state] for state in State}
    return {"values": comparison.values, **counts}


def _print(of: Site, graphite: GraphiteWeb, audits: Sequence[Audit]) -> None:
    say("Archived reports in Graphite")
    for each in audits:
        say(f"\n{printable(each.location)}", "bold")
        for line in _sums(each):
            say(f"  {line}")
        if each.trouble:
            say(f"  {each.trouble}", "red")
        for channels, count in sorted(each.strange.items()):
            say(
                f"  {counted(count, 'report')} of a coil of {counted(channels, 'channel')} not "
                f'compared, as it is not under [coils]: add a line like "{channels} = {channels}".'
            )
        for line in _lacking_sections(each):
            say(f"  {line}", "yellow")
    for each in audits:
        unusable = [f"{name!r} {reason}" for name, reason in each.unusable.items()]
        _print_some(unusable, each, "not compared")
        differing = sorted(each.differing, key=lambda comparison: not comparison.is_wrong)
        _print_some([_line(of, one) for one in differing], each, "not stored as they are")
    say("")
    for each in audits:
        if any(comparison.can_be_mended for comparison in each.differing):
            say(f"To send it again: hops reingest --location {each.location} --missing")
    if all(each.is_good for each in audits):
        say(f"Nothing is missing in the Graphite at {graphite.address}.")


def _sums(of: Audit) -> Iterator[str]:
    """A line for each coil: its reports and values, and what became of these."""
    for coil, counts in sorted(of.coils.items()):
        states = [f"{counts[state.value]:,} {state.value}" for state in State
                  if counts[state.value] or state is State.STORED]
        reports, values = counted(counts["reports"], "report"), counted(counts["values"], "value")
        yield f"coil {coil}: {reports}, {values}: {', '.join(states)}"
    if not of.coils:
        yield "0 reports"


def _lacking_sections(of: Audit) -> Iterator[str]:
    """A line for each of the sections that reports lack."""
    by_sections = defaultdict(list)
    for name, lacks in of.without_sections.items():
        by_sections[lacks].append(name)
    for lacks, names in sorted(by_sections.items()):
        more = f" and {len(names) - 1:,} more" if names[1:] else ""
        yield f"published as it is, without {', '.join(lacks)}: {names[0]!r}{more}"


def _print_some(lines: Sequence[str], of: Audit, what: str) -> None:
    if lines:
        say(f"\n{of.location}: {counted(len(lines), 'report')} {what}")
        say_some(lines, MOST_LINES, indent=2)


def _line(of: Site, comparison: Comparison) -> str:
    """A report, how many of its values are not as they should be, and why."""
    scan = comparison.scan
    parts = []
    for state, word in WORDS.items():
        count = comparison.counts[state]
        if count:
            named = _rivals(comparison) if state is State.SHARED else ""
            parts.append(f"{count} {word}{named}{_example(comparison, state)}")
    when = moment(scan.epoch, of.settings.timezone)
    values = counted(comparison.values, "value")
    return f"{scan.name!r} {when}, coil {scan.coil}, {values}: " + "; ".join(parts)


def _rivals(comparison: Comparison) -> str:
    """With which reports one shares its slot, and which of them has it."""
    others = ", ".join(map(repr, comparison.shares_with))
    if comparison.slot_is_of is None:
        return f" {others} (it holds what was made of them)"
    return f" {others} ({comparison.slot_is_of!r} has it)"


def _example(comparison: Comparison, state: State) -> str:
    if state is not State.UNEXPLAINED:
        return ""
    difference = comparison.examples[state]
    name = difference.metric.removeprefix(f"{comparison.scan.path}.")
    return f" ({name}: {difference.report} in the report, {difference.graphite} in Graphite)"

