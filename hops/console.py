"""How commands talk: tables for people, JSON for programs, progress bars."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

console = Console(highlight=False, emoji=False)
if not console.is_terminal and "COLUMNS" not in console._environ:
    console.width = sys.maxsize  # a file has no edge at which to wrap

# What a program reads on standard output stays free of what is said here.
error_console = Console(highlight=False, stderr=True)
if not error_console.is_terminal and "COLUMNS" not in error_console._environ:
    error_console.width = sys.maxsize


def print_json(content: object) -> None:
    """Prints what a program reads."""
    click.echo(json.dumps(content, indent=2))


def say(text: str, style: str = "", hang: int = 4) -> None:
    """Prints lines for people, in which nothing is taken for markup; what is too long for the
    terminal goes on below, `hang` columns farther in."""
    for line in text.split("\n"):
        # A word that is longer than the terminal is left to that.
        console.print(wrapped(line, console, hang), style=style, markup=False, soft_wrap=True)


def wrapped(line: str, where: Console, hang: int = 4) -> str:
    """The line as it fits the console, broken between words only."""
    indent = " " * (len(line) - len(line.lstrip()) + hang)
    return "\n".join(
        textwrap.wrap(
            line,
            where.width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def listing(*columns: str, numbers_from: int | None = None) -> Table:
    """A table without a frame, to be filled; its columns from a place on have numbers in them."""
    table = Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for place, column in enumerate(columns):
        has_numbers = numbers_from is not None and place >= numbers_from
        table.add_column(Text(column), justify="right" if has_numbers else "left", no_wrap=True)
    return table


def show(table: Table) -> None:
    """Prints a table, or where the terminal is too narrow for it, a line for each of its rows."""
    width = console.measure(table, options=console.options.update(width=sys.maxsize)).maximum
    if width <= console.width:
        console.print(table)
        return
    if table.title:
        say(str(table.title), "italic")
    heads = [str(column.header) for column in table.columns]
    for cells in zip(*(column.cells for column in table.columns)):
        first, *others = (f"{head} {cell}" for head, cell in zip(heads, cells) if str(cell))
        say(f"{first}: {', '.join(others)}")
    say("")


def say_some(lines: Sequence[str], most: int, indent: int) -> None:
    """Prints the first of lines that programs are told all of."""
    for line in lines[:most]:
        say(" " * indent + line)
    if len(lines) > most:
        say(f"{' ' * indent}and {len(lines) - most:,} more: see them with --json")


def printable(text: str) -> str:
    """`text` from outside, with what could harm a terminal as an escape like `\\x1b`."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def counted(number: int, noun: str) -> str:
    """A number of things, as in `1 report` and `1,200 reports`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows how far long work is; what it yields is told how many more were done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=error_console) as shown:
        task = shown.add_task(title, total=total)
        yield lambda count: shown.advance(task, count)
