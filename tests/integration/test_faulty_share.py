"""A real Diamond, and a real doctor, on shares that fail as those of the field do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from receivers import Receiver

from lab.diamond import PREFIX, DiamondSite
from lab.faults import FaultyShare, Rule
from lab.processes import Daemon

pytestmark = pytest.mark.integration

NAME = "Stability_20260302T070412.txt"
OTHER = "Stability_20260303T070412.txt"
REPORT = Path(__file__).resolve().parents[2] / "sample_data/reports" / NAME
VALUES = 448
PATIENCE = 600  # seconds that no test waits, unless something is broken
POLLS = 2  # that show that nothing more will happen

# No server of the field has both: a hard link that overwrites nothing, and trouble with renaming.
NO_LINKS: Rule = {"op": "link", "errno": "EIO"}
FRESH_INODES: Rule = {"op": "attr", "path": ".txt", "ino": "fresh"}

# What is seen of shares on which every report has to be archived nevertheless.
HABITS: dict[str, list[Rule]] = {
    "inodes that are others at each look": [FRESH_INODES],
    "inodes that are others, and no links": [FRESH_INODES, NO_LINKS],
    "two names of each file": [{"op": "attr", "path": ".txt", "st_nlink": 2}],
    "links that fail with EIO": [NO_LINKS],
    "links that are forbidden": [{"op": "link", "errno": "EPERM"}],
    "renames that are done and denied, ENOENT": [
        NO_LINKS, {"op": "rename", "path": ".txt", "after": True, "errno": "ENOENT"},
    ],
    "renames that are done and denied, EIO": [
        NO_LINKS, {"op": "rename", "path": ".txt", "after": True, "errno": "EIO"},
    ],
    "a clock two hours behind": [{"op": "attr", "path": ".txt", "mtime_shift": -7200}],
    "a clock two hours ahead": [{"op": "attr", "path": ".txt", "mtime_shift": 7200}],
    "times of whole seconds": [{"op": "attr", "path": ".txt", "mtime_round": 2}],
}  # fmt: skip


@pytest.fixture
def share(faulty_share: FaultyShare, tmp_path: Path) -> FaultyShare:
    """With the folder of a scanner, bay1."""
    (faulty_share.source / "bay1").mkdir()
    (tmp_path / "bay2").mkdir()
    return faulty_share


@pytest.fixture
def bay2(tmp_path: Path) -> Path:
    """The folder of another scanner, which is well."""
    return tmp_path / "bay2"


def site_of(share: FaultyShare, receiver: Receiver, **settings: object) -> DiamondSite:
    folders = {"A/B/bay1": share.mount / "bay1", "A/B/bay2": share.source.parent / "bay2"}
    # An interval is what Diamond grants a run, also on a busy machine.
    settings = {"interval": 3, "settle_seconds": 0, **settings}
    return DiamondSite(
        share.source.parent / "diamond", folders, {32: "32"}, receiver.port, **settings
    )


@contextmanager
def running(share: FaultyShare, receiver: Receiver, **settings: object) -> Iterator[Daemon]:
    daemon = Daemon(site_of(share, receiver, **settings))
    daemon.start()
    try:
        yield daemon
    finally:
        share.have()  # or Diamond could not end
        daemon.stop()


def scan(share: FaultyShare, bay: str, name: str = NAME, text: bytes | None = None) -> Path:
    """A report, there at once; its path on the faulty share."""
    path = share.source / bay / name
    new = path.with_name("new")
    new.write_bytes(REPORT.read_bytes() if text is None else text)
    new.rename(path)
    return share.mount / bay / name


def is_archived(share: FaultyShare, bay: str, name: str = NAME) -> bool:
    archived = share.source / bay / "Ingested" / name
    return archived.is_file() and not (share.source / bay / name).exists()


def contents(share: FaultyShare, bay: str) -> list[str]:
    folder = share.source / bay
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def wait_until(condition: Callable[[], object], daemon: Daemon) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain:\n{log_of(daemon)[-4000:]}"
        time.sleep(0.1)


def log_of(daemon: Daemon) -> str:
    return daemon.site.log.read_text(errors="replace") if daemon.site.log.exists() else ""


def errors_of(daemon: Daemon) -> list[str]:
    """What the log has of errors, but that a busy machine had no time for a run."""
    lines = [line for line in log_of(daemon).splitlines() if " ERROR " in line]
    return [line for line in lines if "Took too long to run" not in line]


def published(receiver: Receiver, bay: str, ingest: str = "") -> list[str]:
    """The lines that came of a scanner's reports, or of a number about them."""
    begin = f"{PREFIX}.A.B.{bay}.{f'ingest.{ingest} ' if ingest else '32.'}"
    complete = receiver.received.decode("ascii").rpartition("\n")[0]
    return [line for line in complete.splitlines() if line.startswith(begin)]


def said(receiver: Receiver, bay: str, name: str) -> list[float]:
    """What the collector has said of a scanner's reports, so far."""
    return [float(line.split()[1]) for line in published(receiver, bay, name)]


def wait_some_polls(receiver: Receiver, bay: str, daemon: Daemon) -> None:
    wanted = len(published(receiver, bay, "waiting")) + POLLS
    wait_until(lambda: len(published(receiver, bay, "waiting")) >= wanted, daemon)


# -- the collector -------------------------------------------------------------------------


@pytest.mark.parametrize("habit", HABITS)
def test_a_report_is_archived_once_whatever_the_share_does_not_have(
    share: FaultyShare, receiver: Receiver, habit: str
) -> None:
    share.have(*HABITS[habit])
    scan(share, "bay1")
    with running(share, receiver) as daemon:
        wait_until(lambda: is_archived(share, "bay1"), daemon)
        wait_until(lambda: said(receiver, "bay1", "ingested")[-1:] == [1], daemon)
        wait_some_polls(receiver, "bay1", daemon)
        assert errors_of(daemon) == []
    assert len(published(receiver, "bay1")) == VALUES
    assert contents(share, "bay1") == [f"Ingested/{NAME}"]
    assert (share.source / "bay1/Ingested" / NAME).read_bytes() == REPORT.read_bytes()


@pytest.mark.parametrize("code", ["ENOENT", "EIO"])
def test_a_rejection_that_the_server_denies_is_on_record(
    share: FaultyShare, receiver: Receiver, code: str
) -> None:
    share.have(NO_LINKS, {"op": "rename", "path": ".txt", "after": True, "errno": code})
    scan(share, "bay1", text=b"nonsense\n")
    with running(share, receiver) as daemon:
        wait_until(lambda: said(receiver, "bay1", "rejected")[-1:] == [1], daemon)
        assert "is no good report and is now" in log_of(daemon)
    assert contents(share, "bay1") == [f"Rejected/{NAME}", f"Rejected/{NAME}.reason.txt"]


@pytest.mark.parametrize(
    ("operation", "code"), [("getattr", "EACCES"), ("getattr", "EIO"), ("open", "EACCES"),
                            ("read", "EIO")]
)  # fmt: skip
def test_the_trouble_of_one_file_is_its_own_and_told_once(
    share: FaultyShare, receiver: Receiver, operation: str, code: str
) -> None:
    share.have({"op": operation, "path": NAME, "errno": code})
    scan(share, "bay1")
    scan(share, "bay1", OTHER)
    with running(share, receiver) as daemon:
        wait_until(lambda: is_archived(share, "bay1", OTHER), daemon)
        wait_until(lambda: said(receiver, "bay1", "unreadable")[-1:] == [1], daemon)
        wait_some_polls(receiver, "bay1", daemon)
        errors = errors_of(daemon)
        assert len(errors) == 1
        assert NAME in errors[0]
        share.have()
        wait_until(lambda: is_archived(share, "bay1"), daemon)
    assert len(published(receiver, "bay1")) == 2 * VALUES


@pytest.mark.parametrize("operation", ["readdir", "getattr"])
def test_a_share_that_hangs_keeps_no_other_scanner_back(
    share: FaultyShare, bay2: Path, receiver: Receiver, operation: str
) -> None:
    scan(share, "bay1")
    share.have({"op": operation, "path": "bay1", "hang": 600})
    shutil.copy(REPORT, bay2)
    with running(share, receiver) as daemon:
        wait_until(lambda: (bay2 / "Ingested" / NAME).exists(), daemon)
        wait_until(lambda: said(receiver, "bay1", "stuck_seconds")[-1:] > [0], daemon)
        errors = errors_of(daemon)
        assert len(errors) == 1
        assert "bay1" in errors[0]
        assert "does not answer" in errors[0]
        share.have()
        wait_until(lambda: is_archived(share, "bay1"), daemon)
    assert len(published(receiver, "bay2")) == VALUES


def test_a_half_written_report_is_left_alone_whatever_time_the_share_says(
    share: FaultyShare, receiver: Receiver
) -> None:
    share.have({"op": "attr", "path": ".txt", "mtime_shift": -7200})
    text = REPORT.read_bytes()
    for part in (text[: len(text) // 2], text[: text.index(b"Stability SNR")]):
        scan(share, "bay1", text=part)
        with running(share, receiver, settle_seconds=1) as daemon:
            share.have({"op": "attr", "path": ".txt", "mtime_shift": -7200})
            wait_some_polls(receiver, "bay1", daemon)
            assert contents(share, "bay1") == [NAME]
            assert published(receiver, "bay1") == []
    scan(share, "bay1")
    with running(share, receiver, settle_seconds=1) as daemon:
        wait_until(lambda: is_archived(share, "bay1"), daemon)
    assert contents(share, "bay1") == [f"Ingested/{NAME}"]


@pytest.mark.parametrize("code", ["EBUSY", "ETXTBSY", "EACCES"])
def test_a_report_that_may_not_be_moved_yet_is_moved_later(
    share: FaultyShare, receiver: Receiver, code: str
) -> None:
    share.have(NO_LINKS, {"op": "rename", "path": NAME, "errno": code})
    scan(share, "bay1")
    scan(share, "bay1", OTHER)
    with running(share, receiver) as daemon:
        wait_until(lambda: is_archived(share, "bay1", OTHER), daemon)
        wait_some_polls(receiver, "bay1", daemon)
        assert contents(share, "bay1") == [f"Ingested/{OTHER}", NAME]
        errors = errors_of(daemon)
        assert len(errors) == 1
        assert "cannot be moved into 'Ingested'" in errors[0]
        share.have()
        wait_until(lambda: is_archived(share, "bay1"), daemon)
    assert contents(share, "bay1") == [f"Ingested/{NAME}", f"Ingested/{OTHER}"]
    assert len(published(receiver, "bay1")) == 2 * VALUES


# -- the doctor ----------------------------------------------------------------------------


def asked(site: DiamondSite) -> dict[str, list[dict[str, Any]]]:
    """What the doctor says, by check."""
    command = [sys.executable, "-m", "hops", "doctor", "--json", "-c", str(site.conf)]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=PATIENCE)
    found: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(done.stdout)["findings"]:
        found.setdefault(each["check"], []).append(each)
    return found


@pytest.mark.parametrize("operation", ["readdir", "getattr"])
def test_doctor_ends_in_time_names_a_share_that_hangs_and_looks_at_the_others(
    share: FaultyShare, bay2: Path, receiver: Receiver, operation: str
) -> None:
    site = site_of(share, receiver)
    shutil.copy(REPORT, bay2)
    share.have({"op": operation, "path": "bay1", "hang": 600})  # longer than anybody waits
    found = asked(site)
    [stuck] = found["folder of A/B/bay1"]
    assert stuck["state"] == "failed"
    assert f"{str(share.mount / 'bay1')!r} has not answered for" in stuck["text"]
    assert found["folder of A/B/bay2"][0]["state"] == "ok"
    assert "1 report read" in found["coils seen"][0]["text"]


@pytest.mark.parametrize("operation", ["getattr", "open", "read"])
def test_doctor_names_a_file_that_cannot_be_looked_at(
    share: FaultyShare, receiver: Receiver, operation: str
) -> None:
    scan(share, "bay1")
    scan(share, "bay1", OTHER)
    share.have({"op": operation, "path": NAME, "errno": "EACCES"})
    found = asked(site_of(share, receiver))
    first, trouble = found["folder of A/B/bay1"]
    assert (first["state"], trouble["state"]) == ("ok", "failed")
    assert str(share.mount / "bay1" / NAME) in trouble["text"]
    assert os.strerror(13) in trouble["text"]


@pytest.mark.parametrize(
    ("rules", "state", "text"),
    [
        ([NO_LINKS, {"op": "rename", "path": ".txt", "errno": "EBUSY"}], "failed", "busy"),
        ([NO_LINKS, {"op": "rename", "path": ".txt", "after": True, "errno": "EIO"}], "ok", "was"),
        ([FRESH_INODES, {"op": "attr", "path": ".txt", "st_nlink": 2}], "ok", "was"),
    ],
)
def test_doctor_moves_as_the_collector_does_and_leaves_nothing(
    share: FaultyShare, receiver: Receiver, rules: list[Rule], state: str, text: str
) -> None:
    scan(share, "bay1")
    (share.source / "bay1/Ingested").mkdir()
    share.have(*rules)
    [found] = asked(site_of(share, receiver))["Ingested of A/B/bay1"]
    assert found["state"] == state
    assert text in found["text"]
    assert sorted(path.name for path in (share.source / "bay1").rglob("*")) == ["Ingested", NAME]


@pytest.mark.parametrize("seconds", [-7200, 7200])
def test_doctor_sees_a_share_whose_clock_is_wrong(
    share: FaultyShare, receiver: Receiver, seconds: int
) -> None:
    share.have({"op": "attr", "path": ".txt", "mtime_shift": seconds})
    found = asked(site_of(share, receiver))["folder of A/B/bay1"]
    which = "behind" if seconds < 0 else "ahead of"
    assert any(f"s {which} this machine's" in each["text"] for each in found), found


@pytest.mark.parametrize("code", ["ENOSPC", "EDQUOT"])
def test_doctor_sees_a_full_share(share: FaultyShare, receiver: Receiver, code: str) -> None:
    share.have({"op": "write", "errno": code})
    scan(share, "bay1")
    found = asked(site_of(share, receiver))["folder of A/B/bay1"]
    assert any(each["state"] == "failed" and "is full" in each["text"] for each in found)
    assert contents(share, "bay1") == [NAME]
