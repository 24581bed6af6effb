"""The whole road on this machine: reports, Diamond, Graphite, Grafana. `hops demo` runs it."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path

from rich.table import Table

from hops import site as hops_site
from hops.console import console, counted, progress, say
from hops.errors import Problem
from hops.graphiteweb import GraphiteWeb
from hops.judge.command import judge_all, say_outcomes
from hops.paths import series_of_coil
from hops.readback import Comparison, State
from hops.report.command import require_libraries
from hops.report.fleet import read
from hops.site import Site
from hops.times import Period
from lab.diamond import DiamondSite
from lab.grafana import Grafana, GrafanaMissing, Program, find_grafana
from lab.graphite import EmbeddedGraphite, find_environment
from lab.ports import LOOPBACK, require_free
from lab.readback import lacking, read_back, values
from lab.reports import ARCHIVE, Reports, copied, invented
from lab.workplace import running, workplace

POLL_SECONDS = 10
NEW_SCANS_STEP = 600
# The embedded carbon writes what it has every second.
CONFIRM_SECONDS = 2
# Carbon writes what it has cached within a second or two; on a busy machine it may take longer.
STORE_PATIENCE = 120


def show(
    once: bool,
    source: Path | None,
    years: float,
    web_port: int | None,
    carbon_port: int | None,
    grafana_home: Path | None,
    system_graphite: bool,
) -> bool:
    """Sends the reports in `source`, or `years` of invented ones, down the whole road; whether all
    of them arrived. Unless `once`, all stays up until Ctrl-C. Raises Problem."""
    with workplace("demo") as folder:
        # What can be refused comes before the environment, which may take minutes.
        _require_free_ports(web_port, carbon_port)
        program = None if once else _find_grafana(grafana_home)
        scanners = folder / "scanners"
        reports = copied(source, scanners) if source else invented(scanners, years)
        environment = find_environment(system=system_graphite)
        schemas = f"[stability]\npattern = .*\nretentions = {_retentions(reports.step())}\n"
        with EmbeddedGraphite(
            folder / "graphite",
            environment,
            web_port=web_port,
            line_port=carbon_port,
            # For the ingest page.
            carbon_settings={"CARBON_METRIC_INTERVAL": "60"},
            storage_schemas=schemas,
        ) as graphite:
            site = _site(folder / "diamond", reports, graphite)
            _run_diamond(site, reports)
            loaded = hops_site.load(site.conf)
            found = _wait_until_stored(loaded, reports)
            say_outcomes(judge_all(loaded, loaded.settings.scanners))
            all_stored = _print_summary(reports, GraphiteWeb.at(graphite.url), found)
            say(f"Carbon takes metrics at {LOOPBACK}:{graphite.line_port}.")
            say(f"Graphite's pages: {graphite.url}/")
            if not once:
                with ExitStack() as end:
                    if program:
                        grafana = Grafana(folder / "grafana", program, graphite.url)
                        say(f"Dashboards: {end.enter_context(grafana).url}/")
                    else:
                        _write_pages(loaded, found, folder / "pages")
                    _stay(site, reports)
        return all_stored


def _retentions(step: int) -> str:
    """Slots of so many seconds, in which the reports are told apart, and finer ones for new scans:
    two of a coil may be nearer to each other."""
    years = f"{step}s:25y"
    return years if step <= NEW_SCANS_STEP else f"{NEW_SCANS_STEP}s:30d,{years}"


def _require_free_ports(web: int | None, carbon: int | None) -> None:
    for port, server in ((web, "graphite-web"), (carbon, "carbon")):
        if port:
            require_free(port, server)


def _find_grafana(home: Path | None) -> Program | None:
    try:
        return find_grafana(home)
    except GrafanaMissing as missing:
        if home:
            raise
        say(missing.message)
        return None


def _site(folder: Path, reports: Reports, graphite: EmbeddedGraphite) -> DiamondSite:
    return DiamondSite(
        folder,
        reports.scanners,
        {report.channels: str(report.channels) for _, report in reports.good},
        graphite.line_port,
        judge_seconds=POLL_SECONDS,
        interval=POLL_SECONDS,
        ingest_dir=ARCHIVE,
        settle_seconds=0,
        graphite_url=graphite.url,
        confirm_seconds=CONFIRM_SECONDS,
    )


# -- the road ------------------------------------------------------------------------------


def _run_diamond(site: DiamondSite, reports: Reports) -> None:
    """Runs the collector once over all that waits, and shows how far it is."""
    with progress("Diamond: reports confirmed and archived", len(reports.good)) as advance:
        archived = 0
        with running(site.run_once) as process:
            while process.poll() is None:
                time.sleep(0.2)
                now = reports.archived()
                advance(now - archived)
                archived = now
            advance(reports.archived() - archived)
    if process.returncode and not reports.bad:
        say(f"Diamond had something to complain about; the end of {site.log}:")
        say("".join(site.log.read_text(errors="replace").splitlines(True)[-5:]))


def _wait_until_stored(site: Site, reports: Reports) -> list[Comparison]:
    """Reads everything back, again until all is there or patience is at its end."""
    deadline = time.monotonic() + STORE_PATIENCE
    while lacking(found := read_back(site, reports.good)) and time.monotonic() < deadline:
        say(f"{counted(lacking(found), 'point')} not there yet; looking again ...")
        time.sleep(2)
    return found


def _write_pages(site: Site, compared: Collection[Comparison], folder: Path) -> None:
    """Those of `hops report --html`, from the first scan on."""
    first = min((each.scan.epoch for each in compared), default=0)
    try:
        require_libraries()
        fleet = read(site, Period(since=first))
    except Problem as problem:
        say(problem.message)
        return
    # It takes matplotlib half a second to load.
    from hops.report.web import write

    index = write(fleet, folder)
    say(f"Pages of all coils, for a browser: {index.as_uri()}")


def _stay(site: DiamondSite, reports: Reports) -> None:
    """Keeps Diamond polling, so that reports put into the folders go the same road."""
    folder = next(iter(reports.scanners.values()))
    say(f"Diamond looks every {POLL_SECONDS} seconds for new reports, as in {folder}.")
    say("Ctrl-C ends it all.")
    with running(site.start_daemon) as process:
        process.wait()
    say(f"Diamond ended by itself with {process.returncode}: see {site.log}.")


# -- what is shown -------------------------------------------------------------------------


def _print_summary(
    reports: Reports, graphite: GraphiteWeb, compared: Collection[Comparison]
) -> bool:
    """Whether all of all reports is stored."""
    total = values(compared)
    there = [each.scan for each in compared if each.counts[State.STORED]]
    coils = {scan.path for scan in there}
    series = sum(len(graphite.expand(str(series_of_coil(path)))) for path in coils)
    table = Table(title="Read back from Graphite", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    table.add_row("scanners", f"{len({scan.location for scan in there}):,}")
    table.add_row("coils", f"{len(coils):,}")
    table.add_row("reports", f"{len(there):,} of {len(compared):,}")
    table.add_row("series", f"{series:,}")
    table.add_row("points", f"{total - lacking(compared):,} of {total:,} stored")
    console.print(table)
    for sentence in reports.bad:
        say(f"Not ingested: {sentence}", "red")
    return not lacking(compared) and not reports.bad
