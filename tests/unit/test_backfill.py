"""Old reports into the scanner's archive, with a handler of Diamond's that writes to a file."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from commands import Done, hops

import stability_folder
from hops import site
from hops.backfill.command import count_archived
from hops.backfill.finding import LeftOut, OldReport, find_reports, list_files
from hops.backfill.sending import add_report, first_to_send
from hops.reportfiles import ReportFile
from stability_folder import Folder

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "sample_data/reports/Stability_20260306T064950.txt").read_text()
BAY1 = "Harvard/Northwest/Bay1"
DIAMOND_CONF = """\
[server]
handlers = diamond.handler.archive.ArchiveHandler
[handlers]
[[default]]
[[ArchiveHandler]]
log_file = {folder}/points.log
[collectors]
[[default]]
hostname = testhost
[[StabilityCollector]]
enabled = True
timezone = UTC
settle_seconds = 0
[[[scanners]]]
Harvard/Northwest/Bay1 = {folder}/bay1
Harvard/Northwest/Bay2 = {folder}/bay2
[[[coils]]]
32 = 32
64 = 64
"""


class Place:
    """A scanner's folder, a folder of old reports, and a Diamond's configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bay1 = folder / "bay1"
        self.archive = self.bay1 / "Ingested"
        self.old = folder / "old"
        for each in (self.bay1, folder / "bay2", self.old):
            each.mkdir()
        (folder / "diamond.conf").write_text(DIAMOND_CONF.format(folder=folder))

    def run(self, *options: str, source: Path | None = None) -> Done:
        conf = f"--config={self.folder / 'diamond.conf'}"
        arguments = ("backfill", source or self.old, f"--location={BAY1}", conf)
        return hops(*arguments, *options)

    def published(self) -> list[tuple[str, str]]:
        """Path and time of the first point of each report, in the order of publishing."""
        log = self.folder / "points.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(line.split()[0], line.split()[2]) for line in lines if ".SI.min.1 " in line]

    def archived(self) -> list[str]:
        return sorted(path.name for path in self.archive.glob("*"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def write(path: Path, text: str = TEXT, mtime: int = 1_600_000_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    os.utime(path, (mtime, mtime))
    return path


def other(number: int) -> str:
    """A report with other numbers."""
    return TEXT.replace("500 measurements", f"{500 + number} measurements")


def contents(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_reports_of_years_of_folders_are_published_oldest_first_and_archived(place: Place) -> None:
    newest = write(place.old / "new/Stability_2024-04-01T13-07-02.txt", other(1), 1_700_000_000)
    oldest = write(place.old / "2018/09/Stability_20180910T090910.txt", other(2))
    middle = write(place.old / "Stability_20190101T070000.txt", other(3))
    before = contents(place.old)
    done = place.run("--yes")
    assert done.exit_code == 0, done.output
    assert contents(place.old) == before
    archived = {path.name: entry for path, entry in contents(place.archive).items()}
    assert archived == {path.name: before[path] for path in (newest, oldest, middle)}
    assert [path.name for path in place.bay1.iterdir()] == ["Ingested"]
    path = "servers.testhost.StabilityCollector.Harvard.Northwest.Bay1.32.SI.min.1"
    assert place.published() == [
        (path, "1536570550"),  # 2018-09-10 09:09:10 UTC
        (path, "1546326000"),  # 2019-01-01 07:00:00 UTC
        (path, "1711976822"),  # 2024-04-01 13:07:02 UTC
    ]
    assert "3 for Graphite, from 2018-09-10 to 2024-04-01" in done.output
    assert "Published, unconfirmed, and archived: 3\n" in done.output


def test_without_yes_it_only_lists_and_tells_that_nothing_confirms(place: Place) -> None:
    write(place.old / "Stability_20180910T090910.txt")
    done = place.run()
    assert done.exit_code == 1
    assert "NOTHING CONFIRMS THEM: graphite_url is empty" in done.output
    assert "Nothing was copied: --yes brings them in." in done.output
    assert list(place.bay1.iterdir()) == []
    told = json.loads(place.run("--json").stdout)
    assert (told["wanted"]["reports"], told["archived"], told["waiting"]) == (1, 0, 1)
    assert list(place.bay1.iterdir()) == []
    assert place.run("--yes").exit_code == 0
    assert place.archived() == ["Stability_20180910T090910.txt"]


def test_a_second_run_finds_all_archived(place: Place) -> None:
    write(place.old / "Stability_20180910T090910.txt")
    place.run("--yes")
    done = place.run()
    assert done.exit_code == 0
    assert "1 archived before" in done.output
    assert "Nothing to do." in done.output
    assert len(place.published()) == 1


def test_copies_are_recognised_by_their_numbers_and_times(place: Place) -> None:
    write(place.old / "a/Stability_20180910T090910.txt")
    write(place.old / "b/Stability_20180910T090910.txt", mtime=1_650_000_000)
    write(place.old / "c/Stability_2018-09-10T09-09-10.txt")
    write(place.old / "d/Stability_20180910T090910.txt", TEXT.replace("\n", "\r\n"))
    done = place.run("--yes", "--json")
    assert done.exit_code == 0, done.output
    assert [Path(each["path"]).parent.name for each in json.loads(done.stdout)["duplicates"]] == [
        "b", "c", "d",
    ]  # fmt: skip
    assert place.archived() == ["Stability_20180910T090910.txt"]


def test_the_archive_is_asked_for_the_other_form_of_the_name_too(place: Place) -> None:
    write(place.archive / "Stability_2018-09-10T09-09-10.txt")
    write(place.archive / "Stability_20190101T070000.txt", other(1))
    write(place.archive / "Stability_20190101T070000.1.txt", other(2))
    write(place.old / "Stability_20180910T090910.txt")
    write(place.old / "Stability_20190101T070000.txt", other(2))
    done = place.run("--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["archived_before"] == 2
    assert place.published() == []


def test_what_is_wrong_is_told_and_left_where_it_is(place: Place) -> None:
    good = write(place.old / "Stability_20180910T090910.txt")
    malformed = write(place.old / "Stability_20180911T090910.txt", "no report\n")
    half = TEXT[: TEXT.rindex("\n", 0, 2000) + 1]
    cut_off = write(place.old / "Stability_20180912T090910.txt", half)
    coil = write(place.old / "Stability_20180913T090910.txt", TEXT.replace("32 ch", "20 ch"))
    future = write(place.old / "Stability_21000101T000000.txt", other(1))
    link = place.old / "Stability_20180914T090910.txt"
    link.symlink_to(good)
    pipe = place.old / "Stability_20180915T090910.txt"
    os.mkfifo(pipe)
    linked = place.old / "linked"
    linked.symlink_to(place.folder)
    (place.old / "notes.txt").write_text("of no interest\n")
    conflict = write(place.old / "Stability_20180916T090910.txt", other(2))
    write(place.archive / conflict.name, other(3))
    before, archive_before = contents(place.old), contents(place.archive)
    done = place.run("--yes", "--json")
    assert done.exit_code == 1
    reasons = {Path(each["path"]): each["reason"] for each in json.loads(done.stdout)["left_out"]}
    assert set(reasons) == {malformed, cut_off, coil, future, link, pipe, linked, conflict}
    assert "Stability configuration" in reasons[malformed]
    assert "found the end of the file" in reasons[cut_off]
    assert 'add a line like "20 = 20" under [coils]' in reasons[coil]
    assert "future" in reasons[future]
    assert "no regular file" in reasons[link]
    assert "no regular file" in reasons[pipe]
    assert "link to a folder" in reasons[linked]
    assert str(place.archive / conflict.name) in reasons[conflict]
    assert contents(place.old) == before
    assert contents(place.archive).items() >= archive_before.items()
    assert place.archived() == [good.name, conflict.name]


def test_a_report_that_goes_away_while_the_folder_is_listed_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = write(place.old / "Stability_20180910T090910.txt")
    there = write(place.old / "Stability_20180911T090910.txt")
    lstat = Path.lstat

    def lstat_of_what_is_gone(path: Path) -> os.stat_result:
        if path == gone:
            path.unlink(missing_ok=True)
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", lstat_of_what_is_gone)
    files, left_out = list_files(place.old, site.load(place.folder / "diamond.conf"))
    assert [file.path for file in files] == [str(there)]
    assert left_out == [LeftOut(str(gone), "cannot be read: No such file or directory")]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("name", ["Stability_20180910T090910.txt", "notes.txt"])
def test_a_file_that_the_system_refuses_is_told_and_the_others_are_brought_in(
    place: Place, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    bad = write(place.old / name)
    write(place.old / "Stability_20180911T090910.txt", other(1))
    lstat = os.lstat

    def refuse(path: Any, **options: Any) -> os.stat_result:
        if str(path) == str(bad):
            raise OSError(number, os.strerror(number))
        return lstat(path, **options)

    monkeypatch.setattr(os, "lstat", refuse)
    monkeypatch.setattr(Path, "lstat", refuse)
    done = place.run("--yes")
    assert place.archived() == ["Stability_20180911T090910.txt"]
    is_report = name.startswith("Stability")
    assert done.exit_code == int(is_report)
    assert (f"{str(bad)!r}: cannot be read: {os.strerror(number)}" in done.stdout) == is_report


def test_of_one_scan_with_two_results_none_is_chosen(place: Place) -> None:
    write(place.old / "a/Stability_20180910T090910.txt", other(1))
    write(place.old / "b/Stability_20180910T090910.txt", other(2))
    done = place.run("--yes")
    assert done.exit_code == 1
    assert "say different things of one scan" in done.output
    assert place.archived() == []


def test_of_the_same_numbers_at_two_times_none_is_chosen(place: Place) -> None:
    write(place.old / "Stability_20180910T090910.txt")
    write(place.old / "Stability_20180910T090911.txt")
    done = place.run("--yes")
    assert done.exit_code == 1
    assert "one of the names is wrong" in done.output
    assert place.archived() == []


def test_what_a_broken_off_run_left_in_the_folder_is_archived(place: Place) -> None:
    write(place.old / "Stability_20180910T090910.txt", other(1))
    write(place.old / "Stability_20180911T090910.txt", other(2))
    write(place.bay1 / "Stability_2018-09-10T09-09-10.txt", other(1))
    done = place.run("--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["archived"] == 2
    assert place.archived() == [
        "Stability_2018-09-10T09-09-10.txt",
        "Stability_20180911T090910.txt",
    ]


def test_programs_are_told_all(place: Place) -> None:
    write(place.old / "Stability_20180910T090910.txt")
    answer = json.loads(place.run("--yes", "--json").stdout)
    assert answer == {
        "location": BAY1,
        "folder": str(place.bay1),
        "timezone": "UTC",
        "is_confirmed": False,
        "wanted": {
            "reports": 1,
            "first": "2018-09-10T09:09:10",
            "last": "2018-09-10T09:09:10",
            "coils": {"32": 1},
        },
        "archived": 1,
        "waiting": 0,
        "was_stopped": False,
        "archived_before": 0,
        "duplicates": [],
        "left_out": [],
        "errors": [],
    }


class CountedName(str):
    """A name of which it is counted how often it is looked for."""

    looks = 0

    def __hash__(self) -> int:
        CountedName.looks += 1
        return super().__hash__()


def test_each_of_very_many_reports_is_looked_for_once() -> None:
    count = 10_000
    names = [CountedName(f"Stability_{number:08}T070000.txt") for number in range(count)]
    files = [ReportFile("/old", name, name, None, 0) for name in names]
    wanted = [OldReport(file, datetime(2018, 9, 10), 32, b"") for file in files]
    archive = {str(name) for name in names[: count // 2]}
    left_out = [LeftOut(file.path, "has changed meanwhile") for file in files[-3:]]
    CountedName.looks = 0
    assert count_archived(wanted, archive, left_out) == (count // 2, count // 2 - 3)
    assert CountedName.looks <= 2 * count


def test_a_folder_with_reports_of_another_scanner_is_refused(place: Place) -> None:
    write(place.folder / "bay2/Ingested/Stability_20180910T090910.txt")
    for source in (place.folder, place.folder / "bay2/Ingested"):
        done = place.run("--yes", source=source)
        assert done.exit_code == 1
        assert "has reports of 'Harvard/Northwest/Bay2' in it" in done.output
    assert list(place.bay1.iterdir()) == []


def test_a_folder_without_reports_is_told(place: Place) -> None:
    done = place.run("--yes")
    assert done.exit_code == 1
    assert "has no report: expected names like" in done.output


def test_a_scanner_whose_folder_is_away_is_told(place: Place) -> None:
    write(place.old / "Stability_20180910T090910.txt")
    place.bay1.rmdir()
    done = place.run("--yes")
    assert done.exit_code == 1
    assert "is the share mounted" in done.output


def test_handlers_that_cannot_be_loaded_are_told_before_anything_is_copied(place: Place) -> None:
    conf = place.folder / "diamond.conf"
    conf.write_text(conf.read_text().replace("archive.ArchiveHandler", "archive.Nothing"))
    write(place.old / "Stability_20180910T090910.txt")
    done = place.run("--yes")
    assert done.exit_code == 1
    assert "handlers" in done.output
    assert list(place.bay1.iterdir()) == []


def test_names_of_folders_do_no_harm_to_a_terminal(place: Place) -> None:
    write(place.old / "\x1b[31mred[bold]/Stability_20180910T090910.txt", "no report\n")
    done = place.run("--yes")
    assert "\x1b" not in done.output
    assert r"\x1b[31mred[bold]" in done.output


# -- a copy --------------------------------------------------------------------------------


def no_second_names(*_: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("link", [os.link, no_second_names])
def test_a_copy_is_whole_and_never_takes_the_place_of_another(
    place: Place, monkeypatch: pytest.MonkeyPatch, link: Callable[..., None]
) -> None:
    monkeypatch.setattr(stability_folder, "_WAYS", stability_folder._WAYS[1:])
    monkeypatch.setattr(os, "link", link)
    times = write(place.old / "Stability_20180910T090910.txt").stat()
    with Folder(str(place.bay1)) as folder:
        add_report(folder, "Stability_20180910T090910.txt", TEXT.encode(), times)
        with pytest.raises(FileExistsError):
            add_report(folder, "Stability_20180910T090910.txt", b"another", times)
    assert contents(place.bay1) == {
        place.bay1 / "Stability_20180910T090910.txt": (TEXT.encode(), times.st_mtime_ns)
    }


def test_scans_of_a_day_of_one_coil_go_oldest_first_whatever_their_channels(place: Place) -> None:
    """They may share a slot, which the later has to get."""
    conf = place.folder / "diamond.conf"
    text = conf.read_text() + "48 = 64\n"
    conf.write_text(text.replace("[[[scanners", "graphite_url = http://127.0.0.1:1\n[[[scanners"))
    day = [
        write(place.old / f"Stability_20240302T{clock}00.txt", text)
        for clock, text in (
            ("0700", other(1).replace("32 channels", "64 channels")),
            ("0725", other(2).replace("32 channels", "48 channels")),
            ("0740", other(3)),
        )
    ]
    before = write(
        place.old / "Stability_20240301T070000.txt", other(4).replace("32 channels", "48 channels")
    )
    of = site.load(conf)
    files, _ = list_files(place.old, of)
    findings = find_reports(files, of.scanner(BAY1), of, lambda _: None)
    assert [each.file.path for each in first_to_send(findings, of)] == [*map(str, day)]
    # Of a day of which one waits already, those before it have to be there at the same time.
    write(place.bay1 / day[1].name, day[1].read_text())
    write(place.bay1 / "Stability_20240301T071000.txt", other(5).replace("32 ch", "64 ch"))
    write(place.old / "Stability_20240301T071000.txt", other(5).replace("32 ch", "64 ch"))
    files, _ = list_files(place.old, of)
    findings = find_reports(files, of.scanner(BAY1), of, lambda _: None)
    wanted = [str(before), str(day[0]), str(day[2])]
    assert [each.file.path for each in first_to_send(findings, of)] == wanted


def refuses_what_is_open(original: Callable[..., None]) -> Callable[..., None]:
    """As a server of Windows does."""

    def rename(old: str, new: str) -> None:
        is_open = (os.path.samefile(f"/proc/self/fd/{each}", old) for each in open_files())
        if any(is_open):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        original(old, new)

    return rename


def open_files() -> list[str]:
    return [each for each in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{each}")]


def test_a_copy_comes_to_a_share_that_renames_no_open_file_and_has_no_hard_links(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stability_folder, "_WAYS", stability_folder._WAYS[1:])
    monkeypatch.setattr(os, "link", no_second_names)
    monkeypatch.setattr(os, "rename", refuses_what_is_open(os.rename))
    write(place.old / "Stability_20180910T090910.txt")
    done = place.run("--yes")
    assert done.exit_code == 0, done.output
    assert "archived: 1" in done.stdout
    assert [path.name for path in place.bay1.rglob("*") if path.is_file()] == [
        "Stability_20180910T090910.txt"
    ]


def test_a_copy_that_cannot_be_made_leaves_nothing_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(stability_folder, "_WAYS", stability_folder._WAYS[1:])
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "rename", refuse)
    write(place.old / "Stability_20180910T090910.txt")
    done = place.run("--yes")
    assert done.exit_code == 1
    assert "archived: 0" in done.stdout
    assert f"{str(place.bay1)!r} cannot be written to: Input/output error." in done.stdout
    assert [path.name for path in place.bay1.rglob("*") if path.is_file()] == []
