"""`hops check`: what it says of reports, good and bad."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from commands import Done, hops

from hops import reportfiles

NAME = "Stability_20180910T090910.txt"
# 2018-09-10 09:09:10 in New York and in UTC, from GNU date.
NEW_YORK, UTC = 1536584950, 1536570550
TEXT = """\
Stability configuration: 2 slices, 500 measurements, 32 channels

Stability SNR results:

slice#\tmean\tsd[%]
 1\t287.10\t1.500
 2\t301.37\tnan

Stability fit results:

slice#\tp[0]\tchisq
 1\t415.208951\t+7.000
 2\t-0.000300\t8.120
"""
PATHS = [
    *("SNR.mean.1", "SNR.sdpct.1", "SNR.mean.2"),
    *("fit.p0.1", "fit.chisq.1", "fit.p0.2", "fit.chisq.2"),
]
COLLECTOR = """\
enabled = True
timezone = America/New_York
hostname = collector1
[scanners]
Harvard/Northwest/Bay1 = {folder}
Harvard/Northwest/Bay1/Old = {folder}/old
[coils]
32 = 32ch
"""


@pytest.fixture(autouse=True)
def machine_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bay1"
    folder.mkdir()
    return folder


@pytest.fixture
def conf(tmp_path: Path, folder: Path) -> Path:
    collectors = tmp_path / "collectors"
    collectors.mkdir()
    (collectors / "StabilityCollector.conf").write_text(COLLECTOR.format(folder=folder))
    conf = tmp_path / "diamond.conf"
    conf.write_text(f"[server]\ncollectors_config_path = {collectors}\n")
    return conf


def put(folder: Path, content: str | bytes = TEXT, name: str = NAME) -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def check(*arguments: object) -> Done:
    return hops("check", *arguments)


def told_programs(*arguments: object) -> tuple[list[dict[str, object]], dict[str, object]]:
    """The reports, and all of the answer."""
    answer = json.loads(check("--json", *arguments).stdout)
    return answer["reports"], answer


# -- a good report -------------------------------------------------------------------------


def test_a_good_report_is_shown_with_its_own_decimals(folder: Path) -> None:
    done = check(put(folder))
    assert done.exit_code == 0
    assert f"{NAME}: good" in done.stdout
    assert "Scan of 2018-09-10T09:09:10+00:00 (this machine's time zone)" in done.stdout
    assert "Slices: 2, measurements: 500, channels: 32, values: 7, without a number: 1" in (
        done.stdout
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    for row in (
        ["slice", "mean", "sd[%]"], ["1", "287.10", "1.500"], ["2", "301.37", "-"],
        ["slice", "p[0]", "chisq"], ["1", "415.208951", "7.000"], ["2", "-0.000300", "8.120"],
    ):
        assert row in lines


def test_without_a_configuration_paths_have_a_placeholder_and_the_channels(folder: Path) -> None:
    done = check(put(folder))
    assert "Metrics: 7, from <location>.32.SNR.mean.1 to <location>.32.fit.chisq.2;" in done.stdout


def test_all_paths_are_listed_on_demand(folder: Path) -> None:
    done = check("--paths", "--location", "Harvard/Bay 1", put(folder))
    listed = [line for line in done.stdout.splitlines() if line.startswith("Harvard")]
    assert listed == [f"Harvard.Bay_1.32.{path}" for path in PATHS]


def test_paths_time_and_coil_are_the_sites_where_there_is_one(folder: Path, conf: Path) -> None:
    path = "servers.collector1.StabilityCollector.Harvard.Northwest.Bay1"
    [report], answer = told_programs("-c", conf, put(folder / "Ingested"))
    assert answer["metrics"] == [f"{path}.32ch.{name}" for name in PATHS]
    assert (report["time"], report["epoch"]) == ("2018-09-10T09:09:10-04:00", NEW_YORK)
    assert (report["location"], report["coil"]) == ("Harvard/Northwest/Bay1", "32ch")


def test_of_scanners_folders_in_one_another_the_inner_counts(folder: Path, conf: Path) -> None:
    [report], _ = told_programs("-c", conf, put(folder / "old"))
    assert report["location"] == "Harvard/Northwest/Bay1/Old"


def test_a_file_in_no_scanners_folder_can_be_given_a_location(tmp_path: Path, conf: Path) -> None:
    file = put(tmp_path / "elsewhere")
    [report], answer = told_programs("-c", conf, file)
    assert report["location"] is None
    path = "servers.collector1.StabilityCollector.<location>.32ch.SNR.mean.1"
    assert answer["metrics"][0] == path  # type: ignore[index]
    [report], _ = told_programs("-c", conf, "--location", "Harvard/Northwest/Bay1", file)
    assert report["location"] == "Harvard/Northwest/Bay1"
    done = check("-c", conf, "--location", "Harvard/Bay2", file)
    assert done.exit_code == 2
    assert "there are: Harvard/Northwest/Bay1" in done.stderr


def test_a_report_that_the_collector_would_leave_is_told(folder: Path, conf: Path) -> None:
    other = put(folder, TEXT.replace("32 channels", "20 channels"))
    done = check("-c", conf, other)
    assert done.exit_code == 1
    assert f'{NAME}: waits: it comes from a coil of 20 channels' in done.stdout
    assert '"20 = 20" under [coils]' in done.stdout
    assert "287.10" in done.stdout
    assert check(other).exit_code == 0
    future = put(folder, name="Stability_21050101T000000.txt")
    assert "waits: it is of the future" in check(future).stdout


def test_json_has_the_shape_that_programs_rely_on(folder: Path) -> None:
    file = put(folder)
    reports, answer = told_programs(folder)
    assert answer == {
        "reports": reports,
        "metrics": [f"<location>.32.{path}" for path in PATHS],
        "not_reports": [],
    }
    assert reports == [
        {
            "file": str(file), "state": "good", "reason": None, "line": None, "column": None,
            "time": "2018-09-10T09:09:10+00:00", "epoch": UTC, "location": None, "coil": "32",
            "slices": 2, "measurements": 500, "channels": 32,
            "sections": [
                {"name": "SNR", "columns": ["mean", "sd[%]"]},
                {"name": "fit", "columns": ["p[0]", "chisq"]},
            ],
            "values": 7, "without_number": 1, "lacks": ["SI", "SIfit", "ghost"],
            "unknown_lines": [],
        }
    ]


# -- what is wrong -------------------------------------------------------------------------


def marked(done: Done) -> tuple[int, str]:
    """The number of the line that is shown, and what of it is marked."""
    shown, marks = done.stdout.splitlines()[1:3]
    number, bar, line = shown.partition(" | ")
    start, end = marks.index("^") - len(number + bar), len(marks) - len(number + bar)
    return int(number), line[start:end]


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("301.37", "301,37", 7, "301,37"),
        ("301.37", "301\x1b[2J", 7, r"301\x1b[2J"),
        ("301.37", "301\u0662", 7, r"301\u0662"),
        ("301.37\tnan", "-1\t-", 7, "-"),
        ("\t301.37", "\x0b301.37", 7, r"\x0b"),
        (" 2\t301", " 3\t301", 7, "3"),
        ("\t1.500", "", 6, "1      287.10"),
        ("500 meas", "5e2 meas", 1, "Stability configuration: 2 slices, 5e2 measurements, 32 chan"),
        ("Stability fit", "Stability SNR", 9, "Stability SNR results:"),
    ],
)
def test_the_wrong_part_of_the_line_is_marked(
    folder: Path, old: str, new: str, line: int, part: str
) -> None:
    done = check(put(folder, TEXT.replace(old, new, 1).replace("\n", "\r\n")))
    assert done.exit_code == 1
    assert f"{NAME}: malformed: line {line}: expected" in done.stdout
    number, found = marked(done)
    assert number == line
    # The end of the line may be what is marked.
    assert found.startswith(part)
    assert len(found) == len(part) or part.endswith("chan")


def test_a_byte_that_is_no_text_is_marked(folder: Path) -> None:
    done = check(put(folder, TEXT.encode().replace(b"301.37", b"301\xff37")))
    assert marked(done) == (7, r"\xff")


def test_the_end_of_an_incomplete_report_is_marked(folder: Path) -> None:
    done = check(put(folder, TEXT[: TEXT.index("1.37")]))
    assert done.exit_code == 1
    assert f"{NAME}: incomplete: line 7: expected slice 2 of 2" in done.stdout
    shown, marks = done.stdout.splitlines()[1:3]
    assert shown.endswith(" 2      30")
    assert len(marks) == len(shown) + 1
    assert marks.endswith("^")


def test_a_byte_order_mark_moves_no_mark(folder: Path) -> None:
    [report], _ = told_programs(put(folder, b"\xef\xbb\xbfstability configuration: 2 slices\n"))
    assert (report["line"], report["column"]) == (1, 1)


def test_a_long_line_is_shown_around_the_wrong_part(folder: Path) -> None:
    row = "\t".join(["1.0"] * 5000)
    text = TEXT.replace("mean\tsd[%]", "\t".join(f"c{number}" for number in range(5002)), 1)
    done = check(put(folder, text.replace("287.10\t1.500", f"{row}\tx\t{row}")))
    assert max(map(len, done.stdout.splitlines())) < 1000
    done = check(put(folder, "x" * 100_000))
    assert max(map(len, done.stdout.splitlines()[1:])) < 200


def test_nothing_that_moves_a_cursor_reaches_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "bay\x1b[2J\u202e"
    text = TEXT.replace("Stability fit", "Stability [bold]:bug:\x1b]0;x\x07")
    put(folder, text.replace("p[0]", "\x00c"))
    put(folder, TEXT.replace("287.10", "\x1b[2J"), "Stability_20180911T090910.txt")
    put(folder, TEXT, "stability\x1b[31m.txt")
    for done in (check(folder), check(folder / NAME)):
        assert not re.search(r"[^\n\x20-\x7e\u2500]", done.stdout)
    assert r"[bold]:bug:\x1b]0;x\x07" in done.stdout


def test_what_cannot_be_read_is_told(folder: Path) -> None:
    os.mkfifo(folder / NAME)
    done = check(folder)
    assert done.exit_code == 1
    assert f"{NAME}: unreadable: it is not a regular file" in done.stdout


def test_a_link_to_a_good_report_is_not_good_as_the_collector_leaves_it(
    folder: Path, tmp_path: Path
) -> None:
    (folder / NAME).symlink_to(put(tmp_path / "elsewhere"))
    for named in (folder, folder / NAME):
        done = check(named)
        assert done.exit_code == 1
        assert f"{NAME}: unreadable: it is not a regular file" in done.stdout


@pytest.mark.parametrize(("mode", "state"), [(0o644, "good"), (0o640, "unreadable")])
def test_a_file_with_several_names_is_judged_as_by_the_collector(
    folder: Path, tmp_path: Path, mode: int, state: str
) -> None:
    """Shares of Windows have two; one that not everybody may read may be from elsewhere."""
    file = put(folder)
    file.chmod(mode)
    os.link(file, tmp_path / "other name")
    [report], _ = told_programs(folder)
    assert report["state"] == state
    assert ("more than one name" in str(report["reason"])) == (state == "unreadable")


def test_missing_sections_are_named_and_the_report_is_good(folder: Path) -> None:
    done = check(put(folder))
    assert done.exit_code == 0
    assert f"{NAME}: it has no SI, SIfit, ghost: the collector" in done.stdout
    assert f"{NAME}: it has no SI, SIfit, ghost: the collector" in check(folder).stdout


def test_a_report_with_all_sections_has_no_warning(folder: Path) -> None:
    sample = next(Path(__file__).resolve().parents[2].glob("sample_data/reports/*.txt"))
    done = check(put(folder, sample.read_text(), sample.name))
    assert done.exit_code == 0
    assert "it has" not in done.stdout


def test_lines_that_nobody_knows_are_told(folder: Path) -> None:
    file = put(folder, TEXT + "\nSystem: Prisma fit\nSoftware: XA60\n")
    done = check(file)
    assert done.exit_code == 0
    assert "lines outside any table that nobody knows, and they are skipped: 15, 16" in done.stdout
    [report], _ = told_programs(file)
    assert report["unknown_lines"] == [15, 16]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("function", ["lstat", "open"])
def test_a_file_that_the_system_refuses_hides_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch, function: str, number: int
) -> None:
    put(folder)
    put(folder, name="Stability_20180911T090910.txt")
    original = getattr(os, function)

    def refuse(path: Any, *args: Any, **options: Any) -> Any:
        if os.path.basename(str(path)) == NAME:
            raise OSError(number, os.strerror(number))
        return original(path, *args, **options)

    monkeypatch.setattr(os, function, refuse)
    done = check(folder)
    assert done.exit_code == 1
    assert f"{NAME}: unreadable: {os.strerror(number)}" in done.stdout
    assert "2 reports: 1 good, 1 unreadable." in done.stdout


def test_a_folder_that_never_answers_is_named_and_the_others_are_checked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    scandir = os.scandir

    def hang(path: Any) -> Any:
        if str(path) == str(folder):
            released.wait()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", hang)
    monkeypatch.setattr(reportfiles, "PATIENCE", 0.1)
    other = put(tmp_path / "bay2").parent
    done = check(folder, other)
    released.set()
    assert done.exit_code == 1
    assert f"{folder}: cannot be listed: it did not answer" in done.stderr
    assert "1 report: 1 good." in done.stdout


def test_a_file_that_is_named_is_checked_whatever_it_is_called(folder: Path) -> None:
    done = check(put(folder, name="monday.txt"))
    assert done.exit_code == 1
    assert "monday.txt: malformed: expected a name like Stability_" in done.stdout


# -- a folder ------------------------------------------------------------------------------


def test_a_folder_is_a_line_for_each_report_in_it_and_below(folder: Path) -> None:
    put(folder)
    put(folder / "Ingested", TEXT.replace("nan", "1.6"), "Stability_2024-04-01T13-07-02.txt")
    put(folder / "Rejected", TEXT.replace("nan", "1,6"), "Stability_20180911T090910.txt")
    put(folder / "Rejected", "line 7 ...", "Stability_20180911T090910.txt.reason.txt")
    put(folder / "Ingested", TEXT, "Stability_20180910T090910.duplicate.1.txt")
    put(folder, "something else", "notes.txt")
    done = check(folder)
    assert done.exit_code == 1
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [NAME, "good", "32", "2", "7", "1"] in lines
    assert ["Stability_2024-04-01T13-07-02.txt", "good", "32", "2", "8"] in lines
    assert ["Stability_20180911T090910.txt", "malformed"] in lines
    assert [str(folder / "Ingested")] in lines
    assert "3 reports: 2 good, 1 malformed." in done.stdout
    assert "Metrics: 8," in done.stdout
    assert marked_anywhere(done) == "1,6"
    assert "by name" not in done.stdout


def marked_anywhere(done: Done) -> str:
    lines = done.stdout.splitlines()
    [index] = [index for index, line in enumerate(lines) if "^" in line]
    return lines[index - 1][lines[index].index("^") : len(lines[index])]


@pytest.mark.parametrize(
    "name",
    [
        "stability_20180910t090910.txt", f"{NAME}.part", f"{NAME}~", "Stability.TXT",
        "Stability_2018-0910T090910.txt",
    ],
)
def test_files_with_nearly_a_reports_name_are_told(folder: Path, name: str) -> None:
    put(folder)
    put(folder, name=name)
    done = check(folder)
    assert done.exit_code == 0
    assert "No report by name" in done.stdout
    assert f"{folder / name}\n" in done.stdout
    assert "1 report: 1 good." in done.stdout
    assert told_programs(folder)[1]["not_reports"] == [str(folder / name)]


def test_a_folder_without_a_report_is_a_problem(folder: Path) -> None:
    put(folder, name="stability.txt")
    done = check(folder)
    assert done.exit_code == 1
    assert f"There is no report in {folder}: expected names like" in done.stderr
    assert "stability.txt" in done.stdout


def test_alone_it_asks_for_a_folder_and_reads_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder)
    monkeypatch.chdir(folder)
    alone = check()
    assert alone.exit_code == 2
    assert not alone.stdout
    assert alone.stderr.endswith("the one that you are in is: hops check .\n")
    assert "1 report: 1 good." in check(".").stdout


def test_several_files_are_a_line_each(folder: Path) -> None:
    done = check(put(folder), put(folder, name="Stability_20180911T090910.txt"))
    assert done.exit_code == 0
    assert "2 reports: 2 good." in done.stdout
    assert "301.37" not in done.stdout


# -- use -----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["absent.txt"], ["--location", "a//b", "."]])
def test_wrong_use_is_told(arguments: list[str]) -> None:
    done = check(*arguments)
    assert done.exit_code == 2
    assert "Error: Invalid value" in done.stderr


def test_a_configuration_that_is_named_must_be_there(folder: Path) -> None:
    done = check("-c", folder / "absent.conf", put(folder))
    assert done.exit_code == 1
    assert "there is no such file" in done.stderr


def test_a_closed_pipe_is_no_traceback(folder: Path) -> None:
    for number in range(10, 60):
        put(folder, name=f"Stability_201809100909{number}.txt")
    command = [sys.executable, "-m", "hops", "check", "--paths", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.wait()
    process.stderr.close()
