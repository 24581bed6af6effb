"""The `hops` commands for mkdocs-click, which leaves the examples out."""

from __future__ import annotations

import copy
import inspect

import click

from hops.cli import main
from hops.options import CONTINUED, EXAMPLES


def _with_examples(name: str, command: click.Command) -> click.Command:
    shown = copy.copy(command)
    shown.name = name
    examples = (command.epilog or "").replace(CONTINUED, " ").splitlines()[len(EXAMPLES) :]
    listed = "".join(f"- `{each.strip()}`\n" for each in examples)
    shown.help = f"{inspect.cleandoc(command.help or '')}\n\nExamples:\n\n{listed}"
    return shown


hops = click.Group(
    "hops",
    commands={name: _with_examples(name, command) for name, command in main.commands.items()},
    help=main.help,
    context_settings=main.context_settings,
)
