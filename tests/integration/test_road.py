"""The main road: a report of a real scanner, a real Diamond, a real carbon, whisper files."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import beside
import pytest
import whisper
from programs import ROOT

from lab.diamond import DiamondSite
from lab.graphite import EmbeddedGraphite

pytestmark = pytest.mark.integration

PATIENCE = 60
DIAMOND_27 = os.environ.get("DIAMOND_27")
EPOCH = 1536570550  # 2018-09-10 09:09:10 UTC
LOCATION = "Harvard/Northwest/Bay1"


@pytest.fixture
def real_report() -> Path:
    return Path(beside.real_report())


def golden_points(real_report: Path) -> dict[str, float]:
    """From metric path to value: the 2018 collector's paths, the numbers of the report's text."""
    golden = Path(beside.golden_lines()).read_text().splitlines()
    rows = re.findall(r"^ *\d+\t(.*)$", real_report.read_text(), re.MULTILINE)
    cells = [float(cell) for row in rows for cell in row.split("\t")]
    assert len(golden) == len(cells) == 448
    return {line.split()[0]: cell for line, cell in zip(golden, cells)}


def stored_points(graphite: EmbeddedGraphite) -> dict[str, float]:
    """From metric path to the value in whisper at the slot of EPOCH."""
    points = {}
    for path in graphite.whisper_dir.rglob("*.wsp"):
        try:
            (start, _, step), values = whisper.fetch(str(path), EPOCH - 3600, EPOCH)
        except whisper.CorruptWhisperFile:
            continue  # carbon is just making it
        slot = EPOCH - EPOCH % step
        name = ".".join(path.relative_to(graphite.whisper_dir).with_suffix("").parts)
        value = values[(slot - start) // step]
        if value is not None:
            points[name] = value
    return points


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, f"Diamond ended:\n{log.read_text()[-3000:]}"
        assert time.monotonic() < deadline, f"it takes too long:\n{log.read_text()[-3000:]}"
        time.sleep(0.1)


@pytest.fixture
def bay1(tmp_path: Path, real_report: Path) -> Path:
    folder = tmp_path / "bay1"
    folder.mkdir()
    shutil.copy2(real_report, folder)
    return folder


@pytest.fixture
def site(tmp_path: Path, bay1: Path, graphite: EmbeddedGraphite) -> DiamondSite:
    return DiamondSite(
        tmp_path / "diamond",
        {LOCATION: bay1},
        {32: "32"},
        graphite.line_port,
        hostname="testhost",
        path_prefix="diamond.virtual",
        interval=5,
        timezone="UTC",
        settle_seconds=0,
        graphite_url=graphite.url,
        confirm_seconds=1,
    )


def check_the_road(
    process: subprocess.Popen[bytes],
    site: DiamondSite,
    graphite: EmbeddedGraphite,
    real_report: Path,
    bay1: Path,
) -> None:
    golden = golden_points(real_report)
    wait_for(lambda: len(stored_points(graphite)) == len(golden), process, site.log)
    wait_for(lambda: not (bay1 / real_report.name).exists(), process, site.log)
    assert stored_points(graphite) == golden
    assert (bay1 / "Ingested" / real_report.name).read_bytes() == real_report.read_bytes()


def test_the_real_report_goes_through_diamond3_into_whisper(
    site: DiamondSite, graphite: EmbeddedGraphite, real_report: Path, bay1: Path
) -> None:
    process = site.start_daemon()
    try:
        check_the_road(process, site, graphite, real_report, bay1)
    finally:
        process.terminate()
        status = process.wait(PATIENCE)
    assert status == 0
    assert "Traceback" not in site.log.read_text()


# The published Diamond with a Python 2.7; noxfile.py has them installed.
if DIAMOND_27:

    def test_the_real_report_goes_through_diamond_on_python_27_into_whisper(
        site: DiamondSite, graphite: EmbeddedGraphite, real_report: Path, bay1: Path
    ) -> None:
        """The drop-in alone, copied as the README says."""
        for path in ROOT.glob("stability_*.py"):
            shutil.copy(path, site.conf.parent / "collectors")
        with site.log.open("ab") as log:
            process = subprocess.Popen(
                [*DIAMOND_27.split(), "-f", "--skip-pidfile", "-c", str(site.conf)],
                cwd=site.conf.parent,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            check_the_road(process, site, graphite, real_report, bay1)
        finally:
            # Of its own accord this Diamond takes twenty seconds to end.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


def test_one_run_from_cron_archives_the_report_and_ends_with_0(
    site: DiamondSite, graphite: EmbeddedGraphite, real_report: Path, bay1: Path
) -> None:
    assert site.run_once().wait(PATIENCE) == 0
    assert [path.name for path in (bay1 / "Ingested").iterdir()] == [real_report.name]
    process = site.run_once()
    assert process.wait(PATIENCE) == 0
    deadline = time.monotonic() + PATIENCE
    golden = golden_points(real_report)
    while stored_points(graphite) != golden:
        assert time.monotonic() < deadline, "the points do not come"
        time.sleep(0.1)
