"""Nothing is lost in a Graphite cluster that is set up as `graphite/cluster/` says.

Each scanner writes reports of one slice, which have 28 values.
"""

from __future__ import annotations

import json
import os
import tempfile
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cluster import Cluster, Host
from commands import Done, hops
from delivery import Points, count, left_behind, points_of, stored_points, wait_until

from lab.diamond import PREFIX, DiamondSite
from lab.graphite import Environment
from lab.processes import Daemon
from sample_data.files import write_report
from sample_data.samples import text_of
from sample_data.scanners import NORTH_32, example_scanners
from sample_data.schedule import Scan

pytestmark = pytest.mark.integration

MANY = 200 if os.environ.get("LONG") else 20
TODAY = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
[NORTH_SCANNER, _] = example_scanners(TODAY.date())


class Fleet:
    """Scanners, the Diamond that looks after all of them, and the cluster that it sends to."""

    def __init__(self, folder: Path, size: int, cluster: Cluster, **settings: object) -> None:
        self.cluster = cluster
        self.written: Points = defaultdict(dict)
        self._share = folder / "share"
        self._reports = 0
        self._scanners = [
            replace(NORTH_SCANNER, location=f"Site{number % 10}/Bay{number}", folder=f"{number}")
            for number in range(size)
        ]
        for scanner in self._scanners:
            (self._share / scanner.folder).mkdir(parents=True)
        self._site = DiamondSite(
            folder / "diamond",
            {scanner.location: self._share / scanner.folder for scanner in self._scanners},
            {32: "32"},
            cluster.line_port,
            **{
                "interval": 5,
                "timezone": "UTC",
                "settle_seconds": 0,
                "graphite_url": cluster.one.url,
                # What it says of itself a minute would be more than the reports.
                "metrics_blacklist": r".*\.ingest\.",
                **settings,
            },
        )
        self.daemon = Daemon(self._site)

    def scan(self, days_ago: int, scanners: slice = slice(None)) -> Points:
        """All scanners, or some of them, write a report; returns what is in the reports."""
        moment = TODAY - timedelta(days=days_ago) + timedelta(hours=7)
        written: Points = defaultdict(dict)
        for scanner in self._scanners[scanners]:
            scan = Scan(scanner, NORTH_32, moment, slices=1)
            text = text_of(scan)
            for path, epoch, value in points_of(scan.file_name, text, scanner.location):
                written[path][epoch] = value
                self.written[path][epoch] = value
            write_report(self._share / scanner.folder / scan.file_name, text, moment)
            self._reports += 1
        return written

    def archived(self) -> int:
        return sum(1 for _ in self._share.glob("*/Ingested/*.txt"))

    def wait_until(self, condition: Callable[[], object]) -> None:
        wait_until(condition, self._site.log, nap=0.5)

    def wait_until_archived(self) -> None:
        self.wait_until(lambda: self.archived() == self._reports)

    def wait_until_stored(self, host: Host, points: Points) -> None:
        """Until the whisper files of the host have all of the points."""
        self.wait_until(lambda: lacking(host, points) == 0)

    def deliver(self, days_ago: int) -> Points:
        """All scanners write a report, and both hosts store it; returns what is in the reports."""
        written = self.scan(days_ago)
        self.wait_until_archived()
        for host in self.cluster.hosts:
            self.wait_until_stored(host, written)
        return written

    def _hops(self, host: Host, command: str, *options: str) -> Done:
        """A command of hops that asks the graphite-web of this host."""
        conf = self._site.conf.with_name(f"{host.address}.conf")
        conf.write_text(self._site.conf.read_text().replace(self.cluster.one.url, host.url))
        return hops(command, "-c", conf, *options)

    def audits(self) -> list[dict[str, int]]:
        """What `hops audit` counts, by what became of the values, with each graphite-web."""
        counts = []
        for host in self.cluster.hosts:
            audit = self._hops(host, "audit", "--json")
            assert audit.exit_code in (0, 1), audit.stderr
            answer = json.loads(audit.stdout)
            assert audit.exit_code == int(not answer["is_good"])
            coils = [coil for scanner in answer["scanners"] for coil in scanner["coils"]]
            counts.append({
                state: total
                for state in ("stored", "missing", "expired", "rounded", "shared", "unexplained")
                if (total := sum(coil[state] for coil in coils))
            })
        return counts

    def ingest_again(self, host: Host, *options: str) -> None:
        """Lets `hops reingest` take reports of every scanner back, and waits for the collector."""
        for scanner in self._scanners:
            of = ["--location", scanner.location, "--yes", *options]
            reingest = self._hops(host, "reingest", *of)
            assert reingest.exit_code == 0, reingest.stderr
        self.wait_until_archived()

    @property
    def all_stored(self) -> list[dict[str, int]]:
        """What the audits count when nothing is wrong."""
        return [{"stored": count(self.written)} for _ in self.cluster.hosts]


def lacking(host: Host, points: Points) -> int:
    """How many of the points the whisper files of a host do not have; no value may be another."""
    stored = stored_points(host.whisper_dir, points)
    assert all(values.items() <= points[path].items() for path, values in stored.items())
    return count(points) - count(stored)


def rendered(url: str, target: str) -> Mapping[str, Mapping[int, float]]:
    """What a graphite-web shows of the last week: values by slot, by name of the series."""
    query = f"target={target}&from=-7d&format=json&noNullPoints=true&noCache=true"
    with urllib.request.urlopen(f"{url}/render?{query}", timeout=60) as answer:
        series = json.load(answer)
    return {
        one["target"]: {slot: value for value, slot in one["datapoints"]} for one in series
    }


Start = Callable[..., Fleet]


@pytest.fixture
def start(
    tmp_path: Path, graphite_environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Start]:
    """Starts a cluster and a Diamond for so many scanners."""
    fleets: list[Fleet] = []
    # A killed Diamond leaves the folder of its queue's socket behind.
    with tempfile.TemporaryDirectory() as sockets, Cluster(
        tmp_path / "graphite", graphite_environment
    ) as cluster:
        monkeypatch.setenv("TMPDIR", sockets)

        def start(size: int, **settings: object) -> Fleet:
            fleet = Fleet(tmp_path, size, cluster, **settings)
            fleets.append(fleet)
            return fleet

        yield start
        for fleet in fleets:
            fleet.daemon.stop()
    assert left_behind(tmp_path) == []


def test_the_reports_of_many_scanners_are_all_there_when_a_cache_is_killed_on_the_way(
    start: Start,
) -> None:
    """It is killed when a few reports are archived; half of the scanners have not written yet."""
    fleet = start(MANY, interval=10)
    one, two = fleet.cluster.hosts
    few, half = slice(MANY // 10), slice(MANY // 10, MANY // 2)
    fleet.scan(1, few)
    fleet.daemon.start()
    fleet.wait_until_archived()
    archived = fleet.archived()
    published = fleet.scan(1, half)
    fleet.wait_until(lambda: lacking(two, published) < count(published))
    one.caches["a"].kill()
    assert fleet.archived() == archived
    later = fleet.scan(1, slice(MANY // 2, None))
    fleet.wait_until_archived()
    fleet.wait_until_stored(two, fleet.written)
    assert lacking(one, later) > 0

    # The relay has kept what was for it.
    one.caches["a"].start()
    fleet.wait_until_stored(one, later)
    assert fleet.audits() == fleet.all_stored


def test_what_one_host_lacks_is_shown_from_the_other(start: Start) -> None:
    """The relay is killed, too, with all that it has kept for the killed cache."""
    fleet = start(5, confirm_seconds=2)
    cluster = fleet.cluster
    one, two = cluster.hosts
    fleet.daemon.start()
    fleet.deliver(3)
    one.caches["a"].kill()
    lost = fleet.scan(2)
    fleet.wait_until_archived()
    fleet.wait_until_stored(two, lost)
    cluster.relay.kill()
    cluster.relay.start()
    one.caches["a"].start()
    fleet.deliver(1)

    assert 0 < lacking(one, lost) < count(lost)
    for host in cluster.hosts:
        shown = rendered(host.url, f"{PREFIX}.*.*.32.*.*.*")
        assert shown.keys() == fleet.written.keys()
        for path, values in fleet.written.items():
            # Whisper keeps a value with its ten minutes.
            assert shown[path] == {epoch - epoch % 600: value for epoch, value in values.items()}
    assert fleet.audits() == fleet.all_stored

    day = f"{TODAY - timedelta(days=2):%Y-%m-%d}"
    fleet.ingest_again(one, "--from", day, "--until", day)
    fleet.wait_until_stored(one, lost)


def test_what_only_the_memory_of_a_killed_cache_had_is_found_missing_and_ingested_again(
    start: Start,
) -> None:
    """Archived too early: `confirm_seconds` is less than the caches need to write, and the other
    host is away, and then the relay dies, too."""
    fleet = start(5, confirm_seconds=0)
    cluster = fleet.cluster
    one, two = cluster.hosts
    fleet.daemon.start()
    fleet.deliver(2)
    for cache in one.caches.values():
        cache.stop()
    one.change_carbon("cache", MAX_UPDATES_PER_SECOND="1")
    for cache in one.caches.values():
        cache.start()
    two.caches["c"].kill()
    lost = fleet.scan(1)
    fleet.wait_until_archived()
    victims = [*one.caches.values(), cluster.relay]
    for server in victims:
        server.kill()
    for server in [*victims, *two.caches.values()]:
        server.start()

    missing = lacking(one, lost)
    assert missing > 0
    assert lacking(two, lost) == count(lost)
    found = {"stored": count(fleet.written) - missing, "missing": missing}
    assert fleet.audits() == [found, found]

    fleet.ingest_again(two, "--missing")
    assert fleet.audits() == fleet.all_stored
