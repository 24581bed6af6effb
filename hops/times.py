"""Days to choose, and moments to show, on the clock of a scanner."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

MINUTE, HOUR, DAY = 60, 3600, 86400
UNITS = {"days": DAY, "hours": HOUR, "minutes": MINUTE}


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


def days_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command --from and --until, and its function `days`."""

    day = click.DateTime(["%Y-%m-%d"])

    @click.option("--from", "since", type=day, metavar="DAY", help="First day of the scans.")
    @click.option("--until", type=day, metavar="DAY", help="Last day of the scans.")
    @functools.wraps(command)
    def with_days(since: datetime | None, until: datetime | None, **options: Any) -> Any:
        if since and until and since > until:
            raise click.UsageError("--from is after --until: the first day comes first.")
        days = Days(since.date() if since else None, until.date() if until else None)
        return command(days=days, **options)

    return with_days


def moment(epoch: float, timezone: str) -> str:
    """A moment in ISO's form, in a time zone or else in this machine's."""
    zone = ZoneInfo(timezone) if timezone else None
    return datetime.fromtimestamp(epoch).astimezone(zone).isoformat(timespec="seconds")


def age(seconds: float) -> str:
    """So many seconds in a unit that there are two of at least, as in `36 hours`."""
    for name, unit in UNITS.items():
        if seconds >= 2 * unit:
            return f"{int(seconds // unit):,} {name}"
    return f"{max(0, int(seconds))} seconds"
