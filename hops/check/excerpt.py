"""The place in a report where something is wrong: its line, with marks under the wrong part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import stability_report

# Of a line that is longer, so many characters before, in and after the wrong part are shown.
BEFORE, INSIDE, AFTER = 60, 80, 60
CUT = "..."

# What Python makes of a byte that is no UTF-8.
UNDECODABLE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Place:
    """A part of a line of a report, from `start` up to `end`; nothing of it where the line ends
    too early."""

    number: int
    text: str
    start: int
    end: int


def place_of(error: Any, data: bytes) -> Place | None:
    """Where in a report's content the `stability_report.ReportError` is; None if nowhere."""
    if error.line is None:
        return None
    lines = data.decode("utf-8-sig", "surrogateescape").split("\n")
    text = lines[error.line - 1].removesuffix("\r").rstrip("\t ")
    if isinstance(error, stability_report.IncompleteReport):
        return Place(error.line, text, len(text), len(text))
    return Place(error.line, text, *_span(text, error.found))


def drawn(place: Place) -> list[str]:
    """The line as it can be shown anywhere, and a line of marks below it.

    Tabs are blanks up to the next multiple of eight; whatever else is no plain character is an
    escape like `\\x1b`.
    """
    before = _escaped(place.text[: place.start])
    inside = _escaped(place.text[place.start : place.end])
    after = _escaped(place.text[place.end :])
    if len(before) > BEFORE:
        before = CUT + before[-BEFORE:]
    if len(inside) > INSIDE:
        inside = inside[:INSIDE] + CUT
    if len(after) > AFTER:
        after = after[:AFTER] + CUT
    start = len(before.expandtabs())
    end = len((before + inside).expandtabs())
    number = str(place.number).rjust(6)
    return [
        f"{number} | {(before + inside + after).expandtabs()}",
        f"{' ' * len(number)} | {' ' * start}{'^' * max(1, end - start)}",
    ]


def _span(text: str, found: str) -> tuple[int, int]:
    """From where to where what was `found` is in the line; all of the line if that is not known."""
    match = UNDECODABLE.search(text)
    if found:
        # A bad cell may also be a part of a good one before it, so a whole one is looked for first.
        cell = re.escape(found)
        match = re.search(rf"(?<!\S){cell}(?!\S)", text) or re.search(cell, text)
    return match.span() if match else (len(text) - len(text.lstrip()), len(text))


def _escaped(text: str) -> str:
    return "".join(_escape(each) for each in text)


def _escape(character: str) -> str:
    if character == "\t":
        return character
    if UNDECODABLE.match(character):
        return f"\\x{ord(character) & 0xFF:02x}"
    return ascii(character)[1:-1]
