"""The last page: what is measured, and what a site does when it moves."""

from __future__ import annotations

from matplotlib.figure import Figure

from hops.quantities import QUANTITIES
from hops.report import paper
from hops.report.paper import LEFT, LINE, TOP


def draw() -> Figure:
    """The page, to be used within `drawing_style`."""
    figure = paper.sheet("What is measured", "What changes it, what to do then, and the source")
    y = TOP - 0.055
    for each in QUANTITIES:
        figure.text(LEFT, y, each.title, size=9, weight="bold", va="top")
        told = (f"{each.help}.", f"{each.remedy}.", f"Source: {each.source}.")
        y = paper.wrapped(figure, y - 1.2 * LINE, told) - 1.2 * LINE
    return figure
