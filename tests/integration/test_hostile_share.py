"""A real Diamond looks after a share into which somebody has put all that may do harm."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest
from mounts import mounted
from receivers import Receiver

from lab.diamond import PREFIX, DiamondSite
from lab.processes import Daemon

pytestmark = pytest.mark.integration

REPORT = """\
Stability configuration: 1 slices, 500 measurements, 32 channels

Stability SNR results:

slice#\tmean\tsd[%]
 1\t{mean}\t0.125
"""
# The other tables of the sequence, or the collector waits for them.
OTHER_TABLES = ("SI", "SIfit", "ghost", "fit")
REPORT += "".join(
    f"\nStability {name} results:\n\nslice#\tmean\n 1\t7.25\n" for name in OTHER_TABLES
)
GIB = 1024**3
MIB = 1024**2
OTHERS = 100_000
MALFORMED = 1000
PATIENCE = 600  # seconds that no test waits, unless something is broken
SECRET = "root:$6$secret:19000:0:99999:7:::\n"
# What nobody may open, each with the name of a report.
ODD_KINDS = ("fifo", "folder", "socket", "link", "dangling link", "link to itself", "device")


class Share:
    """The scanners' folders, and what good reports in them should become."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: set[str] = set()
        self._day = 0

    def bay(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def name(self) -> str:
        """The name of a report that no other has, of either form."""
        self._day += 1
        moment = datetime.fromtimestamp(self._day * 86400 + 10**9, timezone.utc)
        return moment.strftime(
            "Stability_%Y%m%dT%H%M%S.txt" if self._day % 2 else "Stability_%Y-%m-%dT%H-%M-%S.txt"
        )

    def scan(self, bay: str, folder: Path | None = None) -> Path:
        """A good report, suddenly there; `folder` is where the bay's is when it is not here."""
        name = self.name()
        epoch = self._day * 86400 + 10**9
        mean = f"{self._day}.50"
        path = (folder or self.bay(bay)) / name
        new = path.with_name("new")
        new.write_text(REPORT.format(mean=mean))
        new.rename(path)
        self.lines |= {
            f"{PREFIX}.{bay}.32.SNR.mean.1 {mean} {epoch}",
            f"{PREFIX}.{bay}.32.SNR.sdpct.1 0.125 {epoch}",
            *(f"{PREFIX}.{bay}.32.{table}.mean.1 7.25 {epoch}" for table in OTHER_TABLES),
        }
        return path


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.1)


def is_archived(path: Path) -> bool:
    return not path.exists() and (path.parent / "Ingested" / path.name).exists()


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    share = Share(tmp_path / "share")
    yield share
    shutil.rmtree(share.folder)  # a hundred thousand files, and gigabytes


@contextmanager
def running(share: Share, receiver: Receiver, *bays: str) -> Iterator[Daemon]:
    site = DiamondSite(
        share.folder.parent / "diamond",
        {bay: share.bay(bay) for bay in bays},
        {32: "32"},
        receiver.port,
        interval=15,  # it is what Diamond grants a run, also on a busy machine
        timezone="UTC",
        settle_seconds=0,
    )
    daemon = Daemon(site)
    daemon.start()
    try:
        wait_until(daemon.workers, "Diamond runs")
        yield daemon
    finally:
        daemon.stop()


def published(receiver: Receiver) -> list[str]:
    """The lines that came about reports, in order."""
    complete = receiver.received.decode("ascii").rpartition("\n")[0]
    return [line for line in complete.splitlines() if ".ingest." not in line]


def log_of(daemon: Daemon) -> str:
    return daemon.site.log.read_bytes().decode("utf-8", "backslashreplace")


# -- all at once -----------------------------------------------------------------------------


class Outside:
    """A folder that is nobody's business."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.file = folder / "shadow"
        self.file.write_text(SECRET)
        self.file.chmod(0o600)
        for path in (self.file, folder):
            os.utime(path, (0, 1))  # an access time before the change is set anew by a read
        self._before = self._status()

    def is_untouched(self) -> bool:
        """To be asked once, as it reads the file."""
        return self._status() == self._before and (
            self.file.read_text() == SECRET and list(self.folder.iterdir()) == [self.file]
        )

    def _status(self) -> list[tuple[int, ...]]:
        return [
            (status.st_mode, status.st_nlink, status.st_uid, status.st_gid, status.st_atime_ns,
             status.st_mtime_ns, status.st_ctime_ns)
            for status in map(os.stat, (self.file, self.folder))
        ]  # fmt: skip


def make(kind: str, path: Path, outside: Outside) -> None:
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        # Its address has 107 characters at most.
        with closing(socket.socket(socket.AF_UNIX)) as listener:
            descriptor = os.open(path.parent, os.O_PATH)
            listener.bind(f"/proc/self/fd/{descriptor}/{path.name}")
            os.close(descriptor)
    elif kind == "link":
        path.symlink_to(outside.file)
    elif kind == "dangling link":
        path.symlink_to(outside.folder / "new")
    elif kind == "link to itself":
        path.symlink_to(path)
    elif kind == "device" and os.geteuid() == 0:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero, which never ends


def nonsense() -> Iterator[Callable[[Path], object]]:
    """Each writes a malformed report."""
    yield lambda path: os.truncate(_written(path, b"7" * 100), 2 * GIB)
    yield lambda path: _allocated(_written(path, b"7" * 2 * MIB), 2 * GIB)
    yield lambda path: path.write_bytes(random.Random(1).randbytes(MIB - 1))
    yield lambda path: path.write_bytes(b"7" * (MIB - 1))
    yield lambda path: path.write_text(REPORT.format(mean="\t".join(["1"] * 500_000)))
    yield lambda path: path.write_text(REPORT.replace("mean", "mean\t" * 200_000))
    yield lambda path: path.write_text(REPORT.format(mean="\x1b[2J\x1b]0;owned\x07"))
    yield lambda path: path.write_text("\x1b[2J" * 1000)
    yield lambda path: path.write_text(SECRET.replace("secret", "other"))
    for _ in range(MALFORMED):
        yield lambda path: path.write_text("nonsense\n")


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _allocated(path: Path, size: int) -> None:
    with path.open("r+b") as stream:
        os.posix_fallocate(stream.fileno(), 0, size)


def odd_names(good: str) -> list[bytes]:
    name = good.encode("ascii")
    return [
        name + b"\n", b"\n" + name, b"\x1b[2J" + name, name + b"\x1b]0;owned\x07",
        name.replace(b".txt", b"\xff.txt"), b".." + name, b"-rf", b"Stability_*.txt",
    ]  # fmt: skip


def test_good_reports_are_ingested_whatever_lies_beside_them(
    share: Share, receiver: Receiver, tmp_path: Path
) -> None:
    outside = Outside(tmp_path / "outside")
    bay1, linked = share.bay("bay1"), share.bay("linked")
    good = [share.scan("bay1"), share.scan("bay1")]
    odd = {bay1 / share.name(): kind for kind in ODD_KINDS}
    for path, kind in odd.items():
        make(kind, path, outside)
    bad = [bay1 / share.name() for _ in nonsense()]
    for path, write in zip(bad, nonsense()):
        write(path)
    good += [share.scan("bay1"), share.scan("bay2"), share.scan("bay2")]
    names = odd_names(share.name())
    for name in names:
        Path(os.fsdecode(os.fsencode(bay1) + b"/" + name)).write_text(REPORT)
    for number in range(OTHERS):
        os.close(os.open(bay1 / f"other {number}", os.O_CREAT))
    stays = [share.scan("linked"), linked / share.name()]
    stays[1].write_text("nonsense\n")
    for name in ("Ingested", "Rejected"):
        (linked / name).symlink_to(outside.folder)
    before = {path: os.lstat(path) for path in odd if os.path.lexists(path)}

    with running(share, receiver, "bay1", "bay2", "linked") as daemon:
        collector = daemon.workers()["collector"]
        wait_until(lambda: all(map(is_archived, good)), "the good reports are archived")
        wait_until(lambda: not any(path.exists() for path in bad), "the bad ones are rejected")
        for bay in ("bay1", "bay2"):
            late = share.scan(bay)
            wait_until(lambda late=late: is_archived(late), "another report is archived")
        wait_until(lambda: share.lines <= set(published(receiver)), "all points have arrived")
        assert daemon.workers()["collector"] == collector
        process = Path(f"/proc/{collector}")
        memory = re.search(r"VmHWM:\s*(\d+) kB", (process / "status").read_text())
        assert memory is not None
        assert int(memory[1]) * 1024 < 200 * MIB
        read = re.search(r"rchar: (\d+)", (process / "io").read_text())
        assert read is not None
        assert int(read[1]) < 200 * MIB

    assert sorted(published(receiver)) == sorted(share.lines)
    assert {path: os.lstat(path) for path in before} == before
    assert all(path.exists() for path in stays)
    rejected = {path.name for path in (bay1 / "Rejected").iterdir()}
    assert rejected == {name for path in bad for name in (path.name, path.name + ".reason.txt")}
    assert {os.fsencode(path.name) for path in bay1.iterdir()} == {
        *(os.fsencode(path.name) for path in before), *names, b"Ingested", b"Rejected",
        *(f"other {number}".encode() for number in range(OTHERS)),
    }  # fmt: skip
    log = log_of(daemon)
    assert "Traceback" not in log
    assert "secret" not in log
    assert all(line.isprintable() for line in log.split("\n"))
    for path, kind in odd.items():
        assert log.count(path.name) == (path in before), kind
    assert outside.is_untouched()


# -- a share that goes away ------------------------------------------------------------------


@contextmanager
def away_by_renaming(folder: Path) -> Iterator[None]:
    moved = folder.with_name("moved")
    folder.rename(moved)
    yield
    moved.rename(folder)


def test_a_share_that_is_away_for_a_while_stops_no_other(share: Share, receiver: Receiver) -> None:
    with running(share, receiver, "bay1", "bay2") as daemon:
        collector = daemon.workers()["collector"]
        first = share.scan("bay1")
        wait_until(lambda: is_archived(first), "the first report is archived")
        with away_by_renaming(share.folder / "bay1"):
            wait_until(lambda: "is the share mounted" in log_of(daemon), "it is missed")
            other = share.scan("bay2")
            wait_until(lambda: is_archived(other), "the other scanner goes on")
        last = share.scan("bay1")
        wait_until(lambda: is_archived(last), "the report is archived")
        assert daemon.workers()["collector"] == collector
    assert sorted(published(receiver)) == sorted(share.lines)
    assert log_of(daemon).count("is the share mounted") == 1
    assert "Traceback" not in log_of(daemon)


def test_a_share_that_is_unmounted_and_mounted_again_is_gone_on_with(
    share: Share, receiver: Receiver, tmp_path: Path
) -> None:
    server, bay1 = tmp_path / "server", share.bay("bay1")
    server.mkdir()
    with running(share, receiver, "bay1", "bay2") as daemon:
        collector = daemon.workers()["collector"]
        with mounted(server, bay1):
            first = share.scan("bay1", server)
            wait_until(lambda: is_archived(first), "the first report is archived")
        waiting = share.scan("bay1", server)
        other = share.scan("bay2")
        wait_until(lambda: is_archived(other), "the other scanner goes on")
        with mounted(server, bay1):
            wait_until(lambda: is_archived(waiting), "what has waited is archived")
        assert daemon.workers()["collector"] == collector
        assert list(bay1.iterdir()) == []
    assert sorted(published(receiver)) == sorted(share.lines)
    assert "Traceback" not in log_of(daemon)
