"""`hops init`, and that Diamond and the collector take what it writes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from commands import Done, hops

from hops import site

BAY1 = "Harvard/Northwest/Bay1=/mnt/scanner/bay1"
FILES = (
    "diamond.conf",
    "handlers/GraphiteHandler.conf",
    "collectors/StabilityCollector.conf",
    "collectors/StabilityControlCollector.conf",
)


def init(folder: Path, *options: str) -> Done:
    return hops("init", folder, *options)


def test_writes_what_it_was_told(tmp_path: Path) -> None:
    done = init(
        tmp_path / "etc",
        f"--scanner={BAY1}",
        "--scanner=Harvard/Bay 2=/mnt/scanner/bay 2, new",
        "--coil=20=Head/Neck",
        "--coil=32",
        "--carbon=graphite:2013",
        "--graphite-url=http://user:p%23w@graphite:8080",
        "--timezone=America/New_York",
    )
    assert done.exit_code == 0, done.output
    found = site.load(tmp_path / "etc/diamond.conf")
    assert [tuple(scanner) for scanner in found.settings.scanners] == [
        ("Harvard/Northwest/Bay1", "Harvard.Northwest.Bay1", "/mnt/scanner/bay1"),
        ("Harvard/Bay 2", "Harvard.Bay_2", "/mnt/scanner/bay 2, new"),
    ]
    assert found.settings.coils == {20: "Head_Neck", 32: "32"}
    assert found.settings.timezone == "America/New_York"
    assert found.graphite().address == "http://graphite:8080"
    assert found.collector.config["enabled"]
    carbon = found.config["handlers"]["GraphiteHandler"]
    assert (carbon["host"], carbon["port"], carbon["batch"]) == ("graphite", "2013", "448")


@pytest.mark.parametrize(
    ("url", "mode"),
    [("http://user:word@graphite:8080", 0o600), ("http://graphite:8080/@", 0o644)],
)
def test_a_password_is_for_its_owner_alone(tmp_path: Path, url: str, mode: int) -> None:
    before = os.umask(0o022)
    done = init(tmp_path, f"--scanner={BAY1}", f"--graphite-url={url}")
    os.umask(before)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in FILES}
    assert modes == {**dict.fromkeys(FILES, 0o644), FILES[2]: mode}
    assert ("give it to that one with chown" in done.output) == (mode == 0o600)
    assert "word" not in done.output.replace("password", "")


def test_what_is_not_told_is_as_in_the_templates(tmp_path: Path) -> None:
    assert init(tmp_path, f"--scanner={BAY1}").exit_code == 0
    found = site.load(tmp_path / "diamond.conf")
    assert found.settings.coils == {32: "32", 48: "64", 64: "64"}
    assert (found.settings.graphite, found.settings.timezone) == (None, "")
    carbon = found.config["handlers"]["GraphiteHandler"]
    assert (carbon["host"], carbon["port"]) == ("127.0.0.1", "2003")


def test_the_comments_of_the_templates_stay(tmp_path: Path) -> None:
    assert init(tmp_path, f"--scanner={BAY1}").exit_code == 0
    for name in FILES:
        template = Path(__file__).parents[2] / "conf" / name
        comments = [line for line in template.read_text().splitlines() if line.startswith("#")]
        assert comments == [
            line for line in (tmp_path / name).read_text().splitlines() if line.startswith("#")
        ]


@pytest.mark.parametrize("name", FILES)
def test_overwrites_nothing(tmp_path: Path, name: str) -> None:
    there = tmp_path / name
    there.parent.mkdir(exist_ok=True)
    there.write_text("mine")
    done = init(tmp_path, f"--scanner={BAY1}")
    assert done.exit_code == 1
    assert f"Nothing was written, as there is {there}: edit" in done.output
    assert there.read_text() == "mine"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [there]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Missing option '--scanner'"),
        (["--scanner=Bay1"], "expected LOCATION=FOLDER"),
        (["--scanner=Bay1=bay1"], "expected the absolute path of a folder"),
        (["--scanner=//=/mnt/bay1"], "expected a location of names"),
        (["--scanner=A=/mnt/bay1", "--scanner=B=/mnt/bay1"], "a folder of its own"),
        ([f"--scanner={BAY1}", "--coil=many"], "a number of receive channels"),
        ([f"--scanner={BAY1}", "--carbon=graphite"], "expected HOST:PORT"),
        ([f"--scanner={BAY1}", "--carbon=graphite:99999"], "expected HOST:PORT"),
        ([f"--scanner={BAY1}", "--graphite-url=graphite"], "expected an address like http://"),
        ([f"--scanner={BAY1}", "--timezone=Boston"], "timezone = 'Boston': expected a name"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, options: list[str], sentence: str
) -> None:
    done = init(tmp_path / "etc", *options)
    assert done.exit_code == 2
    assert sentence in done.output
    assert not (tmp_path / "etc").exists()


def test_a_folder_that_diamond_could_not_read_the_name_of_is_refused(tmp_path: Path) -> None:
    done = init(tmp_path / "100%", f"--scanner={BAY1}")
    assert done.exit_code == 2
    assert "choose a folder without" in done.output


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = init(tmp_path / "file/etc", f"--scanner={BAY1}")
    assert done.exit_code == 1
    assert "cannot be made (Not a directory)" in done.output


def test_programs_are_told_the_files(tmp_path: Path) -> None:
    done = init(tmp_path / "etc", f"--scanner={BAY1}", "--json")
    assert json.loads(done.stdout) == {"files": [str(tmp_path / "etc" / name) for name in FILES]}
    assert all((tmp_path / "etc" / name).is_file() for name in FILES)


@pytest.mark.parametrize(("is_system", "logs"), [(True, "var/log/diamond"), (False, "etc/own")])
def test_a_systems_configuration_logs_where_systems_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_system: bool, logs: str
) -> None:
    if is_system:
        monkeypatch.setattr("hops.init.SYSTEM", tmp_path / "etc")
        monkeypatch.setattr("hops.init.SYSTEM_LOGS", tmp_path / "var/log/diamond")
    assert init(tmp_path / "etc" / "own", f"--scanner={BAY1}").exit_code == 0
    text = (tmp_path / "etc" / "own" / "diamond.conf").read_text()
    assert f"pid_file = {tmp_path / logs}/diamond.pid" in text
    assert (tmp_path / logs).is_dir()
