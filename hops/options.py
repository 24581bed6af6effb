"""The options that commands share, and what they choose."""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click

import stability_report
from hops.arguments import day_of
from hops.times import FOREVER, Period

HELP = {"help_option_names": ["-h", "--help"]}

YEARS = range(1971, 2106)
"""That whisper, too, has seconds for."""

Command = Callable[..., Any]

EXAMPLES = ("\b", "Examples:")
"""What is above them: the mark by which click leaves a paragraph's lines alone, and a title."""
CONTINUED = " \\\n      "
"""Between the lines of a long one, as a shell reads it."""


def examples(*commands: str) -> str:
    """The end of a command's help: what can be typed, each in lines of its own."""
    lines = ["  " + CONTINUED.join(_before_options(each)) for each in commands]
    return "\n".join((*EXAMPLES, *lines))


def _before_options(command: str) -> list[str]:
    """The command in as many lines as it takes on a terminal of 80 columns."""
    kept = re.sub(" (?!--)", "\N{NO-BREAK SPACE}", command)
    lines = textwrap.wrap(kept, 70, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


config_option = click.option(
    "-c",
    "--config",
    "conf",
    type=click.Path(path_type=Path),
    default=Path("/etc/diamond/diamond.conf"),
    show_default=True,
    metavar="FILE",
    help="Diamond's configuration.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


def location_option(help: str, required: bool = False) -> Callable[[Command], Command]:
    """Gives a command --location, which is a scanner's as in [scanners]."""
    return click.option("--location", metavar="A/B/C", required=required, help=help)


@dataclass(frozen=True)
class Days:
    """From one day to another, on the scanner's clock; None: without end."""

    since: date | None = None
    until: date | None = None

    def has(self, day: date | None) -> bool:
        """Whether the day is one of them; one that is not known is, if all are."""
        if day is None:
            return self == Days()
        return (self.since or day) <= day <= (self.until or day)

    def period(self, timezone: str) -> Period:
        """From their first to their last second on a clock in the time zone; "" for this machine's.
        """
        since = _midnight(self.since, timezone) if self.since else 0
        until = _midnight(self.until + timedelta(days=1), timezone) - 1 if self.until else FOREVER
        return Period(since, until)


def _midnight(day: date, timezone: str) -> int:
    return int(stability_report.timestamp(datetime.combine(day, time()), timezone))


def days_options(command: Command) -> Command:
    """Gives a command --from and --until, and its function `days`."""

    @click.option("--from", "since", type=day_of(YEARS), help="First day of the period.")
    @click.option("--until", type=day_of(YEARS), help="Last day of the period.")
    @functools.wraps(command)
    def with_days(since: date | None, until: date | None, **options: Any) -> Any:
        if since and until and since > until:
            raise click.UsageError("--from is after --until: the first day comes first.")
        return command(days=Days(since, until), **options)

    return with_days
