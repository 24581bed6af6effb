"""The whole road on this machine: reports, Diamond, Graphite. `script/demo` runs it."""

from __future__ import annotations

import filecmp
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import click
from rich.table import Table

import stability_report
from hops import site as hops_site
from hops.console import console, progress
from hops.graphiteweb import GraphiteWeb
from hops.options import HELP
from hops.readback import Comparison, Expected, State, compare, expected
from hops.sample import make_reports
from hops.webdashboard import save_dashboard
from lab.diamond import DiamondSite
from lab.grafana import Grafana, GrafanaError, GrafanaMissing, Program, find_grafana
from lab.graphite import EmbeddedGraphite, Environment, GraphiteError, find_environment
from lab.graphite.configuration import LOOPBACK
from sample_data.scanners import FOLDERS, example_scanners
from sample_data.schedule import newest_day, schedule

ARCHIVE = "Ingested"
POLL_SECONDS = 10
# The embedded carbon writes what it has every second.
CONFIRM_SECONDS = 2
# Carbon writes what it has cached within a second or two; on a busy machine it may take longer.
STORE_PATIENCE = 120
# Seconds in a slot: an hour is enough for a scan a day, ten minutes for any two scans.
STEPS = (3600, 600, 60)


@dataclass
class Reports:
    """What the demo ingests: folders by location, and what is wrong with files that are no good."""

    scanners: dict[str, Path] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)


@click.command(
    context_settings=HELP,
    epilog="Examples: hops demo | hops demo --once --reports /mnt/scanner/bay1",
)
@click.option("--once", is_flag=True, help="Exit after the summary; 0 only when all was stored.")
@click.option(
    "--reports",
    "reports_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the reports in DIR and below instead of made-up ones. They are copied; DIR is "
    "never touched.",
    metavar="DIR",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web page (any free one).")
@click.option(
    "--grafana-home",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Show the dashboards in the Grafana unpacked in DIR; otherwise in one on the PATH.",
    metavar="DIR",
)
@click.option("--system-graphite", is_flag=True, help="Use the Graphite that Debian installed.")
def main(
    once: bool,
    reports_dir: Path | None,
    port: int | None,
    grafana_home: Path | None,
    system_graphite: bool,
) -> None:
    """Show the whole road: two years of Stability reports of two scanners go through Diamond into
    a Graphite, all on this machine and in a temporary folder, and stay up to be looked at until
    Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        environment = find_environment(
            Path(f"{sys.prefix}-graphite"), system=system_graphite, say=console.print
        )
        with tempfile.TemporaryDirectory(prefix="hops-demo-") as name:
            folder = Path(name)
            grafana = None if once else _find_grafana(grafana_home)
            reports = _copy(reports_dir, folder) if reports_dir else _make(folder)
            all_stored = _show(folder, reports, environment, port, grafana, stay=not once)
    except (GraphiteError, GrafanaError) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        console.print("Stopped; the temporary folder is gone.")
        raise SystemExit(130) from None
    if not all_stored:
        raise SystemExit(1)


@contextmanager
def _dashboards(
    folder: Path, program: Program | None, graphite_url: str, wanted: list[Expected]
) -> Iterator[None]:
    """Our dashboards, on graphite-web's pages if there is no Grafana to show them."""
    if program is None:
        _save_dashboards(graphite_url, wanted)
        yield
        return
    with Grafana(folder / "grafana", program, graphite_url) as grafana:
        console.print(f"Dashboards: {grafana.url}/", soft_wrap=True, markup=False)
        yield


def _save_dashboards(url: str, wanted: list[Expected]) -> None:
    graphite = GraphiteWeb.at(url)
    newest = {report.scan.path: report.scan for report in wanted}  # which come oldest first
    for path, scan in sorted(newest.items()):
        console.print(f"Dashboard of {scan.location}, coil {scan.coil}:", markup=False)
        address = save_dashboard(graphite, path, scan.epoch)
        console.print(f"  {address}", soft_wrap=True, markup=False)


def _find_grafana(home: Path | None) -> Program | None:
    try:
        return find_grafana(home)
    except GrafanaMissing as missing:
        if home:
            raise
        console.print(str(missing), soft_wrap=True, markup=False)
        return None


def _show(
    folder: Path,
    reports: Reports,
    environment: Environment,
    port: int | None,
    grafana: Program | None,
    stay: bool,
) -> bool:
    """Sends the reports down the whole road; whether all of them arrived."""
    good = _read(reports)
    schemas = f"[stability]\npattern = .*\nretentions = {_coarsest_step(good)}s:25y\n"
    graphite = EmbeddedGraphite(
        folder / "graphite", environment, web_port=port, storage_schemas=schemas
    )
    with graphite:
        site = DiamondSite(
            folder / "diamond",
            reports.scanners,
            {report.channels: str(report.channels) for _, report in good},
            graphite.line_port,
            interval=POLL_SECONDS,
            ingest_dir=ARCHIVE,
            settle_seconds=0,
            graphite_url=graphite.url,
            confirm_seconds=CONFIRM_SECONDS,
        )
        _run_diamond(site, reports, len(good))
        wanted = _expected(site, good)
        web = GraphiteWeb.at(graphite.url)
        all_stored = _print_summary(reports, web, _wait_until_stored(web, wanted))
        console.print(f"Carbon takes metrics at {LOOPBACK}:{graphite.line_port}.")
        _print_where_to_look(graphite.url, wanted)
        if stay:
            with _dashboards(folder, grafana, graphite.url, wanted):
                _stay(site, reports)
    return all_stored


# -- the reports ---------------------------------------------------------------------------


def _make(folder: Path) -> Reports:
    until = newest_day(datetime.now())
    scans = schedule(example_scanners(until), until)
    make_reports(folder / "scanners", scans)
    return Reports({location: folder / "scanners" / name for location, name in FOLDERS.items()})


def _copy(source: Path, folder: Path) -> Reports:
    """Copies of the reports in `source`, and in the folders directly below it: a scanner each."""
    reports = Reports()
    paths = sorted(path for path in source.rglob("*") if stability_report.is_report_name(path.name))
    with progress("Copying reports", len(paths)) as advance:
        for path in paths:
            advance(1)
            below = path.relative_to(source).parts
            scanner = below[0] if len(below) > 1 and below[0] != ARCHIVE else source.resolve().name
            target = folder / "scanners" / stability_report.metric_name(scanner) / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            # As many levels as the dashboards have.
            reports.scanners[f"Demo/Copied/{target.parent.name}"] = target.parent
            if not target.exists():
                shutil.copy2(path, target)
            elif not filecmp.cmp(path, target, shallow=False):
                reports.bad.append(f"{str(path)!r}: left out, another of this name is there")
    if not paths:
        raise click.ClickException(
            f"{source} has no report: expected names like Stability_20180910T090910.txt."
        )
    return reports


def _read(reports: Reports) -> list[tuple[str, stability_report.Report]]:
    """The good reports with their locations; files that are no report are noted as bad."""
    good = []
    for location, folder in reports.scanners.items():
        for path in sorted(folder.glob("*.txt")):
            try:
                good.append((location, stability_report.read(str(path))))
            except stability_report.ReportError as error:
                reports.bad.append(str(error))
    return good


def _coarsest_step(good: Collection[tuple[str, stability_report.Report]]) -> int:
    """The largest of STEPS, in seconds, in which no two of the reports share a slot."""
    for step in STEPS:
        slots = {
            (location, report.channels, stability_report.timestamp(report.time) // step)
            for location, report in good
        }
        if len(slots) == len(good):
            break
    return step


def _expected(
    diamond: DiamondSite, good: Collection[tuple[str, stability_report.Report]]
) -> list[Expected]:
    """What Graphite should have when all is done, oldest scan first."""
    site = hops_site.load(diamond.conf)
    wanted = [expected(site, location, report, report.filename) for location, report in good]
    return sorted(wanted, key=lambda each: each.scan.epoch)


# -- the road ------------------------------------------------------------------------------


def _run_diamond(site: DiamondSite, reports: Reports, count: int) -> None:
    """Runs the collector once over all that waits, and shows how far it is."""
    with progress("Diamond: reports confirmed and archived", count) as advance:
        process = site.run_once()
        archived = 0
        try:
            while process.poll() is None:
                time.sleep(0.2)
                now = _count_archived(reports)
                advance(now - archived)
                archived = now
            advance(_count_archived(reports) - archived)
        finally:
            _end(process)
    if process.returncode and not reports.bad:
        console.print(f"Diamond had something to complain about; the end of {site.log}:")
        console.print("".join(site.log.read_text(errors="replace").splitlines(True)[-5:]))


def _count_archived(reports: Reports) -> int:
    return sum(len(list((f / ARCHIVE).glob("*.txt"))) for f in reports.scanners.values())


def _wait_until_stored(graphite: GraphiteWeb, wanted: Collection[Expected]) -> list[Comparison]:
    """Reads everything back, again until all is there or patience is at its end."""
    deadline = time.monotonic() + STORE_PATIENCE
    while True:
        found = []
        with progress("Graphite: reports compared", len(wanted)) as advance:
            for comparison in compare(graphite, wanted):
                found.append(comparison)
                advance(1)
        if all(each.is_stored for each in found) or time.monotonic() > deadline:
            return found
        console.print(f"{_lacking(found):,} points are not there yet; looking again ...")
        time.sleep(2)


def _lacking(found: Collection[Comparison]) -> int:
    return sum(each.values - each.counts[State.STORED] for each in found)


def _stay(site: DiamondSite, reports: Reports) -> None:
    """Keeps Diamond polling, so that reports put into the folders go the same road."""
    folder = next(iter(reports.scanners.values()))
    console.print(
        f"Diamond looks every {POLL_SECONDS} seconds for new reports, as in {folder}.",
        soft_wrap=True,
        markup=False,
    )
    console.print("Ctrl-C ends it all.")
    process = site.start_daemon()
    try:
        process.wait()
    finally:
        _end(process)
    console.print(f"Diamond ended by itself with {process.returncode}: see {site.log}.")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        process.wait()


# -- what is shown -------------------------------------------------------------------------


def _print_summary(
    reports: Reports, graphite: GraphiteWeb, compared: Collection[Comparison]
) -> bool:
    """Whether all of all reports is stored."""
    total = sum(each.values for each in compared)
    there = [each.scan for each in compared if each.counts[State.STORED]]
    coils = {scan.path for scan in there}
    series = sum(len(graphite.expand(f"{path}.*.*.*")) for path in coils)
    table = Table(title="Read back from Graphite", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    table.add_row("scanners", f"{len({scan.location for scan in there}):,}")
    table.add_row("coils", f"{len(coils):,}")
    table.add_row("reports", f"{len(there):,} of {len(compared):,}")
    table.add_row("series", f"{series:,}")
    table.add_row("points", f"{total - _lacking(compared):,} of {total:,} stored")
    console.print(table)
    for sentence in reports.bad:
        console.print(f"Not ingested: {sentence}", style="red", markup=False)
    return not _lacking(compared) and not reports.bad


def _print_where_to_look(url: str, wanted: Collection[Expected]) -> None:
    console.print(f"Graphite's pages: {url}/")
    coils = sorted({(each.scan.path, each.scan.location, each.scan.coil) for each in wanted})
    oldest = min((each.scan.epoch for each in wanted), default=0)
    newest = max((each.scan.epoch for each in wanted), default=0)
    for path, location, coil in coils:
        query = urllib.parse.urlencode(
            {
                "target": f"alias(averageSeries({path}.SNR.mean.*), 'SNR')",
                "title": f"{location}, coil {coil}: SNR, mean of all slices",
                "from": oldest - 86400,
                "until": newest + 86400,
                "lineMode": "connected",
                "xFormat": "%b %Y",
                "width": 900,
                "height": 400,
            }
        )
        console.print(f"SNR of {location}, coil {coil}:", markup=False)
        console.print(f"  {url}/render?{query}", soft_wrap=True, markup=False)


if __name__ == "__main__":
    main()
