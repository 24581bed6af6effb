"""What was found out about files, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

import stability_report
from hops.check.checking import GOOD, STATES, WAITS, Checked
from hops.check.excerpt import drawn
from hops.check.naming import Naming
from hops.console import console, counted, printable, say
from hops.times import moment

STYLES = {GOOD: "green", WAITS: "yellow"}
BAD_STYLE = "red"

NAMES = "Stability_20180910T090910.txt or Stability_2024-04-01T13-07-02.txt"


@dataclass
class Listing:
    """Many files in a line each, by folder, and what is wrong with some of them."""

    counts: Counter[str] = field(default_factory=Counter)
    _tables: dict[Path, Table] = field(default_factory=dict)
    _troubles: list[Checked] = field(default_factory=list)

    def add(self, checked: Checked) -> None:
        """Takes note of a file."""
        self.counts[checked.state] += 1
        folder = checked.file.parent
        if folder not in self._tables:
            self._tables[folder] = _files_table()
        report = checked.report
        contents: Sequence[object] = ("",) * 4
        if report:
            values = len(checked.paths)
            contents = (report.channels, report.slices, values, report.without_number or "")
        state = Text(checked.state, style=_style(checked))
        self._tables[folder].add_row(
            Text(printable(checked.file.name)), state, *map(str, contents)
        )
        if checked.state != GOOD:
            self._troubles.append(checked)

    def show(self) -> None:
        """Prints it."""
        for folder, table in self._tables.items():
            say(printable(str(folder)), style="bold")
            console.print(table)
        for checked in self._troubles:
            _show_trouble(checked)


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)


def _files_table() -> Table:
    table = _table()
    table.add_column("report", no_wrap=True, overflow="fold")
    table.add_column("state", no_wrap=True)
    for column in ("channels", "slices", "values", "nan"):
        table.add_column(column, justify="right")
    return table


def _style(checked: Checked) -> str:
    return STYLES.get(checked.state, BAD_STYLE)


def _show_trouble(checked: Checked) -> None:
    line = f"line {checked.place.number}: " if checked.place else ""
    reason = f"{printable(str(checked.file))}: {checked.state}: {line}{checked.reason}"
    say(reason, style=_style(checked))
    for each in drawn(checked.place) if checked.place else ():
        say(each)
    say("")


def show_in_full(checked: Checked, timezone: str) -> None:
    """Prints all that is in one file."""
    if checked.state != GOOD:
        _show_trouble(checked)
    else:
        say(f"{printable(str(checked.file))}: good", style=_style(checked))
    report = checked.report
    if not report:
        return
    zone = timezone or "this machine's time zone"
    say(f"Scan of {moment(checked.epoch, timezone)} ({zone})")
    say(
        f"Slices: {report.slices}, measurements: {report.measurements}, channels: "
        f"{report.channels}, values: {len(checked.paths)}, without a number: "
        f"{report.without_number}"
    )
    for section in report.sections:
        say(printable(section.name), style="bold")
        console.print(_section_table(section))


def _section_table(section: Any) -> Table:
    table = _table()
    names, *rows = stability_report.table_rows(section)
    for name in names:
        table.add_column(Text(printable(name)), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


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
        say(f"A report is called like {NAMES}.\n")


def summary(counts: Counter[str]) -> str:
    """A sentence: how many reports are in which state."""
    states = ", ".join(f"{counts[state]:,} {state}" for state in STATES if counts[state])
    return f"{counted(sum(counts.values()), 'report')}: {states}."


def for_programs(checked: Checked, naming: Naming) -> dict[str, object]:
    """What --json has of a file."""
    place, report = checked.place, checked.report
    found: dict[str, object] = {
        "file": str(checked.file),
        "state": checked.state,
        "reason": checked.reason or None,
        "line": place.number if place else None,
        "column": place.start + 1 if place else None,
    }
    if report:
        found |= {
            "time": moment(checked.epoch, naming.timezone),
            "epoch": checked.epoch,
            "location": naming.location_of(checked.file),
            "coil": naming.coil(report.channels),
            "slices": report.slices,
            "measurements": report.measurements,
            "channels": report.channels,
            "sections": [
                {"name": section.name, "columns": list(section.columns)}
                for section in report.sections
            ],
            "values": len(checked.paths),
            "without_number": report.without_number,
        }
    return found
