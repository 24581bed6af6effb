"""Measures what a report costs, side by side in one run. `script/bench` runs it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks import delivery, folders, judging, panels, reading
from benchmarks.results import Result, table_of
from benchmarks.site import SOURCE, diamonds_log
from hops.console import console, say
from hops.options import HELP, examples
from lab.graphite import find_environment
from lab.workplace import workplace


@click.command(
    context_settings=HELP, epilog=examples("script/bench", "script/bench --quick --json bench.json")
)
@click.option("--quick", is_flag=True, help="Fewer files and rounds: rougher, in a minute.")
@click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write what was measured to FILE too.",
    metavar="FILE",
)
def main(quick: bool, output: Path | None) -> None:
    """Measure what a report costs from the scanner's folder into Graphite, beside the least that it
    could cost, on this machine. Takes some minutes. Only the ratios mean something elsewhere, and
    only where nothing else keeps the machine busy."""
    with workplace("bench") as folder, diamonds_log():
        results = list(_measure(folder, quick))
    console.print(table_of(results))
    say(_machine())
    if output:
        content = {"machine": _machine(), "results": [each.as_json() for each in results]}
        output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _measure(folder: Path, quick: bool) -> Iterator[Result]:
    environment = find_environment()
    say(f"Reading {SOURCE.name} ...")
    yield from reading.measure(folder / "reading", quick)
    say("Polling folders ...")
    yield from folders.quiet_polls(folder / "quiet", quick)
    say("Delivering ...")
    yield from delivery.to_a_socket(folder / "socket", quick)
    yield from delivery.to_carbon(folder / "carbon", environment, quick)
    say("Judging ...")
    yield judging.a_year_of_a_coil()
    say("Drawing dashboards ...")
    yield from panels.measure(folder / "panels", environment)


def _machine() -> str:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load}"


if __name__ == "__main__":
    main()
