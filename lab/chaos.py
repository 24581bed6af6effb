"""Kills at random what is on the road of the reports, has the share fail, and looks for losses:
`script/chaos`."""

from __future__ import annotations

import filecmp
import os
import sched
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import click
from rich.table import Table

import stability_report
from hops import site as hops_site
from hops.arguments import number_from
from hops.console import console, progress
from hops.options import HELP, examples
from hops.readback import Comparison
from hops.site import Site
from lab.diamond import DiamondSite
from lab.faults import FaultyShare, Rule
from lab.faults import lacking as lacking_for_faults
from lab.graphite import EmbeddedGraphite, find_environment
from lab.processes import Daemon
from lab.readback import lacking, read_back, values
from lab.reports import ARCHIVE
from lab.workplace import workplace
from sample_data.files import generate
from sample_data.scanners import FOLDERS, example_scanners
from sample_data.schedule import schedule

UNTIL = date(2026, 1, 5)
YEARS = 20.0

# Random pauses in seconds, shortest and longest: between two reports, between two blows, and
# until what was hit is mended.
Pauses = tuple[float, float]
BETWEEN_REPORTS: Pauses = (0.1, 1.0)
BETWEEN_BLOWS: Pauses = (2.0, 12.0)
UNTIL_RESTART: Pauses = (0.0, 4.0)
UNTIL_SHARE_IS_WELL: Pauses = (1.0, 6.0)

# What the share does wrong, of reports or of a scanner's folder. Links fail all the time, so that
# the renames of a server without them are seen.
NO_LINKS: Rule = {"op": "link", "errno": "EIO"}
FAULTS: dict[str, Rule] = {
    "share: a file's status is refused": {"op": "getattr", "path": "1.txt", "errno": "EACCES"},
    "share: reading fails": {"op": "read", "path": ".txt", "errno": "EIO"},
    "share: listing fails": {"op": "readdir", "errno": "ESTALE"},
    "share: listing hangs": {"op": "readdir", "path": "north-bay1", "hang": 5},
    "share: a rename is refused": {"op": "rename", "path": ".txt", "errno": "EBUSY"},
    "share: a rename is done and denied": {
        "op": "rename",
        "path": ".txt",
        "after": True,
        "errno": "ENOENT",
    },
    "share: its clock is behind": {"op": "attr", "path": ".txt", "mtime_shift": -7200},
    "share: inodes change": {"op": "attr", "path": ".txt", "ino": "fresh"},
}

NAP = 0.2  # seconds

# So long may nothing at all move after everything is up again.
SETTLE_PATIENCE = 180

# A whisper file gets its full length as it is made. One that is still as short as this was torn:
# carbon was killed between opening and writing it, and will never be able to use it.
TORN_SIZE = 4096


@click.command(
    context_settings=HELP,
    epilog=examples("script/chaos", "script/chaos --minutes 60 --seed 7"),
)
@click.option(
    "--minutes",
    type=number_from(0, kind=float),
    default=5.0,
    show_default=True,
    help="How long reports are sent and processes killed.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of what happens when.")
def main(minutes: float, seed: int) -> None:
    """Send the reports of two scanners through Diamond into a Graphite, all on this machine and in
    a temporary folder, and meanwhile kill -9 every process on the way, at random, and start it
    again. Where there is a FUSE that can have faults, have the share fail, hang and lie, too. Then
    compare every value of every report with what Graphite has, and the archive with what was sent.
    Exit with 0 only when nothing was lost and nothing was archived twice."""
    with workplace("chaos") as folder:
        environment = find_environment()
        # A killed Diamond leaves the folder of its queue's socket behind.
        os.environ["TMPDIR"] = str(folder)
        with EmbeddedGraphite(folder / "graphite", environment) as graphite, ExitStack() as end:
            faulty = _faulty_share(folder, end)
            share = Share(folder, faulty)
            daemon = Daemon(_site(folder, graphite))
            end.callback(daemon.kill)
            chaos = Chaos(Random(seed), share, daemon, graphite)
            chaos.run(60 * minutes)
            chaos.settle()
            found = _compare(share, hops_site.load(daemon.site.conf))
            is_good = _print_summary(chaos, lacking(found), values(found))
    if not is_good:
        raise SystemExit(1)


def _faulty_share(folder: Path, end: ExitStack) -> FaultyShare | None:
    if why := lacking_for_faults():
        console.print(f"The share has no faults: {why}.", markup=False)
        return None
    share = FaultyShare(folder / "behind", folder / "share")
    share.always = (NO_LINKS,)
    return end.enter_context(share)


def _site(folder: Path, graphite: EmbeddedGraphite) -> DiamondSite:
    return DiamondSite(
        folder / "diamond",
        {location: folder / "share" / name for location, name in FOLDERS.items()},
        {32: "32", 64: "64"},
        graphite.line_port,
        interval=1,
        ingest_dir=ARCHIVE,
        settle_seconds=0,
        graphite_url=graphite.url,
    )


class Share:
    """The scanners' folders, and a copy of every report that was put there.

    faulty: what shows them to Diamond with faults; None where they are plain folders.
    """

    def __init__(self, folder: Path, faulty: FaultyShare | None) -> None:
        self.faulty = faulty
        self._sent = folder / "sent"
        self._share = faulty.source if faulty else folder / "share"
        for name in FOLDERS.values():
            (self._share / name).mkdir(parents=True)
        self._reports = generate(self._sent, schedule(example_scanners(UNTIL), UNTIL, YEARS))

    def scan(self) -> None:
        """The next report is written; none when the scanners are at the end of their years."""
        for path in islice(self._reports, 1):
            shutil.copy2(path, self._share / path.relative_to(self._sent))

    def sent(self) -> list[Path]:
        return sorted(self._sent.glob("*/*.txt"))

    def archived(self) -> list[Path]:
        """What is in the archives, but for empty files: on a share that cannot rename safely a
        name is kept by one, and a Diamond that is killed just then leaves it."""
        found = []
        for name in FOLDERS.values():
            for path in self._share.glob(f"{name}/{ARCHIVE}/*"):
                with suppress(FileNotFoundError):  # it was moved back
                    if path.stat().st_size:
                        found.append(path)
        return found

    def is_archived(self, sent: Path) -> bool:
        """Whether the report is in the archive byte for byte, with a number in its name where that
        was kept."""
        archive = self._share / sent.parent.name / ARCHIVE
        copies = archive.glob(f"{sent.stem}*")
        return any(filecmp.cmp(sent, copy, shallow=False) for copy in copies)


class Blow(NamedTuple):
    """What hits something, and what mends it after a random pause, where nothing else does."""

    is_up: Callable[[], object]
    hit: Callable[[], object]
    mend: Callable[[], object] | None = None
    mended_after: Pauses = UNTIL_RESTART


class Chaos:
    """What happens to a daemon and a Graphite while a share fills with reports.

    hits: how often each thing was hit; torn: whisper files that carbon left torn.
    """

    def __init__(
        self, random: Random, share: Share, daemon: Daemon, graphite: EmbeddedGraphite
    ) -> None:
        self.share = share
        self.hits: Counter[str] = Counter()
        self.torn = 0
        self._random = random
        self._daemon = daemon
        self._graphite = graphite
        self._agenda = sched.scheduler()
        kill, start, workers = daemon.kill, daemon.start, daemon.workers
        carbon, web = graphite.carbon, graphite.web
        self._kills = {
            "Diamond, all processes": Blow(workers, kill, start),
            "Diamond's queue": Blow(workers, partial(self._kill, "queue"), self._restart),
            "Diamond's handlers": Blow(workers, partial(self._kill, "handlers"), self._restart),
            # Which Diamond starts again.
            "Diamond's collector": Blow(workers, partial(self._kill, "collector")),
            "SIGHUP to Diamond": Blow(workers, daemon.hang_up),
            "carbon": Blow(lambda: carbon.pid, carbon.kill, self._start_carbon),
            "graphite-web": Blow(lambda: web.pid, web.kill, web.launch),
        }
        self._faults = {}
        if (faulty := share.faulty) is not None:
            for name, rule in FAULTS.items():
                have = partial(faulty.have, rule)
                self._faults[name] = Blow(lambda: True, have, faulty.have, UNTIL_SHARE_IS_WELL)

    def run(self, seconds: float) -> None:
        """Sends reports and deals blows for so many seconds, once everything is up."""
        self._daemon.start()
        while not self._daemon.workers() and self._daemon.is_running():
            time.sleep(NAP)
        end = time.monotonic() + seconds
        with progress("Chaos: seconds", round(seconds)) as advance:
            self._again(lambda: advance(1), (1, 1))
            self._again(self.share.scan, BETWEEN_REPORTS)
            for blows in filter(None, (self._kills, self._faults)):
                self._again(partial(self._hit, blows, []), BETWEEN_BLOWS)
            while (left := end - time.monotonic()) > 0:
                wait = self._agenda.run(blocking=False) or 0.0
                time.sleep(max(0.0, min(wait, left)))

    def settle(self) -> None:
        """Starts what does not run, and waits until all reports are archived or nothing moves."""
        if self.share.faulty:
            self.share.faulty.have()
        # Anew, so that nobody sits out a long pause.
        self._daemon.kill()
        self._start_carbon()
        self._graphite.start()
        self._daemon.start()
        total = len(self.share.sent())
        archived = 0
        deadline = time.monotonic() + SETTLE_PATIENCE
        with progress("Settling: reports archived", total) as advance:
            while archived < total and time.monotonic() < deadline:
                now = len(self.share.archived())
                if now > archived:
                    advance(now - archived)
                    archived = now
                    deadline = time.monotonic() + SETTLE_PATIENCE
                time.sleep(NAP)
        self._daemon.stop()

    def _later(self, act: Callable[[], object], between: Pauses) -> None:
        self._agenda.enter(self._random.uniform(*between), 0, act)

    def _again(self, act: Callable[[], object], between: Pauses) -> None:
        """Does something after each of such pauses."""

        def act_and_go_on() -> None:
            act()
            self._later(act_and_go_on, between)

        self._later(act_and_go_on, between)

    def _hit(self, blows: Mapping[str, Blow], spared: list[str]) -> None:
        """Deals one of the blows, none twice before all; `spared` are those left of the round."""
        if not spared:
            spared += self._random.sample(list(blows), len(blows))
        what = spared.pop()
        blow = blows[what]
        if blow.is_up():
            self.hits[what] += 1
        blow.hit()
        if blow.mend:
            self._later(blow.mend, blow.mended_after)

    def _kill(self, worker: str) -> None:
        if pid := self._daemon.workers().get(worker):
            os.kill(pid, signal.SIGKILL)

    def _restart(self) -> None:
        self._daemon.kill()
        self._daemon.start()

    def _start_carbon(self) -> None:
        if self._graphite.carbon.pid is None:
            self.torn += _remove_torn_files(self._graphite.whisper_dir)
            self._graphite.carbon.launch()


def _remove_torn_files(whisper: Path) -> int:
    """What an operator does after a power cut, while carbon does not run; returns how many."""
    torn = [path for path in whisper.rglob("*.wsp") if path.stat().st_size < TORN_SIZE]
    for path in torn:
        path.unlink()
    return len(torn)


# -- what has become of the reports ----------------------------------------------------------


def _compare(share: Share, site: Site) -> list[Comparison]:
    locations = {name: location for location, name in FOLDERS.items()}
    return read_back(
        site,
        [(locations[path.parent.name], stability_report.read(str(path))) for path in share.sent()],
    )


def _print_summary(chaos: Chaos, lost: int, compared: int) -> bool:
    """Whether nothing was lost and nothing doubled."""
    sent = chaos.share.sent()
    archived = sum(map(chaos.share.is_archived, sent))
    twice = len(chaos.share.archived()) - archived
    table = Table(title="After the chaos", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    for what, count in sorted(chaos.hits.items()):
        table.add_row(
            what if "SIGHUP" in what or what in FAULTS else f"kill -9 of {what}", f"{count:,}"
        )
    table.add_row("torn whisper files removed", f"{chaos.torn:,}")
    table.add_row("reports sent", f"{len(sent):,}", end_section=True)
    table.add_row("reports archived", f"{archived:,}")
    table.add_row("reports archived twice", f"{twice:,}")
    table.add_row("points compared", f"{compared:,}")
    table.add_row("points lost", f"{lost:,}")
    console.print(table)
    return bool(sent) and archived == len(sent) and not twice and not lost


if __name__ == "__main__":
    main()
