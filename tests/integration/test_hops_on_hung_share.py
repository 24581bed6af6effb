"""The commands of `hops` on a share that never answers, which holds whoever asked for good."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "sample_data" / "reports" / "Stability_20260302T070412.txt"
FAULTFS = ROOT.parent / "shared" / "tools" / "faultfs.py"
DEBIANS = "/usr/bin/python3"
HELD = 3600  # seconds
PATIENCE = 120


def has_fusepy() -> bool:
    if not (FAULTFS.exists() and Path(DEBIANS).exists() and Path("/dev/fuse").exists()):
        return False
    return subprocess.run([DEBIANS, "-c", "import fusepy"], capture_output=True).returncode == 0


class Share:
    """A scanner's folder on a share whose server can stop to answer."""

    def __init__(self, folder: Path) -> None:
        self._rules = folder / "rules.json"
        self.behind, self.folder = folder / "behind", folder / "share"
        for each in (self.behind / "Ingested", self.behind / "Rejected", self.folder):
            each.mkdir(parents=True)
        shutil.copy(REPORT, self.behind)
        self.rule([])

    def rule(self, rules: list[dict[str, object]]) -> None:
        self._rules.write_text(json.dumps(rules))

    def mount(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([DEBIANS, FAULTFS, self.behind, self.folder, self._rules])
        deadline = time.monotonic() + PATIENCE
        while not self.folder.is_mount():
            assert process.poll() is None, "it cannot be mounted"
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return process


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    if not has_fusepy():
        pytest.skip("needs Debian's python3-fusepy, and /dev/fuse")
    share = Share(tmp_path)
    process = share.mount()
    yield share
    share.rule([])
    subprocess.run(["umount", "-l", share.folder], check=True)
    process.wait(PATIENCE)


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
    share: Share, tmp_path: Path, command: list[str], operation: str
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    shutil.copy(REPORT, old)
    conf = tmp_path / "diamond.conf"
    conf.write_text(
        "[server]\nhandlers = diamond.handler.archive.ArchiveHandler\n[handlers]\n"
        f"[[ArchiveHandler]]\nlog_file = {tmp_path}/points.log\n[collectors]\n"
        "[[StabilityCollector]]\ntimezone = UTC\n"
        f"[[[scanners]]]\nHarvard/Bay1 = {share.folder}\n[[[coils]]]\n32 = 32\n"
    )
    share.rule([{"op": operation, "hang": HELD}])
    words = [each.format(share=share.folder, old=old) for each in command]
    done = subprocess.run(
        [sys.executable, "-m", "hops", *words, "-c", str(conf)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert str(share.folder) in done.stdout + done.stderr
    assert "did not answer" in done.stdout + done.stderr
