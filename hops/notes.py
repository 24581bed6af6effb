"""Service notes: what was done to a scanner, as events in Graphite. `hops note`, `hops notes`.

The dashboards show events that have the tags of a note as lines in its scanner's trends. Where
Graphite is one without events, notes are lines of a file, which the dashboards do not see.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

import stability_report
from hops import site
from hops.console import listing, print_json, printable, say, show
from hops.errors import Problem
from hops.graphiteweb import Event, GraphiteWeb, content, event
from hops.options import (
    HELP,
    YEARS,
    Days,
    config_option,
    days_options,
    examples,
    json_option,
    location_option,
)
from hops.site import Site
from hops.times import FOREVER, moment

SERVICE = "service"
"""The tag of every note."""
FILE = "service-notes"
"""What the file beside the configuration is called."""
KEEPS_BASELINE = "keeps-baseline"
"""The tag of a note about what does not change what is normal."""
LONGEST = 255
"""Characters that Graphite's database keeps of a note."""

DAY = "%Y-%m-%d"
MOMENTS = [f"{DAY}{between}{clock}" for between in " T" for clock in ("%H:%M", "%H:%M:%S")]
NOON = timedelta(hours=12)


# -- notes as events -----------------------------------------------------------------------


def tags(location: str, keeps_baseline: bool) -> frozenset[str]:
    """What a note about a location is tagged with."""
    about = {SERVICE, stability_report.location_path(location)}
    return frozenset(about | {KEEPS_BASELINE} if keeps_baseline else about)


def begin_anew(notes: Iterable[Event]) -> list[int]:
    """When what is normal changed, as epochs: at all notes but those that say that it did not."""
    return [note.epoch for note in notes if KEEPS_BASELINE not in note.tags]


def is_about(event: Event, location: str) -> bool:
    """Whether an event is tagged with the location, with slashes or dots."""
    path = stability_report.location_path(location)
    return not event.tags.isdisjoint((location, path, path.replace(".", "/")))


@dataclass(frozen=True)
class Notebook:
    """Where a site's notes are: in its Graphite, and in a file, if there is one, with a line of
    JSON for each, like Graphite's for an event. Every method raises Problem."""

    graphite: GraphiteWeb
    file: Path

    @classmethod
    def of(cls, found: Site) -> Notebook:
        """A site's: the file lies beside Diamond's configuration."""
        return cls(found.graphite(), found.conf.parent / FILE)

    def notes(self, since: int = 0, until: int = FOREVER) -> list[Event]:
        """All notes and other events from `since` to `until`, both epochs, oldest first."""
        written = (note for note in self._written() if since <= note.epoch <= until)
        found = [*(self.graphite.events(since, until) or ()), *written]
        return sorted(found, key=lambda note: note.epoch)

    def about(self, location: str, since: int = 0, until: int = FOREVER) -> list[Event]:
        """The notes about a location from `since` to `until`, both epochs, oldest first."""
        return [note for note in self.notes(since, until) if is_about(note, location)]

    def add(self, note: Event) -> str:
        """Keeps a note, and reads it back; returns where it is."""
        if self.graphite.events(note.epoch, note.epoch) is None:
            return self._write(note)
        self.graphite.add_event(note)
        if note not in (self.graphite.events(note.epoch, note.epoch) or ()):
            raise Problem(
                f"{self.graphite.address} took the note, but does not show it: look at "
                f"{self.graphite.address}/events/ and, if it is not there, note it again."
            )
        return self.graphite.address

    def _write(self, note: Event) -> str:
        line = json.dumps(content(note))
        try:
            with self.file.open("a+", encoding="utf-8") as file:
                file.seek(0)
                is_whole = file.read()[-1:] in ("", "\n")  # also where a person has written
                file.write(f"{line}\n" if is_whole else f"\n{line}\n")
        except OSError as error:
            raise Problem(
                f"{self.graphite.address} has no events, and {str(self.file)!r} cannot be written "
                f"({error.strerror}): note it as who may."
            ) from None
        return f"{self.file} (as {self.graphite.address} has no events)"

    def _written(self) -> Iterator[Event]:
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(f"The notes in {str(self.file)!r} cannot be read: {error}.") from None
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield event(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError):
                raise Problem(
                    f"Line {number} of {str(self.file)!r} is no note: expected one like "
                    '{"what": "Coil changed", "tags": ["service", "Harvard.Bay1"], '
                    '"when": 1780000000}.'
                ) from None


# -- the commands --------------------------------------------------------------------------


def _text(context: click.Context, parameter: click.Parameter, text: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise click.BadParameter("a note says something.")
    if len(text.strip().splitlines()) > 1 or not words.isprintable():
        raise click.BadParameter("a note is one line of text, without control characters.")
    if len(words) > LONGEST:
        raise click.BadParameter(
            f"a note has {LONGEST} characters at most, as Graphite keeps no more; this one has "
            f"{len(words)}."
        )
    return words


def _epoch(at: str | None, timezone: str) -> int:
    """When something was done: now, or when a clock in `timezone` showed `at`; of a day noon, or
    now where it is not noon yet."""
    now = int(time.time())
    if at is None:
        return now
    parsed, is_day = _parse(at)
    start: int = stability_report.timestamp(parsed, timezone)
    if start > now:
        raise click.BadParameter(
            f"{at!r} is in the future; it is {moment(now, timezone)} now.", param_hint="--at"
        )
    return min(now, stability_report.timestamp(parsed + NOON, timezone)) if is_day else start


def _parse(at: str) -> tuple[datetime, bool]:
    """A moment, and whether it stands for a day."""
    for form in (DAY, *MOMENTS):
        try:
            parsed = datetime.strptime(at, form)
        except ValueError:
            continue
        if parsed.year in YEARS:
            return parsed, form == DAY
    raise click.BadParameter(
        f"{at!r}: expected a day as in 2026-06-30, or a time as in '2026-06-30 14:05'.",
        param_hint="--at",
    )


@click.command(
    context_settings=HELP,
    epilog=examples(
        'hops note --location Harvard/Northwest/Bay1 "gradient coil replaced"',
        'hops note --location Harvard/Northwest/Bay1 --at "2026-06-30 14:05" "element 12 repaired"',
    ),
)
@click.argument("text", callback=_text)
@location_option("Of the scanner, as in [scanners].", required=True)
@click.option(
    "--at",
    metavar="TIME",
    help="When it was done, by the scanners' clocks: a day as in 2026-06-30, which is noon, or a "
    "time as in '2026-06-30 14:05'.  [default: now]",
)
@click.option(
    "--keeps-baseline",
    is_flag=True,
    help="It changes no value: control limits stay as they are.",
)
@config_option
@json_option
def note(
    text: str, location: str, at: str | None, keeps_baseline: bool, conf: Path, as_json: bool
) -> None:
    """Note what was done to a scanner, in one line of TEXT. Dashboards show it as a line in the
    trends, reports list it, and control limits are learned anew from the scans after it."""
    found = site.load(conf)
    scanner = found.scanner(location)
    timezone = found.settings.timezone
    made = Event(_epoch(at, timezone), text, tags(scanner.location, keeps_baseline))
    where = Notebook.of(found).add(made)
    if as_json:
        print_json(_for_programs(made, [location], timezone))
        return
    say(
        f"Noted in {where} for {location} at {moment(made.epoch, timezone)}: "
        f"{printable(text)}"
    )


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops notes",
        "hops notes --location Harvard/Northwest/Bay1 --from 2026-01-01",
    ),
)
@location_option("Only of this scanner, as in [scanners].")
@days_options
@config_option
@json_option
def notes(location: str | None, days: Days, conf: Path, as_json: bool) -> None:
    """List what was done to the scanners, oldest first.

    Days and times are by the scanners' clocks.
    """
    found = site.load(conf)
    timezone = found.settings.timezone
    period = days.period(timezone)
    locations = [scanner.location for scanner in found.settings.scanners]
    if location:
        listed = Notebook.of(found).about(found.scanner(location).location, *period)
    else:
        listed = [
            note
            for note in Notebook.of(found).notes(*period)
            if SERVICE in note.tags or any(is_about(note, each) for each in locations)
        ]
    if as_json:
        print_json([_for_programs(each, locations, timezone) for each in listed])
    elif listed:
        show(_table(listed, locations, timezone))
    else:
        say("No service notes were found; hops note makes them.")


def _about(event: Event, locations: Sequence[str]) -> str:
    """The location that an event is about; of one that is not configured its tags."""
    known = [location for location in locations if is_about(event, location)]
    return ", ".join(known or sorted(event.tags - {SERVICE, KEEPS_BASELINE}))


def _table(listed: Sequence[Event], locations: Sequence[str], timezone: str) -> Table:
    table = listing(f"time ({timezone or 'this machine'})", "location", "note")
    for each in listed:
        cells = (moment(each.epoch, timezone), _about(each, locations), each.what)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _for_programs(event: Event, locations: Sequence[str], timezone: str) -> dict[str, object]:
    return {
        "time": moment(event.epoch, timezone),
        "epoch": event.epoch,
        "location": _about(event, locations),
        "note": event.what,
        "keeps_baseline": KEEPS_BASELINE in event.tags,
    }
