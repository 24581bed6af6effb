"""No report is lost, whatever happens to Diamond, to Graphite or to the report on the way."""

from __future__ import annotations

import itertools
import os
import re
import signal
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from delivery import (
    Bay,
    check_all_delivered,
    count,
    daemon_of,
    is_stored,
    left_behind,
    missing,
    site_of,
    stored_points,
    wait_until,
)

from lab.graphite import EmbeddedGraphite, Environment
from lab.processes import Daemon
from sample_data.samples import sample_reports

pytestmark = pytest.mark.integration

# Starts a Diamond for the bay: the settings are the collector's.
Start = Callable[..., Daemon]


NUMBERS = itertools.count(1)


@pytest.fixture
def graphite(graphite_of_file: EmbeddedGraphite) -> EmbeddedGraphite:
    """That of all tests, running, whatever the last one has killed."""
    graphite_of_file.start()
    return graphite_of_file


@pytest.fixture
def bay(tmp_path: Path) -> Bay:
    """A scanner that Graphite has nothing of yet, and whose reports have 112 values."""
    return Bay(tmp_path, f"Example/North/Bay{next(NUMBERS)}", slices=4)


@pytest.fixture
def start(tmp_path: Path, bay: Bay, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    daemons: list[Daemon] = []
    # A killed Diamond leaves the folder of its queue's socket behind.
    sockets = tempfile.TemporaryDirectory()
    monkeypatch.setenv("TMPDIR", sockets.name)

    def start(graphite: EmbeddedGraphite, queue: int = 0, **settings: object) -> Daemon:
        daemon = daemon_of(tmp_path / "diamond", [bay], graphite, settings)
        conf = daemon.site.conf
        conf.write_text(re.sub("(metric_queue_size) = .*", rf"\1 = {queue}", conf.read_text()))
        daemon.start()
        daemons.append(daemon)
        return daemon

    yield start
    for daemon in daemons:
        daemon.stop()
        assert left_behind(daemon.site.conf.parent) == []
    sockets.cleanup()


def wait_until_archived(bay: Bay, daemon: Daemon) -> None:
    wait_until(lambda: bay.ingested() >= len(bay.sent), daemon.site.log)


def wait_until_published(bay: Bay, graphite: EmbeddedGraphite, daemon: Daemon) -> None:
    """Until the first points of the newest report are on the disk."""
    newest = {path: {max(values): 0.0} for path, values in bay.wanted.items()}
    wait_until(lambda: count(stored_points(graphite.whisper_dir, newest)), daemon.site.log)


# -- carbon --------------------------------------------------------------------------------


def test_carbon_that_creates_few_series_has_all_of_them_in_the_end(
    graphite_environment: Environment, tmp_path: Path, bay: Bay, start: Start
) -> None:
    """Carbon drops the points of series that it may not create yet.

    With its default, 50 a minute, the first report of a coil would take about an hour: whenever
    what is missing is published again, in the end every ten minutes, 50 series more are created.
    """
    graphite = EmbeddedGraphite(
        tmp_path / "graphite",
        graphite_environment,
        carbon_settings={"MAX_CREATES_PER_MINUTE": "100"},
    )
    with graphite:
        bay.scan(1)
        daemon = start(graphite)
        wait_until(lambda: "points are in Graphite" in daemon.site.log.read_text(), daemon.site.log)
        assert missing(bay, graphite) != []
        assert bay.ingested() == 0
        assert re.search(
            r" (\d\d|10\d) of 112 points are in Graphite .*MAX_CREATES_PER_MINUTE",
            daemon.site.log.read_text(),
        )
        wait_until_archived(bay, daemon)
        check_all_delivered(bay, graphite)


def test_carbon_killed_with_points_in_memory_gets_them_again(
    graphite_environment: Environment, tmp_path: Path, bay: Bay, start: Start
) -> None:
    # It needs five seconds to write all series, so that a point may be in its memory for ten.
    graphite = EmbeddedGraphite(
        tmp_path / "graphite",
        graphite_environment,
        carbon_settings={"MAX_UPDATES_PER_SECOND": "25"},
    )
    with graphite:
        bay.scan(1)
        daemon = start(graphite, confirm_seconds=12)
        wait_until(lambda: is_stored(bay, graphite), daemon.site.log)
        bay.scan(4)
        wait_until_published(bay, graphite, daemon)
        assert missing(bay, graphite) != []
        graphite.carbon.kill()
        bay.scan(2)
        graphite.carbon.start()
        wait_until_archived(bay, daemon)

        # Killed as soon as a report is archived, it has that one on the disk.
        before = bay.ingested()
        bay.scan(4)
        wait_until(lambda: bay.ingested() > before, daemon.site.log, nap=0.01)
        graphite.carbon.kill()
        graphite.carbon.start()
        wait_until_archived(bay, daemon)
        check_all_delivered(bay, graphite)


def test_a_whisper_file_that_a_killed_carbon_left_empty_holds_the_reports_until_it_is_removed(
    graphite: EmbeddedGraphite, bay: Bay, start: Start
) -> None:
    """Killed as it creates a series, carbon leaves a file that it can never write to.

    And graphite-web answers 500 to whoever asks for that series or for any together with it.
    """
    bay.scan(2)
    path = max(bay.wanted)
    torn = graphite.whisper_dir / f"{path.replace('.', '/')}.wsp"
    torn.parent.mkdir(parents=True)
    torn.touch()
    daemon = start(graphite)
    wait_until(lambda: "answered 500" in daemon.site.log.read_text(), daemon.site.log)
    assert bay.ingested() == 0
    torn.unlink()
    daemon.hang_up()  # or it would sit out a pause
    wait_until_archived(bay, daemon)
    check_all_delivered(bay, graphite)


# -- graphite-web --------------------------------------------------------------------------


class Front(ThreadingHTTPServer):
    """Stands before graphite-web and answers in its place as long as it is out of `order`."""

    daemon_threads = True

    def __init__(self, url: str, status: int, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), FrontHandler)
        self.url = url
        self.status = status
        self.body = body
        self.in_order = False
        self.requests = 0


class FrontHandler(BaseHTTPRequestHandler):
    server: Front

    def do_GET(self) -> None:
        self.server.requests += 1
        address = self.server.url + self.path
        status, body = self.server.status, self.server.body
        if self.server.in_order:
            with urllib.request.urlopen(address) as answer:
                status, body = 200, answer.read()
        self.send_response(status)
        self.send_header("Location", address)  # where the right answer would be
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"Server Error"), (200, b"<html>Log in</html>"), (302, b"")],
    ids=["500", "HTML", "redirect"],
)
def test_a_wrong_answer_archives_nothing_and_the_right_one_everything(
    graphite: EmbeddedGraphite, bay: Bay, start: Start, status: int, body: bytes
) -> None:
    with Front(graphite.url, status, body) as front:
        threading.Thread(target=front.serve_forever, args=(0.05,)).start()
        try:
            bay.scan(5)
            daemon = start(graphite, graphite_url=f"http://127.0.0.1:{front.server_port}")
            wait_until(lambda: front.requests, daemon.site.log)
            wait_until(lambda: is_stored(bay, graphite), daemon.site.log)
            assert bay.ingested() == 0
            sentence = "5 reports published, and kept"
            wait_until(lambda: sentence in daemon.site.log.read_text(), daemon.site.log)
            front.in_order = True
            wait_until_archived(bay, daemon)
        finally:
            front.shutdown()
    check_all_delivered(bay, graphite)


def test_without_graphite_web_nothing_is_archived_until_it_is_back(
    graphite: EmbeddedGraphite, bay: Bay, start: Start
) -> None:
    graphite.web.kill()
    bay.scan(5)
    daemon = start(graphite)
    wait_until(lambda: "does not answer" in daemon.site.log.read_text(), daemon.site.log)
    wait_until(lambda: is_stored(bay, graphite), daemon.site.log)
    assert bay.ingested() == 0
    graphite.web.start()
    wait_until_archived(bay, daemon)
    check_all_delivered(bay, graphite)


# -- Diamond -------------------------------------------------------------------------------


def kill_collector(daemon: Daemon) -> None:
    """Diamond starts another."""
    os.kill(daemon.workers()["collector"], signal.SIGKILL)


def kill_and_restart(worker: str) -> Callable[[Daemon], None]:
    """Diamond goes on without it, and has to be started again."""

    def kill(daemon: Daemon) -> None:
        os.kill(daemon.workers()[worker], signal.SIGKILL)
        wait_until(lambda: not daemon.workers(), daemon.site.log)
        daemon.kill()
        daemon.start()

    return kill


def kill_all(daemon: Daemon) -> None:
    daemon.kill()
    daemon.start()


def end_in_order(daemon: Daemon) -> None:
    daemon.stop()
    daemon.start()


@pytest.mark.parametrize(
    "interrupt",
    [
        kill_all,
        kill_collector,
        kill_and_restart("handlers"),
        kill_and_restart("queue"),
        end_in_order,
        Daemon.hang_up,
    ],
    ids=["all", "collector", "handlers", "queue", "in order", "SIGHUP"],
)
def test_an_interrupted_diamond_delivers_everything_once(
    graphite: EmbeddedGraphite, bay: Bay, start: Start, interrupt: Callable[[Daemon], None]
) -> None:
    daemon = start(graphite)

    # Published and not confirmed, the first time while carbon creates the series.
    for _ in range(2):
        bay.scan(20)
        wait_until(daemon.workers, daemon.site.log)
        wait_until_published(bay, graphite, daemon)
        interrupt(daemon)
    assert bay.ingested() < len(bay.sent)

    # In the midst of archiving, as far as we can hit it.
    wait_until(daemon.workers, daemon.site.log)
    wait_until(bay.ingested, daemon.site.log, nap=0.01)
    interrupt(daemon)

    # With nothing to do.
    wait_until_archived(bay, daemon)
    wait_until(daemon.workers, daemon.site.log)
    interrupt(daemon)
    bay.scan(5)
    wait_until_archived(bay, daemon)
    check_all_delivered(bay, graphite)


def test_a_hang_up_with_another_configuration_takes_what_is_under_way_along(
    graphite: EmbeddedGraphite, tmp_path: Path, bay: Bay, start: Start
) -> None:
    bay.scan(20)
    daemon = start(graphite, confirm_seconds=3600)
    wait_until(lambda: is_stored(bay, graphite), daemon.site.log)
    assert bay.ingested() == 0
    site_of(tmp_path / "diamond", [bay], graphite, {"archive_mode": "0640"})
    daemon.hang_up()
    bay.scan(5)
    wait_until_archived(bay, daemon)
    check_all_delivered(bay, graphite)
    modes = {path.stat().st_mode & 0o777 for path in bay.folder.glob("Ingested/*")}
    assert modes == {0o640}


def test_a_backlog_longer_than_diamonds_runs_is_delivered_in_many(
    graphite: EmbeddedGraphite, bay: Bay, start: Start
) -> None:
    """With an interval of one second Diamond grants a run one second: an answer of Graphite that
    takes longer is waited for in the next."""
    bay.scan(100)
    daemon = start(graphite, interval=1)
    wait_until_archived(bay, daemon)
    check_all_delivered(bay, graphite)


def test_diamonds_alarm_at_any_time_loses_nothing(
    graphite: EmbeddedGraphite, bay: Bay, start: Start
) -> None:
    """What Diamond sends to a collector that takes too long, again and again."""
    bay.scan(60)
    daemon = start(graphite)
    # Earlier the signal would kill a collector that does not know it yet.
    wait_until(bay.ingested, daemon.site.log)
    bay.scan(60)
    for _ in range(40):
        if collector := daemon.workers().get("collector"):
            os.kill(collector, signal.SIGALRM)
        time.sleep(0.1)
    assert "Took too long" in daemon.site.log.read_text()
    wait_until_archived(bay, daemon)
    check_all_delivered(bay, graphite)


def test_nothing_is_dropped_from_diamonds_queue_before_slow_handlers(
    graphite: EmbeddedGraphite, bay: Bay, start: Start
) -> None:
    """The queue has room for two reports, and the handlers stand still most of the time, as when
    carbon takes nothing from them."""
    bay.scan(20)
    daemon = start(graphite, queue=280)
    wait_until(daemon.workers, daemon.site.log)
    handlers = daemon.workers()["handlers"]

    def is_archived() -> bool:
        os.kill(handlers, signal.SIGSTOP)
        time.sleep(0.2)
        os.kill(handlers, signal.SIGCONT)
        time.sleep(0.05)
        return bay.ingested() == len(bay.sent)

    wait_until(is_archived, daemon.site.log)
    check_all_delivered(bay, graphite)
    assert "Queue full" not in daemon.site.log.read_text()


# -- the report ----------------------------------------------------------------------------


@pytest.mark.parametrize("settle_seconds", [2, 0])
def test_a_report_written_in_pieces_is_delivered_once_and_whole(
    graphite: EmbeddedGraphite, bay: Bay, start: Start, settle_seconds: int
) -> None:
    """Also when the collector takes a piece for the whole: Graphite shows that for too short."""
    daemon = start(graphite, settle_seconds=settle_seconds)
    wait_until(daemon.workers, daemon.site.log)
    name, text = next(iter(sample_reports().items()))
    half, section = len(text) // 2, text.index(b"Stability SIfit")
    path = bay.folder / name
    with path.open("wb", buffering=0) as stream:
        # The second piece ends with a section, as whole reports do.
        for piece in (text[:100], text[100:section], text[section:half], text[half:]):
            stream.write(piece)
            time.sleep(1.2)  # a scanner's pause, in which the collector looks once
    bay.note(path)
    wait_until_archived(bay, daemon)
    check_all_delivered(bay, graphite)
    assert daemon.site.log.read_text().count("points stored") == 1


def test_reports_of_every_form_keep_their_times_and_bytes(
    graphite: EmbeddedGraphite, bay: Bay, start: Start
) -> None:
    for name, data in sample_reports().items():
        path = bay.folder / name
        path.write_bytes(data)
        os.utime(path, ns=(1_500_000_000_123_456_789, 1_500_000_001_987_654_321))
        bay.note(path)
    daemon = start(graphite)
    wait_until_archived(bay, daemon)
    check_all_delivered(bay, graphite)
