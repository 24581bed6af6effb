"""`hops demo`: the whole road on this machine, from reports through Diamond into Graphite."""

from __future__ import annotations

from pathlib import Path

import click

from hops.options import HELP
from hops.sample import years_option

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(
    context_settings=HELP,
    epilog="Examples: hops demo | hops demo --once --years 0.25 | "
    "hops demo --reports /mnt/scanner/bay1",
)
@click.option("--once", is_flag=True, help="Exit after the summary; 0 only when all was stored.")
@click.option(
    "--reports",
    type=FOLDER,
    help="Take the reports in DIR and below instead of made-up ones. They are copied; DIR is "
    "never touched.",
    metavar="DIR",
)
@years_option
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web page (any free one).")
@click.option(
    "--grafana-home",
    type=FOLDER,
    help="Show the dashboards in the Grafana unpacked in DIR; otherwise in one on the PATH.",
    metavar="DIR",
)
@click.option("--system-graphite", is_flag=True, help="Use the Graphite that Debian installed.")
def main(
    once: bool,
    reports: Path | None,
    years: float,
    port: int | None,
    grafana_home: Path | None,
    system_graphite: bool,
) -> None:
    """Show the whole road: years of Stability reports of two scanners go through Diamond into a
    Graphite, all on this machine and in a temporary folder, and stay up to be looked at until
    Ctrl-C."""
    # Here, as no other command starts a Graphite or a Diamond.
    from lab.demo import show

    if not show(once, reports, years, port, grafana_home, system_graphite):
        raise SystemExit(1)
