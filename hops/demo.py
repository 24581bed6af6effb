"""`hops demo`: the whole road on this machine, from reports through Diamond into Graphite."""

from __future__ import annotations

from pathlib import Path

import click

from hops.arguments import folder, port
from hops.options import HELP, examples
from hops.sample import years_option


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops demo",
        "hops demo --once --years 0.25",
        "hops demo --reports /mnt/scanner/bay1",
    ),
)
@click.option("--once", is_flag=True, help="Exit after the summary; 0 only when all was stored.")
@click.option(
    "--reports",
    type=folder,
    metavar="DIR",
    help="Take the reports in DIR and below instead of made-up ones. They are copied; DIR is "
    "never touched.",
)
@years_option
@click.option("--port", type=port, help="Port of the web page (any free one).")
@click.option("--carbon-port", type=port, help="Port where carbon takes metrics (any free one).")
@click.option(
    "--grafana-home",
    type=folder,
    metavar="DIR",
    help="Show the dashboards in the Grafana unpacked in DIR; otherwise in one on the PATH.",
)
@click.option("--system-graphite", is_flag=True, help="Use the Graphite that Debian installed.")
def main(
    once: bool,
    reports: Path | None,
    years: float,
    port: int | None,
    carbon_port: int | None,
    grafana_home: Path | None,
    system_graphite: bool,
) -> None:
    """Show the whole road of reports on this machine.

    Years of Stability reports of two scanners go through Diamond into a Graphite, all in a
    temporary folder, and stay up to be looked at until Ctrl-C."""
    # Here, as no other command starts a Graphite or a Diamond.
    from lab.demo import show

    if not show(once, reports, years, port, carbon_port, grafana_home, system_graphite):
        raise SystemExit(1)
