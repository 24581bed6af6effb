"""`hops judge` and Diamond's StabilityControlCollector on sample data of more than a year."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import fmean, pstdev

import pytest
from commands import hops
from sample_years import ARCHIVES, SOUTH, SOUTH_SCANNER, graphite_with_years, post_event
from whisper_files import store

from hops.control import predicted
from hops.graphiteweb import GraphiteWeb
from hops.judge.verdicts import NOTHING
from hops.quantities import QUANTITIES
from lab.diamond import PREFIX, DiamondSite

pytestmark = pytest.mark.integration

DAY = 86400
PATIENCE = 600  # seconds that no test waits, unless something is broken
LIMITS = {"centre": "centre", "lower": "lower_limit", "upper": "upper_limit"}
FOREVER = (2, 2**31 - 1)
WEAK = f"{PREFIX}.Example.South.Bay2.control.32"


@pytest.fixture(scope="module")
def graphite(graphite_environment, tmp_path_factory):
    """With reports since before the last repair, and nothing that was judged; the tests here go on
    from each other."""
    folder = tmp_path_factory.mktemp("graphite")
    with graphite_with_years(folder, graphite_environment, [SOUTH_SCANNER], 1.3) as running:
        yield running


@pytest.fixture
def site(graphite, tmp_path):
    return site_at(tmp_path, graphite, graphite.url)


def site_at(folder, graphite, url):
    """Its Graphite has this address."""
    return DiamondSite(
        folder, {SOUTH: Path("/mnt")}, {32: "32", 64: "64"}, graphite.line_port, graphite_url=url
    )


def command(site):
    return [sys.executable, "-m", "hops", "judge", "-c", str(site.conf), "--json"]


def judge(site):
    """What `hops judge` says for programs."""
    done = subprocess.run(command(site), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["coils"]


def points(coils):
    return sum(each["points"] for each in coils)


def series(graphite, target):
    return GraphiteWeb.at(graphite.url).series(target, *FOREVER)


def one(graphite, path):
    return series(graphite, path).get(path, {})


def eventually(question):
    """What the question is answered when it is no longer answered with nothing."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := question()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return answer


def settle(graphite, site):
    """Judges until carbon has taken all of it, and nothing is lacking any more."""
    deadline = time.monotonic() + PATIENCE
    while points(judge(site)):  # twice changes nothing
        assert time.monotonic() < deadline


def test_years_are_judged_though_it_is_killed_in_the_middle(graphite, site, tmp_path):
    is_killed = threading.Event()

    def wait_at_the_ghost(path):
        if ".32.ghost." in path:
            is_killed.wait()

    with front(graphite, wait_at_the_ghost) as url:
        slow = site_at(tmp_path / "slow", graphite, url)
        with subprocess.Popen(command(slow), stdout=subprocess.DEVNULL) as killed:
            eventually(lambda: one(graphite, f"{WEAK}.SNR.mean.value"))
            killed.kill()
        is_killed.set()
    assert not one(graphite, f"{WEAK.removesuffix('32')}64.ghost.mean.value")
    found = judge(site)
    assert points(found) > 0
    assert {each["coil"]: each["out_of_control"] for each in found} == {"32": 1, "64": 0}
    settle(graphite, site)

    # By hand: what the judge was to take for the newest scan of the failing coil.
    raw = series(graphite, f"{PREFIX}.Example.South.Bay2.32.SNR.mean.*")
    newest = max(max(each) for each in raw.values())
    days = {}
    for epoch in sorted({epoch for each in raw.values() for epoch in each}):
        day = newest // DAY - epoch // DAY
        if 60 <= day < 365:
            days[day] = fmean(each[epoch] for each in raw.values())
    service = max(
        each.epoch for each in GraphiteWeb.at(graphite.url).events(0, 2**32 - 1)
        if "Example.South.Bay2" in each.tags
    )
    days = {day: value for day, value in days.items() if newest - day * DAY > service}
    centre, sigma = fmean(days.values()), predicted(pstdev(days.values()), len(days))
    found = {
        name: one(graphite, f"{WEAK}.SNR.mean.{name}").get(newest)
        for name in ("value", "centre", "lower", "upper", "sigmas", "beyond")
    }
    value = fmean(each[newest] for each in raw.values())
    assert found == pytest.approx(
        {
            "value": value, "centre": centre, "lower": centre - 3 * sigma,
            "upper": centre + 3 * sigma, "sigmas": (value - centre) / sigma, "beyond": value,
        },
        rel=1e-9,
    )
    # The elements near slice 12 are those that fail.
    slices = series(graphite, f"{WEAK}.SNR.mean.slices.*")
    worst = min(slices, key=lambda path: slices[path][newest])
    assert abs(int(worst.rpartition(".")[2]) - 12) <= 1
    scans = {epoch for each in raw.values() for epoch in each}
    for quantity in QUANTITIES:
        assert set(one(graphite, f"{WEAK}.{quantity.column}.value")) == scans
        assert set(one(graphite, f"{WEAK}.{quantity.column}.sigmas")) == scans


@pytest.mark.parametrize("has_events", [True, False])
def test_hops_report_has_the_limits_that_are_stored(graphite, tmp_path, has_events):
    with front(graphite, without_events) as url:
        site = site_at(tmp_path, graphite, graphite.url if has_events else url)
        options = ["--location", SOUTH, "--coil", "32", "-o", tmp_path / "page.png", "--json"]
        told = json.loads(hops("report", "-c", site.conf, *options).stdout)
    [coil] = told["coils"]
    assert bool(told["notes"]) == has_events
    assert told["without_notes"] is None
    assert len(coil["quantities"]) == len(QUANTITIES)
    for quantity, said in zip(QUANTITIES, coil["quantities"]):
        for name, told_as in LIMITS.items():
            stored = one(graphite, f"{WEAK}.{quantity.column}.{name}")
            assert (said[told_as] or 0) == stored[max(stored)]


def without_events(path):
    """As a store that has all of a Graphite but its events."""
    return 404 if path.startswith("/events") else None


@contextmanager
def front(graphite, refused):
    """The address of a store that has what a Graphite has. Of each question it asks `refused` for
    the status of an error, and none is None."""

    class Store(BaseHTTPRequestHandler):
        def do_GET(self):
            if status := refused(self.path):
                self.send_error(status)
                return
            direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with direct.open(graphite.url + self.path) as answer:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(answer.read())

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_note_changes_the_limits_and_taking_it_back_changes_them_back(graphite, site):
    settle(graphite, site)
    names = ("centre", "lower", "upper", "sigmas", "beyond")
    before = {name: one(graphite, f"{WEAK}.SNR.mean.{name}") for name in names}
    newest = max(before["sigmas"])
    post_event(
        graphite,
        {"what": "Late", "tags": ["service", "Example.South.Bay2"], "when": newest - 10 * DAY},
    )
    learning = {each["coil"]: each["days_to_learn"] for each in judge(site)}
    assert 0 < learning["32"] <= 20
    settle(graphite, site)
    after = {name: one(graphite, f"{WEAK}.SNR.mean.{name}") for name in names}
    assert after["sigmas"][newest] == 0
    assert {after[name][newest] for name in ("centre", "lower", "upper", "beyond")} == {NOTHING}
    old = newest - 20 * DAY
    assert all(
        {e: v for e, v in after[name].items() if e < old}
        == {e: v for e, v in before[name].items() if e < old}
        for name in names
    )

    remove_event(graphite, "Late")
    settle(graphite, site)
    assert before == {name: one(graphite, f"{WEAK}.SNR.mean.{name}") for name in names}


def remove_event(graphite, what):
    """As on graphite-web's admin page."""
    [database] = graphite.folder.glob("*.db")
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        removed = connection.execute("DELETE FROM events_event WHERE what = ?", [what])
        assert removed.rowcount == 1


def test_diamond_judges_a_new_scan_and_never_fills_its_queue(graphite, tmp_path):
    now = int(time.time())
    days = [now - day * DAY for day in range(1, 41)]
    raw = f"{PREFIX}.Small.Bay1.32.SNR.mean"
    store(
        graphite.whisper_dir,
        [(f"{raw}.{number}", epoch, 300 + epoch // DAY % 5) for epoch in days for number in (1, 2)],
        ARCHIVES,
    )
    site = DiamondSite(
        tmp_path, {"Small/Bay1": tmp_path}, {32: "32"}, graphite.line_port,
        judge_seconds=2, graphite_url=graphite.url,
    )
    conf = site.conf.read_text().replace("metric_queue_size = 0", "metric_queue_size = 100")
    site.conf.write_text(conf)
    control = f"{PREFIX}.Small.Bay1.control.32"
    daemon = site.start_daemon()
    try:
        eventually(lambda: len(one(graphite, f"{control}.SNR.mean.slices.2")) == len(days))
        eventually(lambda: set(one(graphite, f"{control}.days_to_learn").values()) == {0})
        with socket.create_connection(("127.0.0.1", graphite.line_port)) as connection:
            connection.sendall(f"{raw}.1 200 {now}\n{raw}.2 200 {now}\n".encode())
        eventually(lambda: 200 in one(graphite, f"{control}.SNR.mean.beyond").values())
        eventually(lambda: 1 in one(graphite, f"{control}.out_of_control").values())
    finally:
        daemon.terminate()
        daemon.wait()
    assert "queue" not in site.log.read_text().lower()
