"""What a site fixes itself: baselines and absolute limits, of StabilityControlCollector.conf.

    [baselines]
    Harvard/Northwest/Bay1/32 = 2026-01-01/2026-06-30
    [limits]
    ghost.mean = < 3
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from hops.errors import Problem
from hops.options import YEARS, Days
from hops.quantities import QUANTITIES, Quantity
from hops.times import Period

COLLECTOR = "StabilityControlCollector"
COLUMNS = {quantity.column: quantity for quantity in QUANTITIES}
SIDES = {"<": 1, ">": -1}


class RulesError(ValueError):
    """A value that cannot be used: the key, the value and what is allowed, in a sentence."""


@dataclass(frozen=True)
class Limit:
    """An absolute limit, in the quantity's unit."""

    value: float
    side: int
    """1 where what is above is out, -1 where what is below is."""

    def over(self, value: float) -> float:
        """How far a value is beyond the limit; less than 0: within."""
        return self.side * (value - self.value)


@dataclass(frozen=True)
class Rules:
    """What a site fixes itself."""

    baselines: Mapping[str, Days] = field(default_factory=dict)
    """By location, location/coil or a pattern of these; the first that fits holds."""
    limits: Mapping[Quantity, Limit] = field(default_factory=dict)

    def baseline(self, location: str, coil: str, timezone: str) -> Period | None:
        """The fixed baseline of a coil, days by a clock in the time zone."""
        for pattern, days in self.baselines.items():
            if fnmatchcase(location, pattern) or fnmatchcase(f"{location}/{coil}", pattern):
                return days.period(timezone)
        return None


def read(config: Mapping[str, Any]) -> Rules:
    """The Rules in a collector's configuration. Raises RulesError."""
    baselines = _section(config, "baselines")
    limits = _section(config, "limits")
    return Rules(
        {pattern: _days(pattern, text) for pattern, text in baselines.items()},
        {_quantity(column, text): _limit(column, text) for column, text in limits.items()},
    )


def of_site(config: Mapping[str, Any]) -> Rules:
    """The Rules in all of Diamond's configuration. Raises Problem."""
    try:
        return read(config["collectors"].get(COLLECTOR, {}))
    except RulesError as error:
        raise Problem(f"{COLLECTOR}: {error}.") from None


def days(text: str) -> Days:
    """Days as in `2026-01-01/2026-06-30`. Raises ValueError."""
    since, until = (date.fromisoformat(day.strip()) for day in text.split("/"))
    if since > until or not {since.year, until.year} <= set(YEARS):
        raise ValueError(text)
    return Days(since, until)


def _section(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = config.get(key, {})
    if not isinstance(section, dict):
        raise RulesError(f"{key} = {section!r}: expected a section [{key}] with a line for each")
    return section


def _days(pattern: str, text: object) -> Days:
    try:
        return days(str(text))
    except ValueError:
        raise RulesError(
            f"[baselines] {pattern} = {text!r}: expected the first and the last day as in "
            "2026-01-01/2026-06-30"
        ) from None


def _quantity(column: str, text: object) -> Quantity:
    if column not in COLUMNS:
        raise RulesError(
            f"[limits] {column} = {text!r}: there is no such quantity; there are "
            f"{', '.join(COLUMNS)}"
        )
    return COLUMNS[column]


def _limit(column: str, text: object) -> Limit:
    sign, number = str(text).strip()[:1], str(text).strip()[1:]
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if sign not in SIDES or not 0 < value < math.inf:
        raise RulesError(
            f"[limits] {column} = {text!r}: expected what is good, as < 3 or > 250, with a number "
            "of more than 0"
        )
    return Limit(value, SIDES[sign])
