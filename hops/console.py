"""How commands talk: tables for people, JSON for programs, progress bars."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PIPED_WIDTH = 200

console = Console(highlight=False, emoji=False)
if not console.is_terminal and "COLUMNS" not in console._environ:
    console.width = PIPED_WIDTH  # a file has no edge at which to wrap

# What a program reads on standard output stays free of these.
_progress_console = Console(highlight=False, stderr=True)


def print_json(content: object) -> None:
    """Prints what a program reads."""
    click.echo(json.dumps(content, indent=2))


def say(text: str, style: str = "") -> None:
    """Prints a line for people, in which nothing is taken for markup and nothing is wrapped."""
    console.print(text, style=style, markup=False, soft_wrap=True)


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
    with Progress(*columns, TimeElapsedColumn(), console=_progress_console) as shown:
        task = shown.add_task(title, total=total)
        yield lambda count: shown.advance(task, count)
