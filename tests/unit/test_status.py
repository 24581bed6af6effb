"""`hops status`, without a Graphite: what it says of the folders."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from commands import Done, hops

from hops import reportfiles


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
    bay.put("Ingested", 2)
    bay.put("", 0.01)
    (bay.folder / "notes.txt").write_text("no report")
    exit_code, told = bay.told()
    assert exit_code == 0
    assert (told["waiting"], told["rejected"], told["archived"]) == (1, 0, 2)
    assert told["last_scan"]["age_seconds"] == told["oldest_waiting"]["seconds"]
    assert abs(told["last_scan"]["age_seconds"] - 864) < 600
    assert told["problems"] == []


def test_a_dead_graphite_hides_nothing_else(bay: Bay) -> None:
    bay.put("Ingested", 2)
    done = bay.status()
    assert done.exit_code == 0
    assert "Unconfirmed reports are not known: http://127.0.0.1:1 does not answer" in done.output
    assert "unconfirmed  unknown" in done.output
    assert bay.told()[1]["unconfirmed"] is None


def test_a_report_that_waits_too_long_is_a_problem(bay: Bay) -> None:
    bay.put("", 0.04)
    assert bay.told()[0] == 0
    name = bay.put("", 0.1)
    exit_code, told = bay.told()
    assert exit_code == 1
    assert told["oldest_waiting"]["name"] == name
    assert f"2 reports waiting, {name!r} of a scan 2 hours ago" in told["problems"][0]


@pytest.mark.parametrize("changed", [1, 4_000_000_000])
def test_what_a_share_says_of_times_does_not_count(bay: Bay, changed: int) -> None:
    """Many a share has one time only, that of its own clock, and no other of a move."""
    name = bay.put("", 0.1)
    os.utime(bay.folder / name, (changed, changed))
    assert bay.told()[1]["oldest_waiting"]["seconds"] // 60 == 144


def test_a_report_of_the_future_is_a_problem(bay: Bay) -> None:
    name = bay.put("", -3)
    bay.put("Ingested", 1)
    exit_code, told = bay.told()
    assert exit_code == 1
    [problem] = told["problems"]
    assert name in problem
    assert "is of the future" in problem
    assert told["oldest_waiting"] is None


def test_rejected_reports_are_a_problem_and_what_to_do_is_told(bay: Bay) -> None:
    name = bay.put("Rejected", 1)
    (bay.folder / "Rejected" / f"{name}.reason.txt").write_text("")
    exit_code, told = bay.told()
    assert (exit_code, told["rejected"]) == (1, 1)
    assert "hops reingest --location Harvard/Bay1 --rejected" in told["problems"][0]


@pytest.mark.parametrize("other_form", [False, True])
def test_a_rejected_report_that_came_again_and_was_good_is_no_problem(
    bay: Bay, other_form: bool
) -> None:
    name = bay.put("Rejected", 1)
    day, clock = name[10:18], name[19:25]
    if other_form:
        name = f"Stability_{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}-{clock[2:4]}-{clock[4:]}.txt"
    (bay.folder / "Ingested" / name).write_text("")
    exit_code, told = bay.told()
    assert (exit_code, told["rejected"], told["problems"]) == (0, 1, [])
    other = bay.put("Rejected", 2)
    exit_code, told = bay.told()
    assert (exit_code, told["rejected"]) == (1, 2)
    assert f"1 report rejected, the newest {other!r}" in told["problems"][0]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EBUSY])
@pytest.mark.parametrize("function", ["lstat", "open"])
def test_a_report_that_the_system_refuses_hides_no_other(
    bay: Bay, monkeypatch: pytest.MonkeyPatch, function: str, number: int
) -> None:
    bad, good = bay.put("", 0.02), bay.put("", 0.01)
    bay.put("Ingested", 1)
    original = getattr(os, function)

    def refuse(path: Any, *args: Any, **options: Any) -> Any:
        if os.path.basename(str(path)) == bad:
            raise OSError(number, os.strerror(number))
        return original(path, *args, **options)

    monkeypatch.setattr(os, function, refuse)
    exit_code, told = bay.told()
    assert (exit_code, told["waiting"], told["archived"]) == (1, 2, 1)
    [problem] = told["problems"]
    assert bad in problem
    assert good not in problem
    assert os.strerror(number) in problem


def test_a_link_among_the_reports_is_told(bay: Bay) -> None:
    good = bay.put("Ingested", 1)
    name = bay.put("", 0.01)
    (bay.folder / name).unlink()
    (bay.folder / name).symlink_to(f"Ingested/{good}")
    exit_code, told = bay.told()
    assert exit_code == 1
    [problem] = told["problems"]
    assert problem == f"{str(bay.folder / name)!r} cannot be read: it is not a regular file"


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Files and folders of which the system says nothing before the test ends."""
    places: set[str] = set()
    released = threading.Event()

    def hang(original: Any) -> Any:
        def waiting(path: Any, *args: Any, **options: Any) -> Any:
            if os.path.realpath(path) in places:
                released.wait()
            return original(path, *args, **options)

        return waiting

    monkeypatch.setattr(os, "listdir", hang(os.listdir))
    monkeypatch.setattr(os, "open", hang(os.open))
    monkeypatch.setattr(reportfiles, "PATIENCE", 0.1)
    yield places
    places.clear()
    released.set()


@pytest.mark.parametrize("place", ["", "Ingested", "Rejected", "report"])
def test_a_share_that_never_answers_is_told_and_the_others_are_shown(
    bay: Bay, hanging: set[str], place: str
) -> None:
    name = bay.put("", 0.01)
    other = Bay(bay.folder / "other")
    other.put("", 0.01)
    text = bay.conf.read_text().replace("[[[coils", f"Harvard/Bay2 = {other.folder}\n[[[coils")
    bay.conf.write_text(text)
    hanging.add(str(bay.folder / (name if place == "report" else place)).rstrip("/"))
    done = bay.status("--json")
    one, two = json.loads(done.output)["scanners"]
    assert done.exit_code == 1
    [problem] = one["problems"]
    assert str(bay.folder) in problem
    assert "did not answer" in problem
    assert (two["waiting"], two["problems"]) == (1, [])


@pytest.mark.parametrize(
    "name",
    [
        "Stability_2026-11-20 07-02-11.txt",
        "stability_20261120T070211.txt",
        "Stability_20261120T070211.TXT",
        "Bay1_Stability_20261120T070211.txt",
        "Stability_20261120T070211 (1).txt",
    ],
)
def test_files_that_look_like_reports_are_told_with_the_names_that_reports_have(
    bay: Bay, name: str
) -> None:
    (bay.folder / name).write_text("")
    (bay.folder / "notes.txt").write_text("")
    assert bay.told()[1]["left_alone"] == [name]
    done = bay.status()
    assert done.exit_code == 0
    assert "look like reports but are not called like Stability_20180910T090910.txt" in done.output
    assert repr(name) in done.output
    assert "notes.txt" not in done.output


def test_a_scanner_without_a_scan_for_so_many_days_is_a_problem_on_demand(bay: Bay) -> None:
    name = bay.put("Ingested", 9)
    assert bay.status().exit_code == 0
    assert bay.status("--no-scan-for", "10").exit_code == 0
    done = bay.status("--no-scan-for", "8")
    assert done.exit_code == 1
    assert f"no scan for more than 8 days: the last, {name!r}, was 9 days ago" in done.output
    bay.put("", 0.01)
    assert bay.status("--no-scan-for", "8").exit_code == 0


def test_a_scanner_without_any_scan_is_a_problem_on_demand(bay: Bay) -> None:
    assert "there is none at all" in bay.status("--no-scan-for", "1").output
    assert bay.status("--no-scan-for", "1").exit_code == 1


@pytest.mark.parametrize("days", ["0", "-1", "nan", "inf", "soon"])
def test_days_without_a_scan_are_a_whole_number_of_at_least_one(bay: Bay, days: str) -> None:
    done = bay.status("--no-scan-for", days)
    assert done.exit_code == 2
    assert "--no-scan-for" in done.stderr


def test_names_and_numbers_are_whole_at_80_columns(
    bay: Bay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    name = bay.put("Ingested", 1)
    for number in range(1234):
        (bay.folder / "Ingested" / name.replace(".txt", f".{number + 1}.txt")).write_text("")
    lines = bay.status().stdout.splitlines()
    assert "Harvard/Bay1" in lines
    assert "  archived     1,235" in lines
    assert all(len(line) <= 80 for line in lines if line.startswith("  "))


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
