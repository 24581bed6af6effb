"""The commands of `hops` on a share that never answers, which holds whoever asked for good."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.faults import FaultyShare

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "sample_data" / "reports" / "Stability_20260302T070412.txt"
HELD = 3600  # seconds
PATIENCE = 120


@pytest.fixture
def share(faulty_share: FaultyShare) -> FaultyShare:
    """A scanner's folder on a share whose server can stop to answer."""
    for name in ("Ingested", "Rejected"):
        (faulty_share.source / name).mkdir()
    shutil.copy(REPORT, faulty_share.source)
    return faulty_share


@pytest.mark.parametrize("operation", ["readdir", "getattr"])
@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["check", "{share}"],
        ["reingest", "--location", "Harvard/Bay1", "--rejected"],
        ["backfill", "{old}", "--location", "Harvard/Bay1", "--yes"],
    ],
    ids=lambda command: command[0],
)
def test_a_command_ends_and_names_the_folder(
    share: FaultyShare, tmp_path: Path, command: list[str], operation: str
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    shutil.copy(REPORT, old)
    conf = tmp_path / "diamond.conf"
    conf.write_text(
        "[server]\nhandlers = diamond.handler.archive.ArchiveHandler\n[handlers]\n"
        f"[[ArchiveHandler]]\nlog_file = {tmp_path}/points.log\n[collectors]\n"
        "[[StabilityCollector]]\ntimezone = UTC\n"
        f"[[[scanners]]]\nHarvard/Bay1 = {share.mount}\n[[[coils]]]\n32 = 32\n"
    )
    share.have({"op": operation, "hang": HELD})
    words = [each.format(share=share.mount, old=old) for each in command]
    done = subprocess.run(
        [sys.executable, "-m", "hops", *words, "-c", str(conf)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert str(share.mount) in done.stdout + done.stderr
    assert "did not answer" in done.stdout + done.stderr
