"""The main road: a report of a real scanner, a real Diamond, a real carbon, whisper files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import beside
import pytest
import whisper
from programs import ROOT

from lab.diamond import DiamondSite
from lab.graphite import EmbeddedGraphite

pytestmark = pytest.mark.integration

PATIENCE = 600
# Commands of other Diamonds; noxfile.py has them installed.
DIAMOND_27 = os.environ.get("DIAMOND_27")
DIAMOND_NEXT = os.environ.get("DIAMOND_NEXT")
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


@contextmanager
def with_the_drop_in(diamond: str, site: DiamondSite) -> Iterator[subprocess.Popen[bytes]]:
    """Another Diamond, with the drop-in alone, copied as the manual says."""
    for path in ROOT.glob("stability_*.py"):
        shutil.copy(path, site.conf.parent / "collectors")
    with site.log.open("ab") as log:
        process = subprocess.Popen(
            [*diamond.split(), "-f", "--skip-pidfile", "-c", str(site.conf)],
            cwd=site.conf.parent,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # Of its own accord a Diamond takes twenty seconds to end.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


if DIAMOND_27:

    def test_the_real_report_goes_through_diamond_on_python_27_into_whisper(
        site: DiamondSite, graphite: EmbeddedGraphite, real_report: Path, bay1: Path
    ) -> None:
        with with_the_drop_in(DIAMOND_27, site) as process:
            check_the_road(process, site, graphite, real_report, bay1)


if DIAMOND_NEXT:

    def test_the_real_report_goes_through_diamond_next_and_hops_reads_its_configuration(
        site: DiamondSite, graphite: EmbeddedGraphite, real_report: Path, bay1: Path
    ) -> None:
        text = site.conf.read_text()
        for name in ("hostname", "path_prefix"):
            text = re.sub(f"^{name} = .*\n", "", text, flags=re.MULTILINE)
        of_handlers, of_collectors = text.split("[collectors]\n[[default]]\n")
        of_handlers = of_handlers.replace("[[default]]", "[[handlersDefault]]")
        defaults = "[[collectorsDefault]]\nhostname = testhost\npath_prefix = diamond.virtual\n"
        site.conf.write_text(f"{of_handlers}[collectors]\n{defaults}{of_collectors}")
        with with_the_drop_in(DIAMOND_NEXT, site) as process:
            check_the_road(process, site, graphite, real_report, bay1)
            findings = {each["check"]: each for each in hops(site, "doctor")["findings"]}
            [counts] = hops(site, "audit")["scanners"][0]["coils"]
            status = hops(site, "status")
        assert "diamond-next" in findings["Diamond"]["text"]
        for check in ("Diamond", "collector", "GraphiteHandler"):
            assert findings[check]["state"] == "ok"
        assert (counts["stored"], counts["missing"]) == (448, 0)
        assert status["is_good"]


def hops(site: DiamondSite, command: str) -> Any:
    """What an operator's command says, for programs."""
    line = [sys.executable, "-m", "hops", command, f"--config={site.conf}", "--json"]
    return json.loads(subprocess.run(line, stdout=subprocess.PIPE, timeout=PATIENCE).stdout)


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
