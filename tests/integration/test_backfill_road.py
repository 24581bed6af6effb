"""Years of old reports into a real Graphite."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from delivery import Bay, count, missing, site_of

from hops.backfill.command import main
from lab.graphite import EmbeddedGraphite
from lab.processes import Daemon
from sample_data.files import generate
from sample_data.scanners import NORTH, example_scanners
from sample_data.schedule import newest_day, schedule

pytestmark = pytest.mark.integration

PATIENCE = 600
KEPT_DAYS = 400


@pytest.fixture(scope="module")
def graphite(graphite_environment, tmp_path_factory) -> Iterator[EmbeddedGraphite]:
    """Keeps little more than a year."""
    folder = tmp_path_factory.mktemp("graphite")
    schemas = f"[stability]\npattern = .*\nretentions = 1h:{KEPT_DAYS}d\n"
    with EmbeddedGraphite(folder, graphite_environment, storage_schemas=schemas) as running:
        yield running


class Old(Bay):
    """Two years of old reports, every tenth, in a folder for each month."""

    def __init__(self, folder: Path) -> None:
        self.sent = {}
        self.wanted = defaultdict(dict)
        self.location = NORTH
        until = newest_day(datetime.now())
        scans = [s for s in schedule(example_scanners(until), until) if s.coil.channels == 32]
        scans = [s for s in scans if s.scanner.location == NORTH][::10]
        self.folder = folder / "old"
        self.too_old = set()
        for scan, path in zip(scans, generate(folder / "made", scans)):
            month = self.folder / f"{scan.time:%Y/%m}"
            month.mkdir(parents=True, exist_ok=True)
            path.rename(month / path.name)
            if scan.time < datetime.now() - timedelta(days=KEPT_DAYS):
                self.too_old.add(path.name)
            else:
                self.note(month / path.name)


def backfill(folder: Path, conf: Path) -> list[str]:
    return [str(folder), f"--location={NORTH}", f"--config={conf}", "--yes"]


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def test_a_stopped_run_is_gone_on_with_beside_a_diamond_until_all_that_graphite_keeps_is_there(
    tmp_path: Path, graphite: EmbeddedGraphite
) -> None:
    old = Old(tmp_path)
    assert old.too_old
    assert old.sent
    bay = Bay(tmp_path)
    site = site_of(tmp_path / "diamond", [bay], graphite, {})
    command = [sys.executable, "-m", "hops", "backfill", *backfill(old.folder, site.conf)]

    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    wait_for(bay.ingested, "the first report in the archive")
    process.terminate()
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"Run the same command again to go on." in out
    assert 0 < bay.ingested() < len(old.sent)

    daemon = Daemon(site)
    daemon.start()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    finally:
        daemon.kill()
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Left out: {len(old.too_old)}\n" in done.stdout
    assert "Graphite keeps coil 32 since" in done.stdout
    bay.sent, bay.wanted = old.sent, old.wanted
    assert bay.archived() == old.sent
    assert [path.name for path in bay.folder.iterdir()] == ["Ingested"]
    assert count(bay.wanted) > 0
    assert missing(bay, graphite) == []


def test_when_graphite_does_not_get_the_newest_report_no_other_is_copied(
    tmp_path: Path, graphite: EmbeddedGraphite, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Old(tmp_path)
    bay = Bay(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        site = site_of(tmp_path / "diamond", [bay], graphite, {"hostname": "elsewhere"})
        text = site.conf.read_text()
        port = nobody.getsockname()[1]
        site.conf.write_text(text.replace(f"port = {graphite.line_port}", f"port = {port}"))
        monkeypatch.setattr("hops.backfill.sending.PATIENCE", 1)
        done = CliRunner().invoke(main, backfill(old.folder, site.conf))
    assert done.exit_code == 1
    assert "Stored in Graphite and archived: 0\n" in done.output
    assert "nothing of it is there: does a handler reach carbon" in done.output
    assert [path.name for path in bay.folder.iterdir()] == [max(old.sent)]


def test_a_carbon_that_is_down_is_told_before_anything_is_copied(
    tmp_path: Path, graphite: EmbeddedGraphite
) -> None:
    bay = Bay(tmp_path)
    old = Old(tmp_path)
    site = site_of(tmp_path / "diamond", [bay], graphite, {})
    graphite.carbon.stop()
    done = CliRunner().invoke(main, backfill(old.folder, site.conf))
    graphite.carbon.start()
    assert done.exit_code == 1
    assert "Diamond's handlers cannot be used: GraphiteHandler: Failed to connect" in done.output
    assert list(bay.folder.iterdir()) == []
