"""A sheet of A4, and what is written on it: texts that fit, rows of a table, a line to sign."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

INK, GREY = "0.1", "0.4"
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#8F3D7F"
INCHES = (210 / 25.4, 297 / 25.4)
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.edgecolor": "0.35",
    "xtick.color": "0.2",
    "ytick.color": "0.2",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,
    # Names and notes may have a $ in them.
    "text.parse_math": False,
    # The same data give the same file.
    "svg.hashsalt": "hops",
}

LEFT, RIGHT, TOP, FOOT = 0.085, 0.915, 0.97, 0.018
LINE, SMALL_LINE = 0.0135, 0.0098
"""Heights of a line, as all positions in parts of the page."""
WIDEST, WIDEST_SMALL = 120, 144
"""Characters that fit into a line."""
SMALLEST, LEAST = 6, 5
"""Points: what is too long even so is cut, but not to less than so many letters."""


@contextmanager
def drawing_style(more: Mapping[str, object] = MappingProxyType({})) -> Iterator[None]:
    """For all that is drawn and saved: nothing depends on the user's own matplotlib settings."""
    with matplotlib.style.context(["default", {**STYLE, **more}]), warnings.catch_warnings():
        # A note in letters that the font has not is drawn with boxes.
        warnings.filterwarnings("ignore", "Glyph")
        yield


def sheet(title: str, subtitle: str) -> Figure:
    """An empty page with its heading."""
    figure = Figure(figsize=INCHES)
    FigureCanvasAgg(figure)
    fit(figure, figure.text(LEFT, TOP, title, size=14, weight="bold", va="top"), RIGHT - LEFT)
    below = figure.text(LEFT, TOP - 0.022, subtitle, size=8.5, color=GREY, va="top")
    fit(figure, below, RIGHT - LEFT)
    return figure


def fit(figure: Figure, text: Text, width: float) -> None:
    """Makes a text smaller, and at last shorter, until it is no wider than a part of the page."""
    # A PDF has letters a little wider than the screen that they are measured on.
    limit = 0.98 * width * figure.bbox.width
    while text.get_window_extent().width > limit and float(text.get_fontsize()) > SMALLEST:
        text.set_fontsize(float(text.get_fontsize()) - 0.5)
    while text.get_window_extent().width > limit and len(text.get_text()) > LEAST:
        words = text.get_text()
        middle = len(words) // 2
        text.set_text(f"{words[: middle - 2]}…{words[middle + 2 :]}")


def table_row(
    figure: Figure,
    y: float,
    places: Sequence[tuple[float, str, float]],
    cells: Iterable[str],
    size: float = 8,
    strong: Collection[int] = (),
    color: str = INK,
) -> None:
    """Writes a row; `places`: of each cell where it is, its side, and its greatest width; `strong`:
    which of them are bold."""
    for index, ((x, side, width), cell) in enumerate(zip(places, cells)):
        weight = "bold" if index in strong else "normal"
        text = figure.text(
            x, y, cell, size=size, va="top", ha=side, color=color, weight=weight
        )
        fit(figure, text, width)


def wrapped(figure: Figure, y: float, paragraphs: Iterable[str], size: float = 8) -> float:
    """Writes paragraphs below each other; returns where they end."""
    widest, line = (WIDEST, LINE) if size == 8 else (WIDEST_SMALL, SMALL_LINE)
    for text in (part for each in paragraphs for part in textwrap.wrap(each, widest)):
        figure.text(LEFT, y, text, size=size, color=INK, va="top")
        y -= line
    return y


def rule(figure: Figure, y: float) -> None:
    """A line from side to side."""
    figure.add_artist(Line2D([LEFT, RIGHT], [y, y], color="0.6", linewidth=0.6))


def foot(figure: Figure, notes: Sequence[str], small: Sequence[str]) -> float:
    """Writes notes, small print and a line to sign; returns where the foot begins."""
    lines = [(part, GREY) for line in small for part in textwrap.wrap(line, WIDEST_SMALL)]
    lines = [(text, INK) for text in notes] + lines
    y = FOOT + SMALL_LINE * len(lines)
    for row, (line, color) in enumerate(lines):
        figure.text(LEFT, y - SMALL_LINE * row, line, size=6.3, color=color, va="top")
    sign = y + 0.012
    for x, width, what in ((LEFT, 0.4, "Name, signature"), (0.62, RIGHT - 0.62, "Date")):
        figure.text(x, sign, f"{what}:", size=7, color=INK, va="bottom")
        begin = x + 0.013 * len(what) * 0.75
        figure.add_artist(Line2D([begin, x + width], [sign, sign], color=INK, linewidth=0.5))
    return sign + 0.04
