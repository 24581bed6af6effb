"""Moments and spans of time, as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = 60, 3600, 86400
# The last second of 32 bits, which whisper counts in. What has a time in the future is before it.
FOREVER = 2**32 - 1
UNITS = {"days": DAY, "hours": HOUR, "minutes": MINUTE}


class Period(NamedTuple):
    """From one epoch to another, both in it."""

    since: int = 0
    until: int = FOREVER


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
