"""`hops status`, without a Graphite: what it says of the folders."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from commands import Done, hops

from hops import status


class Bay:
    """A scanner's folder with a configuration of which no Graphite is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bay1"
        (self.folder / "Ingested").mkdir(parents=True)
        (self.folder / "Rejected").mkdir()
        self.conf = folder / "diamond.conf"
        self.conf.write_text(
            "[server]\n[collectors]\n[[StabilityCollector]]\ntimezone = UTC\n"
            "graphite_url = http://127.0.0.1:1\n"
            f"[[[scanners]]]\nHarvard/Bay1 = {self.folder}\n[[[coils]]]\n32 = 32\n"
        )

    def put(self, folder: str, days_ago: float) -> str:
        moment = datetime.now(timezone.utc) - timedelta(days=days_ago)
        name = f"Stability_{moment:%Y%m%dT%H%M%S}.txt"
        (self.folder / folder / name).write_text("")
        return name

    def status(self, *options: str) -> Done:
        return hops("status", "-c", self.conf, *options)

    def told(self) -> tuple[int, dict[str, Any]]:
        done = self.status("--json")
        [scanner] = json.loads(done.output)["scanners"]
        return done.exit_code, scanner


@pytest.fixture
def bay(tmp_path: Path) -> Bay:
    return Bay(tmp_path)


def test_counts_what_lies_in_the_folders(bay: Bay) -> None:
    bay.put("Ingested", 3)
    last = bay.put("Ingested", 2)
    bay.put("", 4)
    bay.put("", -3)  # of the future: a wrong clock
    (bay.folder / "notes.txt").write_text("no report")
    exit_code, told = bay.told()
    assert exit_code == 0
    assert (told["waiting"], told["rejected"], told["archived"]) == (2, 0, 2)
    assert told["last_scan"]["name"] == last
    assert abs(told["last_scan"]["age_seconds"] - 2 * 86400) < 600
    assert told["problems"] == []


def test_a_dead_graphite_hides_nothing_else(bay: Bay) -> None:
    bay.put("Ingested", 2)
    done = bay.status()
    assert done.exit_code == 0
    assert "Unconfirmed reports are not known: http://127.0.0.1:1 does not answer" in done.output
    assert "│ unknown │" in " ".join(done.output.split())
    assert bay.told()[1]["unconfirmed"] is None


def test_a_report_that_waits_too_long_is_a_problem(
    bay: Bay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Since when it lies there counts: an old one may just have been put back."""
    name = bay.put("", 300)
    os.utime(bay.folder / name, (1, 1))
    assert bay.told()[0] == 0
    later = time.time() + 3700
    monkeypatch.setattr(status.time, "time", lambda: later)
    exit_code, told = bay.told()
    assert exit_code == 1
    assert told["oldest_waiting"]["name"] == name
    assert f"1 report waiting, {name!r} for 61 minutes" in told["problems"][0]


def test_rejected_reports_are_a_problem_and_what_to_do_is_told(bay: Bay) -> None:
    name = bay.put("Rejected", 1)
    (bay.folder / "Rejected" / f"{name}.reason.txt").write_text("")
    exit_code, told = bay.told()
    assert (exit_code, told["rejected"]) == (1, 1)
    assert "hops reingest --location Harvard/Bay1 --rejected" in told["problems"][0]


def test_a_folder_that_is_away_is_a_problem(bay: Bay) -> None:
    shutil.rmtree(bay.folder)
    done = bay.status()
    assert done.exit_code == 1
    assert f"{str(bay.folder)!r} cannot be used (No such file or directory)" in done.output


def test_an_archive_that_cannot_be_listed_hides_nothing_else(bay: Bay) -> None:
    bay.put("", 1)
    (bay.folder / "Ingested").rmdir()
    (bay.folder / "Ingested").symlink_to(bay.folder.parent)
    exit_code, told = bay.told()
    assert (exit_code, told["waiting"], told["archived"]) == (1, 1, None)


def test_folders_that_are_not_there_yet_are_empty(bay: Bay) -> None:
    (bay.folder / "Ingested").rmdir()
    (bay.folder / "Rejected").rmdir()
    exit_code, told = bay.told()
    assert (exit_code, told["archived"], told["rejected"]) == (0, 0, 0)
    assert "none" in bay.status().output
