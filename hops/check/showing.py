"""What was found out about files, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table
from rich.text import Text

import stability_report
from hops.check.checking import GOOD, STATES, WAITS, Checked
from hops.check.excerpt import drawn
from hops.console import counted, listing, printable, say, show
from hops.reportfiles import EXAMPLES

STYLES = {GOOD: "green", WAITS: "yellow"}
BAD_STYLE = "red"


@dataclass
class Listing:
    """Many files in a line each, by folder, and what is wrong with some of them."""

    counts: Counter[str] = field(default_factory=Counter)
    _tables: dict[Path, Table] = field(default_factory=dict)
    _troubles: list[Checked] = field(default_factory=list)
    _warnings: list[str] = field(default_factory=list)

    def add(self, checked: Checked) -> None:
        """Takes note of a file."""
        self.counts[checked.state] += 1
        folder = checked.file.parent
        if folder not in self._tables:
            columns = ("report", "state", "channels", "slices", "values", "nan")
            self._tables[folder] = listing(*columns, numbers_from=2)
        found = checked.contents
        numbers = (
            (found.channels, found.slices, found.values, found.without_number or "")
            if found
            else ("",) * 4
        )
        name, state = printable(checked.file.name), Text(checked.state, style=_style(checked))
        self._tables[folder].add_row(Text(name), state, *map(str, numbers))
        if checked.state != GOOD:
            self._troubles.append(checked)
        self._warnings += _warnings(checked)

    def show(self) -> None:
        """Prints it."""
        for folder, table in self._tables.items():
            say(printable(str(folder)), style="bold")
            show(table)
        for checked in self._troubles:
            _show_trouble(checked)
        for warning in self._warnings:
            say(warning, style=STYLES[WAITS])

    def summary(self) -> str:
        """A sentence: how many reports are in which state."""
        found = [state for state in STATES if self.counts[state]]
        states = ", ".join(f"{self.counts[state]:,} {state}" for state in found)
        return f"{counted(sum(self.counts.values()), 'report')}: {states}."


def show_in_full(checked: Checked, timezone: str) -> None:
    """Prints all that is in one file."""
    if checked.state != GOOD:
        _show_trouble(checked)
    else:
        say(f"{printable(str(checked.file))}: good", style=_style(checked))
    for warning in _warnings(checked):
        say(warning, style=STYLES[WAITS])
    found, report = checked.contents, checked.report
    if not found or not report:
        return
    zone = timezone or "this machine's time zone"
    say(f"Scan of {found.time} ({zone})")
    say(
        f"Slices: {found.slices}, measurements: {found.measurements}, channels: {found.channels}, "
        f"values: {found.values}, without a number: {found.without_number}"
    )
    for section in report.sections:
        say(printable(section.name), style="bold")
        names, *rows = stability_report.table_rows(section)
        table = listing(*map(printable, names), numbers_from=0)
        for row in rows:
            table.add_row(*row)
        show(table)


def show_paths(paths: Sequence[str], in_full: bool) -> None:
    """Prints all metric paths, or how many there are."""
    if in_full:
        for path in paths:
            say(path)
    elif paths:
        say(f"Metrics: {len(paths):,}, from {paths[0]} to {paths[-1]}; --paths lists all.")


def show_nearly(nearly: Sequence[Path]) -> None:
    """Prints the files that have nearly a report's name."""
    if nearly:
        say("No report by name, and so left alone by the collector:", style=STYLES[WAITS])
        for file in nearly:
            say(f"  {printable(str(file))}")
        say(f"A report is called like {EXAMPLES}.\n")


def _style(checked: Checked) -> str:
    return STYLES.get(checked.state, BAD_STYLE)


def _warnings(checked: Checked) -> list[str]:
    warnings = checked.contents.warnings if checked.contents else []
    return [f"{printable(str(checked.file))}: {warning}" for warning in warnings]


def _show_trouble(checked: Checked) -> None:
    line = f"line {checked.place.number}: " if checked.place else ""
    reason = f"{printable(str(checked.file))}: {checked.state}: {line}{checked.reason}"
    say(reason, style=_style(checked))
    for each in drawn(checked.place) if checked.place else ():
        say(each)
    say("")
