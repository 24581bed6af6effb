"""A quantity as panels show it, and Graphite is asked for it."""

from __future__ import annotations

from grafana import queries
from grafana.panels import Shown
from hops.control import HISTORY, LAG, WIDTH
from hops.quantities import Bad, Quantity

HOW_LIMITS = (
    f"Centre line: mean of the {HISTORY} days that ended {LAG} days before. Limits: {WIDTH} of "
    "their standard deviations away. A big red dot marks a day whose scan is beyond"
)

# Grafana's names of units.
UNITS = {"%": "percent"}


def series(quantity: Quantity, coil: str, slices: str = "*") -> str:
    """The metric path for a coil's path."""
    return f"{coil}.{quantity.column}.{slices}"


def shown(quantity: Quantity, more: str, title: str = "") -> Shown:
    """What a panel says of it, and `more`."""
    unit = UNITS.get(quantity.unit, "none")
    text = f"{quantity.help}. {more}"
    return Shown(title or quantity.name, text, unit, quantity.decimals)


def out_of_control(quantity: Quantity, metric: str) -> str:
    """The scans beyond the limit that matters."""
    marks = {Bad.LOW: queries.below, Bad.HIGH: queries.above, Bad.BOTH: queries.beyond}
    return marks[quantity.bad](metric)
