"""`hops sample`: the reports that it makes, and what it says of them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from commands import Done, hops

import stability_report

SHORT = ["--until", "2026-11-20", "--years", "0.02"]


def sample(folder: Path, *options: str) -> Done:
    return hops("sample", folder, *options)


def test_it_makes_good_reports_and_tells_the_story(tmp_path: Path) -> None:
    done = sample(tmp_path / "new", *SHORT)
    assert done.exit_code == 0
    assert done.stdout.startswith("10 reports up to 2026-11-20")
    assert f"Example/North/Bay1 = {tmp_path}/new/north-bay1\n" in done.stdout
    assert "service visit on 2026-03-10" in done.stdout
    files = list(tmp_path.glob("new/*/Stability_*.txt"))
    assert len(files) == 10
    assert all(stability_report.read(str(file)).slices == 16 for file in files)


def test_another_seed_gives_other_numbers(tmp_path: Path) -> None:
    contents = []
    for number, seed in enumerate(["1", "1", "2"]):
        assert sample(tmp_path / str(number), *SHORT, "--seed", seed).exit_code == 0
        files = sorted((tmp_path / str(number)).glob("*/*.txt"))
        contents.append([file.read_text() for file in files])
    assert contents[0] == contents[1]
    assert not set(contents[0]) & set(contents[2])


def test_a_report_that_is_there_already_stays_and_is_told_in_a_sentence(tmp_path: Path) -> None:
    sample(tmp_path, *SHORT)
    before = {file: file.read_bytes() for file in tmp_path.glob("*/*")}
    [first, *_] = sorted(before)
    first.write_text("written by somebody else")
    before[first] = first.read_bytes()
    done = sample(tmp_path, *SHORT)
    assert done.exit_code == 1
    assert "is never overwritten: choose another folder." in done.stderr
    assert {file: file.read_bytes() for file in tmp_path.glob("*/*")} == before


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = sample(tmp_path / "file" / "folder", *SHORT)
    assert done.exit_code == 1
    assert "cannot be written (Not a directory): choose another folder." in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--until", "2026-02-30", "expected a day as in 2026-06-30"),
        ("--until", "0001-01-01", "is not from 2000 to 2099"),
        ("--years", "two", "expected a number from 0.01 to 20"),
        ("--years", "-1", "expected a number from 0.01 to 20"),
        ("--years", "0.001", "expected a number from 0.01 to 20"),
        ("--years", "21", "expected a number from 0.01 to 20"),
        ("--years", "nan", "expected a number from 0.01 to 20"),
        ("--seed", "x", "is not a valid integer"),
    ],
)
def test_bad_options_are_refused(option: str, value: str, reason: str, tmp_path: Path) -> None:
    done = sample(tmp_path, f"{option}={value}")
    assert done.exit_code == 2
    assert reason in done.stderr
    assert not list(tmp_path.iterdir())


def test_programs_are_told_where_the_reports_are(tmp_path: Path) -> None:
    told = json.loads(sample(tmp_path, *SHORT, "--json").stdout)
    assert (told["reports"], told["until"]) == (10, "2026-11-20")
    files = [file for each in told["scanners"] for file in Path(each["folder"]).glob("*.txt")]
    assert len(files) == 10
    north = told["scanners"][0]
    assert north["location"] == "Example/North/Bay1"
    assert "service visit on 2026-03-10" in north["events"]


def test_the_last_scan_is_yesterdays_so_that_it_is_over_in_every_time_zone(tmp_path: Path) -> None:
    days = {date.today()}
    told = json.loads(sample(tmp_path, "--years", "0.02", "--json").stdout)
    days.add(date.today())
    assert date.fromisoformat(told["until"]) in {day - timedelta(days=1) for day in days}
