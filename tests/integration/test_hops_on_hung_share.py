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
PATIENCE = 600


@pytest.fixture
def share(faulty_share: FaultyShare) -> FaultyShare:
    """A scanner's folder on a share whose server can stop to answer."""
    for name in ("Ingested", "Rejected"):
        (faulty_share.source / name).mkdir()
    shutil.copy(REPORT, faulty_share.source)
    return faulty_share


@pytest.mark.parametrize("operation", ["readdir", "getattr"])
def test_every_command_ends_and_names_the_folder(
    share: FaultyShare, tmp_path: Path, operation: str
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
    commands = [
        ["status"],
        ["check", str(share.mount)],
        ["reingest", "--location", "Harvard/Bay1", "--rejected"],
        ["backfill", str(old), "--location", "Harvard/Bay1", "--yes"],
    ]
    share.have({"op": operation, "hang": HELD})
    # All at once, as each of them waits.
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "hops", *words, "-c", str(conf)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for words in commands
    ]
    for words, process in zip(commands, processes):
        told, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1, (words, told)
        assert str(share.mount) in told
        assert "did not answer" in told
