"""`hops reingest`: reports go back to the collector, and none is overwritten or lost."""

from __future__ import annotations

import errno
import itertools
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from commands import Done, hops

import stability_folder
from hops import reportfiles

LOCATION = "Harvard/Bay1"
ONE = "Stability_20180910T090910.txt"
TWO = "Stability_2024-04-01T13-07-02.txt"
WRITTEN = 1_536_570_599


class Bay:
    """A scanner's folder with a configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bay1"
        for name in ("Ingested", "Rejected"):
            (self.folder / name).mkdir(parents=True)
        collectors = folder / "collectors"
        collectors.mkdir()
        (collectors / "StabilityCollector.conf").write_text(
            "timezone = America/New_York\n"
            f"[scanners]\n{LOCATION} = {self.folder}\n[coils]\n32 = 32\n"
        )
        self.conf = folder / "diamond.conf"
        self.conf.write_text(f"[server]\ncollectors_config_path = {collectors}\n")

    def put(self, name: str, text: str = "") -> Path:
        path = self.folder / name
        path.write_text(text or name)
        os.utime(path, (WRITTEN, WRITTEN))
        return path

    def command(self, *options: str) -> list[str]:
        return ["reingest", "-c", str(self.conf), "--location", LOCATION, *options]

    def reingest(self, *options: str) -> Done:
        return hops(*self.command(*options))

    def content(self) -> dict[str, str]:
        """What lies where, but for empty folders."""
        return {
            str(path.relative_to(self.folder)): path.read_text()
            for path in self.folder.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def bay(tmp_path: Path) -> Bay:
    return Bay(tmp_path)


def test_an_archived_report_goes_back_as_it_was(bay: Bay) -> None:
    before = bay.put(f"Ingested/{ONE}").stat()
    done = bay.reingest(ONE, "--yes")
    assert done.exit_code == 0, done.output
    assert "1 of 1 report moved" in done.output
    assert bay.content() == {ONE: f"Ingested/{ONE}"}
    after = (bay.folder / ONE).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert after.st_nlink == 1


@pytest.fixture
def old_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a rename that overwrites nothing."""
    monkeypatch.setattr(stability_folder, "_WAYS", stability_folder._WAYS[1:])


@pytest.mark.usefixtures("old_system")
def test_where_there_are_no_hard_links_it_goes_back_too(
    bay: Bay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    bay.put(f"Ingested/{ONE}")
    assert bay.reingest(ONE, "--yes").exit_code == 0
    assert bay.content() == {ONE: f"Ingested/{ONE}"}
    bay.put(f"Ingested/{ONE}", "newer")
    assert bay.reingest(ONE, "--yes").exit_code == 1
    assert bay.content() == {ONE: f"Ingested/{ONE}", f"Ingested/{ONE}": "newer"}


def test_a_move_that_was_interrupted_is_finished(bay: Bay) -> None:
    archived = bay.put(f"Ingested/{ONE}")
    os.link(archived, bay.folder / ONE)
    assert bay.reingest(ONE, "--yes").exit_code == 0
    assert bay.content() == {ONE: f"Ingested/{ONE}"}


@pytest.mark.usefixtures("old_system")
def test_a_file_that_may_not_be_taken_away_keeps_one_name(
    bay: Bay, monkeypatch: pytest.MonkeyPatch
) -> None:
    bay.put(f"Ingested/{ONE}")
    unlink = os.unlink

    def refuse(path: str, *_: object) -> None:
        if "Ingested" in os.path.realpath(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        unlink(path)

    monkeypatch.setattr(os, "unlink", refuse)
    monkeypatch.setattr(os, "rename", refuse)
    done = bay.reingest(ONE, "--yes")
    assert done.exit_code == 1
    assert "stays: Permission denied" in done.output
    assert bay.content() == {f"Ingested/{ONE}": f"Ingested/{ONE}"}


def test_what_happened_meanwhile_is_told(bay: Bay, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, taken = bay.put(f"Ingested/{ONE}"), bay.put(f"Ingested/{TWO}")
    move = stability_folder.move

    def move_later(*arguments: object) -> object:
        gone.unlink(missing_ok=True)
        bay.put(TWO, "newer")
        return move(*arguments)

    monkeypatch.setattr(stability_folder, "move", move_later)
    done = bay.reingest(ONE, TWO, "--yes")
    assert done.exit_code == 1
    assert "0 of 2 reports moved" in done.output
    assert f"{ONE!r} stays: it has gone" in done.output
    assert f"{TWO!r} stays: '{TWO}' is there" in done.output
    assert bay.content() == {TWO: "newer", f"Ingested/{TWO}": f"Ingested/{TWO}"}
    assert taken.exists()


def test_a_name_that_is_taken_stays(bay: Bay) -> None:
    for name in (ONE, f"Ingested/{ONE}", f"Ingested/{TWO}"):
        bay.put(name)
    done = bay.reingest("--from", "2018-01-01", "--yes")
    assert done.exit_code == 1
    assert f"{ONE!r} stays: {ONE!r} is there" in done.output
    assert bay.content() == {ONE: ONE, f"Ingested/{ONE}": f"Ingested/{ONE}", TWO: f"Ingested/{TWO}"}


def test_a_renamed_report_gets_its_name_back_if_it_is_free(bay: Bay) -> None:
    renamed = "Stability_20180910T090910.1.txt"
    bay.put(f"Ingested/{renamed}")
    assert bay.reingest("--from", "2018-01-01", "--yes").exit_code == 0
    assert bay.content() == {ONE: f"Ingested/{renamed}"}
    for name in (ONE, renamed):
        bay.put(f"Ingested/{name}")
    (bay.folder / ONE).unlink()
    done = bay.reingest("--from", "2018-01-01", "--yes")
    assert done.exit_code == 1
    assert "another one goes by that name" in done.output
    assert bay.content() == {ONE: f"Ingested/{ONE}", f"Ingested/{renamed}": f"Ingested/{renamed}"}


def test_a_duplicate_goes_back_only_when_it_is_named(bay: Bay) -> None:
    duplicate = "Stability_20180910T090910.duplicate.txt"
    copy = "Stability_20180910T090910 - Copy.txt"
    bay.put(f"Ingested/{duplicate}")
    bay.put(f"Ingested/{copy}")
    assert "no such report" in bay.reingest("--from", "2018-01-01", "--yes").output
    assert bay.reingest(duplicate, "--yes").exit_code == 0
    assert bay.content() == {ONE: f"Ingested/{duplicate}", f"Ingested/{copy}": f"Ingested/{copy}"}


def test_days_are_those_of_the_scanners_clock(bay: Bay) -> None:
    late = "Stability_20180910T233000.txt"
    for name in (late, "Stability_20180911T003000.txt"):
        bay.put(f"Ingested/{name}")
    done = bay.reingest("--from", "2018-09-10", "--until", "2018-09-10", "--dry-run")
    assert done.exit_code == 0
    assert "1 of 1 report can move" in done.output
    assert late in done.output


def test_a_rejected_report_goes_back_and_its_note_stays(bay: Bay) -> None:
    note = f"Rejected/{ONE}.reason.txt"
    bay.put(note)
    bay.put(f"Rejected/{ONE}")
    bay.put(f"Ingested/{TWO}")
    assert bay.reingest("--rejected", "--yes").exit_code == 0
    assert bay.content() == {
        ONE: f"Rejected/{ONE}", note: note, f"Ingested/{TWO}": f"Ingested/{TWO}"
    }


def test_links_and_folders_are_left_alone(bay: Bay) -> None:
    secret = bay.put("secret")
    secret.chmod(0o600)
    (bay.folder / "Ingested" / ONE).symlink_to(secret)
    (bay.folder / "Ingested" / TWO).mkdir()
    linked = "Stability_20200101T000000.txt"
    os.link(secret, bay.folder / "Ingested" / linked)
    done = bay.reingest("--from", "2018-01-01", "--yes")
    assert done.exit_code == 1
    assert done.output.count("it is not a regular file") == 2
    assert "more than one name" in done.output
    assert {path.name for path in bay.folder.iterdir()} == {"Ingested", "Rejected", "secret"}
    assert len(list((bay.folder / "Ingested").iterdir())) == 3


def test_an_archive_that_is_a_link_is_not_followed(bay: Bay, tmp_path: Path) -> None:
    (bay.folder / "Ingested").rmdir()
    (bay.folder / "Ingested").symlink_to(tmp_path)
    done = bay.reingest("--from", "2018-01-01", "--yes")
    assert done.exit_code == 1
    assert "cannot be used" in done.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "Say which reports"),
        (["--missing", "--rejected"], "--rejected about others"),
        (["--missing", ONE], "not by both"),
        (["--from", "2018-01-02", "--until", "2018-01-01"], "the first day comes first"),
        (["nonsense.txt"], "there is no report 'nonsense.txt'"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(bay: Bay, options: list[str], words: str) -> None:
    done = bay.reingest(*options)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())


def test_without_yes_it_only_lists(bay: Bay) -> None:
    bay.put(f"Ingested/{ONE}")
    for options in ([], ["--dry-run"]):
        done = bay.reingest(ONE, *options)
        assert done.exit_code == 0
        assert done.output.index(ONE) < done.output.index("Nothing was moved: --yes moves them.")
        assert bay.content() == {f"Ingested/{ONE}": f"Ingested/{ONE}"}


def test_a_name_cannot_harm_a_terminal(bay: Bay) -> None:
    bay.put("Ingested/Stability_20180910T090910.\x1b[2J.txt")
    done = bay.reingest("Stability_20180910T090910.\x1b[2J.txt")
    assert r"\x1b[2J" in done.output
    assert "\x1b" not in done.output


def test_programs_are_told_what_would_move_and_what_has_moved(bay: Bay) -> None:
    bay.put(f"Ingested/{ONE}")
    bay.put(f"Ingested/{TWO}")
    bay.put(TWO)
    would = {
        "from": str(bay.folder / "Ingested"),
        "to": str(bay.folder),
        "is_done": False,
        "reports": [
            {"name": ONE, "new_name": ONE, "stays_because": None},
            {"name": TWO, "new_name": TWO, "stays_because": f"'{TWO}' is there"},
        ],
    }
    done = bay.reingest(ONE, TWO, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (1, would)
    assert f"Ingested/{ONE}" in bay.content()
    done = bay.reingest(ONE, TWO, "--json", "--yes")
    assert (done.exit_code, json.loads(done.stdout)) == (1, {**would, "is_done": True})
    assert bay.content() == {ONE: f"Ingested/{ONE}", TWO: TWO, f"Ingested/{TWO}": f"Ingested/{TWO}"}


def test_what_moved_is_counted_though_the_server_says_that_it_did_not(
    bay: Bay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a rename over SMB that is answered with an error."""
    rename = os.rename

    def move_and_complain(old: str, new: str) -> None:
        rename(old, new)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def no_second_names(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(stability_folder, "_WAYS", stability_folder._WAYS[1:])
    monkeypatch.setattr(os, "link", no_second_names)
    monkeypatch.setattr(os, "rename", move_and_complain)
    for name in (ONE, TWO):
        bay.put(f"Ingested/{name}")
    done = bay.reingest("--until", "2030-01-01", "--yes")
    assert done.exit_code == 0, done.output
    assert "2 of 2 reports moved" in done.output
    assert bay.content() == {ONE: f"Ingested/{ONE}", TWO: f"Ingested/{TWO}"}


def test_numbers_of_files_that_change_at_each_look_double_nothing(
    bay: Bay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on rclone and some servers of Windows."""
    numbers = itertools.count(1_000_000)

    def renumbered(original: Any) -> Any:
        def status(*args: Any, **options: Any) -> os.stat_result:
            found = original(*args, **options)
            fields = list(found)
            fields[1] = next(numbers)
            times = [f"st_{name}time{unit}" for name in "amc" for unit in ("", "_ns")]
            return os.stat_result(fields, {name: getattr(found, name) for name in times})

        return status

    for name in ("lstat", "fstat"):
        monkeypatch.setattr(os, name, renumbered(getattr(os, name)))
    bay.put(f"Ingested/{ONE}")
    done = bay.reingest(ONE, "--yes")
    assert "1 of 1 report moved" in done.output
    assert bay.content() == {ONE: f"Ingested/{ONE}"}
    bay.put(f"Ingested/{ONE}")
    done = bay.reingest(ONE, "--yes")
    assert done.exit_code == 1
    assert f"stays: {ONE!r} is there" in done.output
    assert len(bay.content()) == 2


@pytest.mark.parametrize("function", ["lstat", "open"])
def test_a_report_that_the_system_refuses_stays_and_the_others_go(
    bay: Bay, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    original = getattr(os, function)

    def refuse(path: Any, *args: Any, **options: Any) -> Any:
        if str(path).endswith(ONE):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return original(path, *args, **options)

    for name in (ONE, TWO):
        bay.put(f"Ingested/{name}")
    monkeypatch.setattr(os, function, refuse)
    done = bay.reingest("--until", "2030-01-01", "--yes")
    monkeypatch.undo()
    assert done.exit_code == 1
    assert f"{ONE!r} stays: Permission denied" in done.output
    assert bay.content() == {f"Ingested/{ONE}": f"Ingested/{ONE}", TWO: f"Ingested/{TWO}"}


def test_a_share_that_never_answers_ends_it(bay: Bay, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    listdir = os.listdir

    def hang(path: Any) -> Any:
        if os.path.realpath(path) == str(bay.folder / "Ingested"):
            released.wait()
        return listdir(path)

    monkeypatch.setattr(os, "listdir", hang)
    monkeypatch.setattr(reportfiles, "PATIENCE", 0.1)
    bay.put(f"Ingested/{ONE}")
    done = bay.reingest(ONE, "--yes")
    released.set()
    assert done.exit_code == 1
    assert f"{str(bay.folder / 'Ingested')!r} cannot be used (it did not answer" in done.stderr
