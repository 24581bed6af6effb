"""A quantity as panels show it: in words, units and colours."""

from __future__ import annotations

from grafana.panels import Shown, Steps
from hops.control import HISTORY, LAG, WIDTH
from hops.quantities import Bad, Quantity

SIGMAS_UNIT = "suffix: \N{GREEK SMALL LETTER SIGMA}"

SIDES = {Bad.LOW: "below", Bad.HIGH: "above", Bad.BOTH: "on either side"}

# Grafana's names of units.
UNITS = {"%": "percent"}


def shown(quantity: Quantity, more: str, title: str = "") -> Shown:
    """What a panel says of it, and `more`."""
    unit = UNITS.get(quantity.unit, "none")
    text = f"{quantity.help}. {more}"
    return Shown(title or quantity.name, text, unit, quantity.decimals)


def chart_help(quantity: Quantity) -> str:
    """What its control chart is of, what to do when it moves, and how to read it."""
    return (
        f"Mean of all slices. {quantity.remedy}. {how_limits(quantity)} Source: {quantity.source}."
    )


def how_limits(quantity: Quantity) -> str:
    """What its control chart shows, in sentences."""
    return (
        f"Grey: centre line, the mean of the {HISTORY} days that ended {LAG} days before, begun "
        f"anew at a service note. Orange: limits, {WIDTH} of their standard deviations away; none "
        "while the coil is learning. Red line: the site's own limit. A big red dot is a scan "
        f"beyond a limit {SIDES[quantity.bad]}, the side that matters. Purple: moving average, in "
        "which a scan counts a fifth; with a dot where it is so far from the centre line that this "
        "is a slow change."
    )


def by_side(quantity: Quantity, fine: str) -> Steps:
    """Colours of sigmas: red beyond the limit on the side that matters, else `fine`."""
    low = [(None, "red"), (-WIDTH, fine)] if quantity.bad <= 0 else [(None, fine)]
    high = [(WIDTH, "red")] if quantity.bad >= 0 else []
    return [*low, *high]
