"""`hops doctor` where no Graphite runs: the configuration, folders, reports and Diamond."""

from __future__ import annotations

import errno
import json
import os
import pwd
import shutil
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from commands import Done, hops
from configobj import ConfigObj

from hops.doctor import trial

PROJECT = Path(__file__).resolve().parents[2]
REPORT = PROJECT / "sample_data/reports/Stability_20260302T070412.txt"  # of 32 channels
LOCATION = "Harvard/Northwest/Bay1"
COLLECTOR = "collectors/StabilityCollector.conf"
HANDLER = "handlers/GraphiteHandler.conf"


class Site:
    """A site that `hops init` has configured; nothing listens where its carbon should be."""

    def __init__(self, folder: Path) -> None:
        self.bay1 = folder / "bay1"
        self.bay1.mkdir()
        self.etc = folder / "etc"
        self.conf = self.etc / "diamond.conf"
        scanner = f"--scanner={LOCATION}={self.bay1}"
        options = [scanner, "--coil=32", "--carbon=127.0.0.1:1", "--timezone=America/New_York"]
        done = hops("init", self.etc, *options)
        assert done.exit_code == 0, done.output

    def set(self, name: str, **values: object) -> None:
        """Changes keys of a configuration file; of diamond.conf those of [server]."""
        conf = ConfigObj(str(self.etc / name), interpolation=False)
        section = conf["server"] if name == "diamond.conf" else conf
        section.update(values)
        conf.write()

    def scan(self, name: str = REPORT.name, folder: str = "") -> Path:
        """A report in the scanner's folder, or in a subfolder."""
        path = self.bay1 / folder / name
        path.parent.mkdir(exist_ok=True)
        shutil.copy(REPORT, path)
        return path

    def ask(self, *options: str) -> Done:
        return hops("doctor", "-c", self.conf, *options)

    def finding(self, check: str) -> Any:
        """The one finding of that check."""
        [found] = [each for each in self.findings() if each["check"] == check]
        return found

    def findings(self) -> Any:
        done = self.ask("--json")
        answer = json.loads(done.stdout)
        states = [each["state"] for each in answer["findings"]]
        assert (answer["failed"], answer["warnings"]) == (
            states.count("failed"),
            states.count("warning"),
        )
        assert done.exit_code == (1 if answer["failed"] else 0)
        assert all(each["todo"] for each in answer["findings"] if each["state"] != "ok")
        return answer["findings"]


@pytest.fixture
def site() -> Iterator[Site]:
    # Not in tmp_path, which only its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Site(Path(folder))


def contents(folder: Path) -> dict[str, tuple[int, int | None]]:
    """What is in there, and when each file was changed."""
    return {
        str(path): (path.lstat().st_ino, None if path.is_dir() else path.lstat().st_mtime_ns)
        for path in [folder, *folder.rglob("*")]
    }


# -- the answer ----------------------------------------------------------------------------


def test_says_of_each_part_of_the_road_how_it_is_and_what_to_do(site: Site) -> None:
    site.scan()
    done = site.ask()
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert f"ok       scanners: {LOCATION}" in lines
    [carbon] = [i for i, line in enumerate(lines) if line.startswith("failed   GraphiteHandler")]
    assert "127.0.0.1:1" in lines[carbon]
    assert "Connection refused" in lines[carbon]
    assert lines[carbon + 1].startswith("         -> start carbon")
    assert lines[-1].endswith("1 failed")


@pytest.mark.parametrize("subfolders", [("Ingested", "Rejected"), ("Ingested",), ()])
def test_nothing_in_a_scanners_folder_is_touched_and_nothing_is_left_behind(
    site: Site, subfolders: tuple[str, ...]
) -> None:
    site.scan()
    for subfolder in subfolders:
        (site.bay1 / subfolder).mkdir()
        site.scan(folder=subfolder)
    before = contents(site.bay1)
    site.ask("--probe")
    assert contents(site.bay1) == before


def test_a_configuration_that_cannot_be_used_is_all_that_is_told(site: Site) -> None:
    site.set(COLLECTOR, precision="many")
    [found] = site.findings()
    assert (found["check"], found["state"]) == ("configuration", "failed")
    assert "precision = 'many': expected decimals" in found["text"]


def test_names_that_would_harm_a_terminal_are_shown_as_text(site: Site) -> None:
    evil = site.bay1 / "\x1b[2Jevil"
    evil.mkdir()
    site.set(COLLECTOR, scanners={LOCATION: evil}, coils={"64": "64"})
    shutil.copy(REPORT, evil)
    assert "\x1b" not in site.ask().output


# -- configuration -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "check", "todo"),
    [
        ({"enabled": "False"}, "enabled", "set enabled = True"),
        ({"scanners": {}}, "scanners", 'add lines like "Harvard/Northwest/Bay1 ='),
        ({"coils": {}}, "coils", 'add lines like "32 = 32"'),
    ],
)
def test_what_reports_need_is_missed(
    site: Site, change: dict[str, object], check: str, todo: str
) -> None:
    site.set(COLLECTOR, **change)
    found = site.finding(check)
    assert found["state"] == "failed"
    assert todo in found["todo"]


def test_what_keeps_diamond_from_starting_is_told_beside_all_else(site: Site) -> None:
    assert (
        "is accepted, and switches on: StabilityCollector" in site.finding("configuration")["text"]
    )
    site.set(HANDLER, port="zweitausend")
    found = site.finding("configuration")
    assert found["state"] == "failed"
    assert "'zweitausend'" in found["text"]
    assert len(site.findings()) > 10


@pytest.mark.parametrize(
    "name",
    ["StabilityCollector.conf", "handlers/StabilityCollector.conf",
     "collectors/stabilitycollector.conf", "collectors/StabilityCollector.conf.txt",
     "collectors/Stability_Collector.cfg"],
)  # fmt: skip
def test_a_collectors_file_where_diamond_does_not_look_is_told(site: Site, name: str) -> None:
    assert "collector's file" not in [each["check"] for each in site.findings()]
    (site.etc / COLLECTOR).rename(site.etc / name)
    found = site.finding("collector's file")
    assert found["state"] == "failed"
    assert f"{site.etc / name} is read by nobody" in found["text"]
    assert found["todo"] == f"mv {site.etc / name} {site.etc / COLLECTOR}"
    assert site.finding("enabled")["state"] == "failed"


# -- systemd -------------------------------------------------------------------------------


@pytest.fixture
def unit(site: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The unit as it is shipped, but with the site's configuration and without its own /tmp."""
    from hops.doctor import systemd

    folder = site.etc / "systemd"
    folder.mkdir()
    monkeypatch.setattr(systemd, "FOLDERS", (folder,))
    path = folder / "diamond3.service"
    text = (PROJECT / "conf/systemd/diamond3.service").read_text()
    text = text.replace("--foreground", f"--foreground -c {site.conf}")
    path.write_text(text.replace("PrivateTmp=yes", ""))
    return path


def of_unit(site: Site) -> list[str]:
    checks = (each for each in site.findings() if each["check"] == f"unit and {LOCATION}")
    return [each["text"] for each in checks if each["state"] == "failed"]


def test_a_folder_that_systemd_keeps_diamond_from_writing_to_is_told(
    site: Site, unit: Path
) -> None:
    [text] = of_unit(site)
    assert f"{str(site.bay1)!r} is not below a ReadWritePaths of diamond3.service" in text
    drop_in = unit.with_name("diamond3.service.d") / "override.conf"
    drop_in.parent.mkdir()
    for line, is_told in (
        (f"ReadWritePaths=-{site.bay1}", False),
        (f"ReadWritePaths=/srv +{site.bay1.parent}/", False),
        (f"ReadWritePaths=-{site.bay1}2", True),
        (f"ReadWritePaths=-{site.bay1}\nReadWritePaths=", True),
        ("ProtectSystem=full", False),
    ):
        drop_in.write_text(f"[Service]\n{line}\n")
        assert bool(of_unit(site)) == is_told, line


def test_a_folder_below_a_tmp_that_diamond_does_not_see_is_told(site: Site, unit: Path) -> None:
    unit.write_text(
        unit.read_text() + f"\n[Service]\nPrivateTmp=true\nReadWritePaths={site.bay1}\n"
    )
    is_below = str(site.bay1).startswith(("/tmp/", "/var/tmp/"))
    assert bool(of_unit(site)) == is_below


def test_a_unit_of_another_configuration_says_nothing(site: Site, unit: Path) -> None:
    unit.write_text(unit.read_text().replace(str(site.conf), "/etc/diamond/diamond.conf"))
    assert of_unit(site) == []


# -- folders -------------------------------------------------------------------------------


def of_bay1(site: Site, what: str) -> Any:
    return site.finding(f"{what} of {LOCATION}")


def test_reports_that_wait_are_counted(site: Site) -> None:
    site.scan()
    found = of_bay1(site, "folder")
    assert (found["state"], found["text"][-18:]) == ("ok", "reports waiting: 1")


def test_a_folder_that_is_not_there_is_told(site: Site) -> None:
    site.bay1.rmdir()
    found = of_bay1(site, "folder")
    assert found["state"] == "failed"
    assert "No such file or directory" in found["text"]


@pytest.mark.parametrize(("mode", "sentence"), [(0o555, "be written to"), (0o700, "be read")])
def test_a_folder_is_tested_as_the_user_that_diamond_runs_as(
    site: Site, mode: int, sentence: str
) -> None:
    site.scan()
    if os.geteuid() == 0:
        site.set("diamond.conf", user="nobody")
    else:
        mode &= 0o555
        sentence = "be written to"
    site.bay1.chmod(mode)
    found = of_bay1(site, "folder")
    site.bay1.chmod(0o755)
    assert found["state"] == "failed"
    assert f"cannot {sentence} by" in found["text"]


def test_it_says_as_whom_the_folders_were_tested(site: Site) -> None:
    me = pwd.getpwuid(os.geteuid()).pw_name
    assert f"tested as {me}" in site.finding("user")["text"]


def test_a_user_that_is_not_there_is_told(site: Site) -> None:
    site.set("diamond.conf", user="nobody-of-that-name")
    found = site.finding("user")
    assert found["state"] == "failed"
    assert "'nobody-of-that-name'" in found["text"]


@pytest.mark.parametrize("subfolder", ["Ingested", "Rejected"])
@pytest.mark.parametrize("kind", ["link", "file"])
def test_an_archive_that_nothing_can_be_moved_into_is_told(
    site: Site, tmp_path: Path, kind: str, subfolder: str
) -> None:
    if kind == "link":
        (site.bay1 / subfolder).symlink_to(tmp_path)
    else:
        (site.bay1 / subfolder).write_text("")
    found = of_bay1(site, subfolder)
    assert found["state"] == "failed"
    assert ("it is a link" if kind == "link" else "it is no folder") in found["text"]


def test_an_empty_folder_where_a_share_should_be_mounted_fails(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hops.doctor import folders

    fstab = site.etc / "fstab"
    fstab.write_text(f"# shares\nserver:/bay1 {site.bay1} nfs ro 0 0\n")
    monkeypatch.setattr(folders, "FSTAB", fstab)
    found = of_bay1(site, "folder")
    assert found["state"] == "failed"
    assert f"{str(site.bay1)!r} is in {fstab} and is not mounted" in found["text"]
    assert found["todo"] == f"mount {site.bay1}"
    site.scan()
    assert of_bay1(site, "folder")["state"] == "ok"


def test_an_empty_folder_alone_is_no_failure(site: Site) -> None:
    found = of_bay1(site, "folder")
    assert found["state"] in ("ok", "warning")
    assert "is empty" in found["text"]


def test_a_share_whose_clock_is_ahead_is_told(site: Site) -> None:
    path = site.scan()
    ahead = time.time() + 3600
    os.utime(path, (ahead, ahead))
    found = [each for each in site.findings() if each["check"] == f"folder of {LOCATION}"]
    assert [each["state"] for each in found] == ["ok", "warning"]
    assert "the clock of the share" in found[1]["text"]


@pytest.mark.parametrize("looks", [0, 1])
def test_a_report_that_is_archived_meanwhile_is_no_trouble(
    site: Site, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    path = site.scan()
    lstat = os.lstat
    seen = []

    def lstat_of_what_is_archived(name: str, **options: Any) -> os.stat_result:
        if os.path.basename(name) == path.name:
            seen.append(name)
            if len(seen) > looks:
                path.unlink(missing_ok=True)
        return lstat(name, **options)

    monkeypatch.setattr(os, "lstat", lstat_of_what_is_archived)
    assert of_bay1(site, "folder")["state"] == "ok"
    assert not path.exists()


def about_folder(site: Site) -> list[tuple[str, str]]:
    """State and text of all that is said of the folder, but for the first line."""
    found = [each for each in site.findings() if each["check"] == f"folder of {LOCATION}"]
    return [(each["state"], each["text"]) for each in found[1:]]


@pytest.mark.parametrize("kind", ["EACCES", "EBUSY", "ETXTBSY"])
def test_a_file_of_which_the_system_says_nothing_is_named_and_the_others_are_looked_at(
    site: Site, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    code = getattr(errno, kind)
    path = site.scan()
    site.scan("Stability_20260303T070412.txt")
    lstat = os.lstat

    def refuse(name: str, **options: Any) -> os.stat_result:
        if os.path.basename(name) == path.name:
            raise OSError(code, os.strerror(code))
        return lstat(name, **options)

    monkeypatch.setattr(os, "lstat", refuse)
    [(state, text)] = about_folder(site)
    assert state == "failed"
    assert f"1 file (as {str(path)!r}) cannot be read" in text
    assert os.strerror(code) in text
    assert "1 report read" in site.finding("coils seen")["text"]


def test_a_file_is_judged_as_the_collector_judges_it(site: Site) -> None:
    plain = site.scan()
    os.link(plain, site.etc / "everybody")  # several names, and everybody may read it
    assert about_folder(site) == []
    secret = site.scan("Stability_20260303T070412.txt")
    secret.chmod(0o600)
    os.link(secret, site.etc / "secret")
    link = site.bay1 / "Stability_20260304T070412.txt"
    link.symlink_to(plain)
    texts = [text for state, text in about_folder(site) if state == "failed"]
    assert len(texts) == 2
    assert any(str(secret) in text and "more than one name" in text for text in texts)
    assert any(str(link) in text and "not a regular file" in text for text in texts)


@pytest.mark.parametrize(
    "name",
    ["Stability_2026-11-20 07-02-11.txt", "stability_20261120T070211.TXT",
     "Stability_20261120T070211 (1).txt"],
)  # fmt: skip
def test_files_that_look_like_reports_are_told_to_be_left_alone(site: Site, name: str) -> None:
    site.scan(name)
    [(state, text)] = about_folder(site)
    assert state == "warning"
    assert "look like reports are left alone, as they are not called like Stability_2018" in text
    assert name in text


def test_a_sticky_folder_of_somebody_elses_reports_is_told(site: Site) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can have Diamond run as another")
    site.set("diamond.conf", user="nobody")
    site.bay1.chmod(0o1777)
    assert any("is sticky: nobody may not move" in text for _, text in about_folder(site))
    path = site.scan()
    [(state, text)] = about_folder(site)
    assert state == "failed"
    assert f"is sticky, and nobody may not move 1 file (as {str(path)!r}) of others" in text
    os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
    assert about_folder(site) == []


@pytest.mark.parametrize("subfolder", ["Ingested", "Rejected"])
def test_a_move_that_fails_is_told_as_what_it_is(
    site: Site, monkeypatch: pytest.MonkeyPatch, subfolder: str
) -> None:
    (site.bay1 / subfolder).mkdir()
    move = trial.move

    def busy(source: Any, name: str, target: Any, new: str) -> bool:
        if os.path.realpath(target.at("")) == str((site.bay1 / subfolder).resolve()):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return bool(move(source, name, target, new))

    monkeypatch.setattr(trial, "move", busy)
    found = of_bay1(site, subfolder)
    assert found["state"] == "failed"
    assert os.strerror(errno.EBUSY) in found["text"]
    assert [path for path in site.bay1.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("kind", ["ENOSPC", "EDQUOT"])
def test_a_full_share_is_told(site: Site, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    site.scan()
    code = getattr(errno, kind)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(trial, "_write", full)
    found = of_bay1(site, "folder")
    assert found["state"] == "failed"
    assert "is full" in found["text"]
    assert [path.name for path in site.bay1.iterdir()] == [REPORT.name]


@pytest.mark.parametrize("subfolder", ["Ingested", "Rejected", "Ingested/2026", "."])
def test_a_scanners_folder_within_what_anothers_reports_are_moved_into_is_told(
    site: Site, subfolder: str
) -> None:
    within = site.bay1 / subfolder
    within.mkdir(parents=True, exist_ok=True)
    link = site.etc / "bay2"
    link.symlink_to(within)
    site.set(COLLECTOR, scanners={LOCATION: site.bay1, "Harvard/Northwest/Bay2": link})
    texts = [
        each["text"] for each in site.findings()
        if each["check"] == "folder of Harvard/Northwest/Bay2" and each["state"] == "failed"
    ]  # fmt: skip
    assert len(texts) == 1
    assert f"of {LOCATION}" in texts[0]


def test_a_share_that_does_not_answer_is_named_and_the_others_are_looked_at(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hops.doctor import folders

    dead = site.bay1.with_name("dead")
    dead.mkdir()
    site.scan()
    site.set(COLLECTOR, scanners={"Harvard/Northwest/Bay2": dead, LOCATION: site.bay1})
    never = site.etc / "fifo"
    os.mkfifo(never)
    opened = folders.Folder

    def open_or_hang(folder: str, *flags: int) -> Any:
        if folder == str(dead):
            os.close(os.open(never, os.O_RDONLY))
        return opened(folder, *flags)

    monkeypatch.setattr(folders, "Folder", open_or_hang)
    try:
        findings = {each["check"]: each for each in site.findings()}
    finally:
        os.close(os.open(never, os.O_WRONLY))
    found = findings["folder of Harvard/Northwest/Bay2"]
    assert found["state"] == "failed"
    assert f"{str(dead)!r} has not answered for" in found["text"]
    assert findings[f"folder of {LOCATION}"]["state"] == "ok"
    assert "1 report read" in findings["coils seen"]["text"]


# -- what reports say ----------------------------------------------------------------------


def test_the_time_at_the_scanners_is_told(site: Site) -> None:
    assert "America/New_York: it is 20" in site.finding("time zone")["text"]


@pytest.mark.parametrize(("machine", "state"), [("UTC", "warning"), ("America/New_York", "ok")])
def test_no_time_zone_is_fine_where_the_machine_is_in_the_scanners_own(
    site: Site, monkeypatch: pytest.MonkeyPatch, machine: str, state: str
) -> None:
    site.set(COLLECTOR, timezone="")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", machine)
        time.tzset()
        found = site.finding("time zone")
    time.tzset()
    assert found["state"] == state


def test_a_report_that_is_older_than_its_scan_shows_a_wrong_time_zone(site: Site) -> None:
    written = 1772435052 + 1200  # twenty minutes after the scan, in UTC
    path = site.scan()
    os.utime(path, (written, written))
    found = of_bay1(site, "time")
    assert found["state"] == "warning"
    assert "was written 4.7 hours before its scan" in found["text"]  # New York: UTC-5
    site.set(COLLECTOR, timezone="UTC")
    assert "time of" not in str(site.findings())


def test_a_coil_without_a_name_is_told_with_the_line_to_add(site: Site) -> None:
    site.set(COLLECTOR, coils={"64": "64"})
    site.scan(folder="Ingested")
    assert site.finding("coils seen")["state"] == "warning"
    site.scan("Stability_2026-03-04T07-11-05.txt")
    found = site.finding("coils seen")
    assert found["state"] == "failed"
    assert "1 waiting, 1 archived" in found["text"]
    assert '"32 = 32" under [coils]' in found["todo"]


def test_what_is_no_good_report_is_passed_over(site: Site) -> None:
    site.scan()
    (site.bay1 / "Stability_20260303T070412.txt").write_text("nonsense")
    os.mkfifo(site.bay1 / "Stability_20260304T070412.txt")
    (site.bay1 / "Stability_20260305T070412.txt").symlink_to("/etc/passwd")
    assert site.finding("coils seen")["text"] == "1 report read, each of a coil that has a name"


def test_a_scan_that_is_hours_from_now_shows_a_wrong_time_zone(site: Site) -> None:
    ahead = datetime.now(ZoneInfo("America/New_York")) + timedelta(hours=5, minutes=2)
    site.scan(f"{ahead:Stability_%Y%m%dT%H%M%S}.txt")
    found = of_bay1(site, "scans")
    assert found["state"] == "warning"
    assert "is of a scan 5.0 hours from now, in that time zone" in found["text"]


# -- Diamond -------------------------------------------------------------------------------


def test_a_copy_of_the_collector_is_compared_with_what_is_installed(site: Site) -> None:
    assert "installed in" in site.finding("collector")["text"]
    copies = site.etc / "collectors/stability"
    copies.mkdir()
    for path in PROJECT.glob("stability_*.py"):
        shutil.copy(path, copies)
    assert site.finding("collector")["state"] == "ok"
    with (copies / "stability_report.py").open("a") as file:
        file.write("# of last year\n")
    found = site.finding("collector")
    assert found["state"] == "warning"
    assert str(copies / "stability_report.py") in found["text"]


def test_a_configuration_for_the_fork_is_told_as_what_it_is(site: Site) -> None:
    assert "translated" in site.finding("Diamond")["text"]
    of_handlers, of_collectors = site.conf.read_text().split("[collectors]")
    of_collectors = of_collectors.replace("[[default]]", "[[collectorsDefault]]")
    site.conf.write_text(f"{of_handlers}[collectors]{of_collectors}")
    found = site.finding("Diamond")
    assert found["state"] == "failed"
    assert "diamond-next, by its [[collectorsDefault]], which does not start" in found["text"]
    of_handlers = of_handlers.replace("[[default]]", "[[handlersDefault]]")
    site.conf.write_text(f"{of_handlers}[collectors]{of_collectors}")
    assert "diamond-next" in site.finding("Diamond")["text"]
    assert site.finding("Diamond")["state"] == "ok"
    assert "Connection refused" in site.finding("GraphiteHandler")["text"]
    # What is installed here, it does not see.
    assert site.finding("collector")["state"] == "failed"


def test_a_collectors_path_that_diamond_does_not_start_with_is_told(site: Site) -> None:
    site.set("diamond.conf", collectors_path="/nonexistent")
    found = site.finding("collectors_path")
    assert found["state"] == "failed"
    assert "/nonexistent" in found["text"]


def test_collectors_that_do_not_load_are_told_in_a_line_each_if_they_are_switched_on(
    site: Site,
) -> None:
    folder = site.etc / "own"
    folder.mkdir()
    for name in ("alpha", "beta", "gamma"):
        lacks = f"import lacking_{name}\n\nclass {name.title()}Collector(object):\n    pass\n"
        (folder / f"{name}.py").write_text(lacks)
    site.set("diamond.conf", collectors_path=folder)
    passed_over = site.finding("collectors_path")
    assert passed_over["state"] == "ok"
    assert "3 files in collectors_path cannot be loaded, and nothing" in passed_over["text"]
    for name in ("Alpha", "Beta"):
        (site.etc / f"collectors/{name}Collector.conf").write_text("enabled = True\n")
    told = [each for each in site.findings() if "cannot be loaded" in each["text"]]
    assert [each["state"] for each in told] == ["failed", "failed", "ok"]
    for each, name in zip(told, ("alpha", "beta", "gamma")):
        error = f"{name}.py (ModuleNotFoundError: No module named 'lacking_{name}')"
        assert f"{folder}/{error}" in each["text"]


@pytest.mark.parametrize(
    ("handler", "check", "state"),
    [
        ("diamond.handler.graphite.GrafiteHandler", "GrafiteHandler", "failed"),
        ("diamond.handler.null.NullHandler", "NullHandler", "ok"),
        ("", "handlers", "failed"),
    ],
)
def test_a_handler_that_cannot_be_loaded_is_told(
    site: Site, handler: str, check: str, state: str
) -> None:
    site.set("diamond.conf", handlers=handler)
    assert site.finding(check)["state"] == state


def test_a_handler_with_a_wrong_setting_is_told(site: Site) -> None:
    site.set(HANDLER, port="carbon")
    found = site.finding("GraphiteHandler")
    assert found["state"] == "failed"
    assert "'carbon'" in found["text"]


@pytest.mark.parametrize(
    ("size", "state"),
    [(0, "ok"), (513, "ok"), (512, "failed"), ("many", "failed")],  # an eighth is for others
)
def test_a_queue_without_room_for_a_report_fails(site: Site, size: object, state: str) -> None:
    site.set("diamond.conf", metric_queue_size=size)
    assert site.finding("queue")["state"] == state


def test_a_larger_report_than_usual_counts(site: Site) -> None:
    report = ["Stability configuration: 64 slices, 500 measurements, 32 channels", ""]
    for section in ("SI", "SIfit", "SNR", "ghost"):
        columns = "\t".join(["slice#", "min", "max", "mean", "sd", "sd[%]", "P2P[%]"])
        report += [f"Stability {section} results:", "", columns]
        report += ["\t".join([str(number), *["1.00"] * 6]) for number in range(1, 65)]
    (site.bay1 / REPORT.name).write_text("\n".join(report) + "\n")
    site.set("diamond.conf", metric_queue_size=1600)
    found = site.finding("queue")
    assert found["state"] == "failed"
    assert "a report has 1536 values" in found["text"]  # 64 slices * 4 sections * 6 columns


@pytest.mark.parametrize(("batch", "state"), [(1, "warning"), (448, "ok")])
def test_a_backlog_of_less_than_a_report_is_told(site: Site, batch: int, state: str) -> None:
    site.set(HANDLER, batch=batch, max_backlog_multiplier=5)
    assert site.finding("backlog")["state"] == state


def test_what_needs_graphite_is_said_to_be_untested_without_it(site: Site) -> None:
    assert site.finding("graphite_url")["state"] == "warning"
    for check in ("probe", "retention", "xFilesFactor"):
        found = site.finding(check)
        assert (found["state"], found["text"]) == ("warning", "not tested")


# -- Graphite ------------------------------------------------------------------------------


@contextmanager
def answering(status: int, certificate: Path | None = None) -> Iterator[str]:
    """The address of a web server that answers everything with that status."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "todo"), [(401, "name user and password"), (403, "name user and password"),
                         (404, "put graphite_url right"), (500, "see its log")]
)  # fmt: skip
def test_what_graphite_answers_is_told_as_what_it_is(site: Site, status: int, todo: str) -> None:
    with answering(status) as url:
        site.set(COLLECTOR, graphite_url=url)
        found = site.finding("graphite_url")
    assert found["state"] == "failed"
    assert f"answered {status}" in found["text"]
    assert todo in found["todo"]


def test_a_certificate_that_is_not_trusted_is_told_as_that(site: Site) -> None:
    with answering(200, PROJECT / "tests/dropin/selfsigned.pem") as url:
        site.set(COLLECTOR, graphite_url=url)
        found = site.finding("graphite_url")
    assert found["state"] == "failed"
    assert "certificate" in found["text"]
    assert "trust the certificate" in found["todo"]


@pytest.mark.parametrize(
    ("free", "files", "state"), [(0, 10, "failed"), (1, 10, "failed"), (1000, 10, "warning"),
                                 (10**6, 10, "ok"), (10**6, 0, "failed")]
)  # fmt: skip
def test_a_full_disk_of_whisper_files_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, files: int, state: str
) -> None:
    from hops.doctor import carbon

    conf = tmp_path / "carbon.conf"
    conf.write_text(f"[cache]\nLOCAL_DATA_DIR = {tmp_path}\n")
    monkeypatch.setattr(carbon, "CONFS", (tmp_path / "none.conf", conf))
    here, there = (SimpleNamespace(host=host) for host in ("127.0.0.1", "graphite.example.com"))
    assert carbon.whisper_folder([there]) is None
    folder = carbon.whisper_folder([there, here])
    assert folder == tmp_path
    status = SimpleNamespace(f_bavail=free, f_frsize=4096, f_files=10, f_favail=files)
    monkeypatch.setattr(os, "statvfs", lambda path: status)
    assert carbon.check(tmp_path).state == state
