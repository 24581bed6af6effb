"""`script/demo` as its user runs it."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from beside import real_report
from programs import ROOT, at_a_terminal
from terminal import hear_the_terminal

from lab.graphite import Environment
from sample_data.files import write_report
from sample_data.scanners import example_scanners
from sample_data.schedule import schedule

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("graphite_environment")]

PATIENCE = 600
YEARS = 2 if os.environ.get("LONG") else 0.1
REPORTS = ROOT / "sample_data" / "reports"


def demo(*options: str, temporary: Path) -> subprocess.Popen[str]:
    return at_a_terminal("demo", *options, temporary=temporary)


def finished(*options: str, temporary: Path) -> tuple[int, str]:
    with demo(*options, temporary=temporary) as process:
        out, _ = process.communicate(timeout=PATIENCE)
    assert list(temporary.iterdir()) == []
    return process.returncode, out


def row(out: str, name: str) -> str:
    (value,) = re.findall(rf"│ {name} *│ *(\S.*?) │", out)
    return str(value)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the demo puts its folder; a socket's address below it has 107 characters at most."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def test_years_of_two_scanners_are_all_stored(temporary: Path) -> None:
    options = ["--years", str(YEARS)] if YEARS != 2 else []
    status, out = finished("--once", *options, temporary=temporary)
    assert status == 0, out
    # Of weekdays; 1 report is 16 slices of 4 * 6 + 4 columns.
    reports = int(row(out, "reports").split()[0].replace(",", ""))
    assert abs(reports / 2 - YEARS * 365.25 * 5 / 7) < 4
    assert row(out, "reports") == f"{reports:,} of {reports:,}"
    assert row(out, "scanners") == "2"
    assert row(out, "coils") == "4"
    assert row(out, "series") == f"{4 * 448:,}"
    assert row(out, "points") == f"{reports * 448:,} of {reports * 448:,} stored"


def test_the_real_report_is_stored(temporary: Path) -> None:
    real = Path(real_report()).parent
    status, out = finished("--once", "--reports", str(real), temporary=temporary)
    assert status == 0, out
    assert row(out, "points") == "448 of 448 stored"


def snapshot(folder: Path) -> dict[str, tuple[float, bytes | None]]:
    return {
        str(path): (path.stat().st_mtime, path.read_bytes() if path.is_file() else None)
        for path in [folder, *folder.rglob("*")]
    }


def test_ones_own_reports_are_copied_and_never_touched(tmp_path: Path, temporary: Path) -> None:
    """Of all forms, a scanner's folder with its archive in it, and another below it; two scans of a
    coil within an hour are both stored."""
    own = tmp_path / "own"
    shutil.copytree(REPORTS, own / "Ingested")
    (own / "bay2").mkdir()
    text = next(REPORTS.glob("Stability_*T*.txt")).read_text(encoding="utf-8-sig")
    for minute in (10, 35):
        (own / "bay2" / f"Stability_20260301T07{minute}00.txt").write_text(text)
    before = snapshot(own)
    status, out = finished("--once", "--reports", str(own), temporary=temporary)
    assert status == 0, out
    assert row(out, "scanners") == "2"
    count = len(list(REPORTS.glob("*.txt"))) + 2
    assert row(out, "reports") == f"{count} of {count}"
    assert snapshot(own) == before


def test_a_bad_report_is_named_and_the_demo_ends_with_1(tmp_path: Path, temporary: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(next(REPORTS.glob("Stability_*T*.txt")), own)
    (own / "Stability_20240101T000000.txt").write_text("Stability nonsense\n")
    status, out = finished("--once", "--reports", str(own), temporary=temporary)
    assert status == 1
    assert row(out, "reports") == "1 of 1"
    assert "Not ingested: 'Stability_20240101T000000.txt': line 1: expected" in out


def test_a_folder_without_reports_is_refused(tmp_path: Path, temporary: Path) -> None:
    status, out = finished("--once", "--reports", str(tmp_path), temporary=temporary)
    assert status == 1
    assert "has no report" in out
    assert "Traceback" not in out


def test_it_stays_up_ingests_what_comes_and_ends_with_ctrl_c(
    temporary: Path, tmp_path: Path, graphite_environment: Environment
) -> None:
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        port, carbon = (probe.getsockname()[1] for probe in (one, other))
    ports = ("--port", str(port), "--carbon-port", str(carbon))
    with demo("--reports", str(REPORTS), *ports, temporary=temporary) as process:
        assert process.stdout is not None
        out = ""
        while "Ctrl-C ends it all" not in out:
            line = process.stdout.readline()
            assert line, f"the demo ended:\n{out}"
            out += line
        assert f"http://127.0.0.1:{port}/" in out
        assert f"\nCarbon takes metrics at 127.0.0.1:{carbon}.\n" in out
        (folder,) = re.findall(r"new reports, as in (.*)\.$", out, re.MULTILINE)
        put_a_report_into(Path(folder))
        deadline = time.monotonic() + PATIENCE
        while len(list(Path(folder, "Ingested").iterdir())) < 1 + len(list(REPORTS.iterdir())):
            assert time.monotonic() < deadline, "the new report is not ingested"
            time.sleep(0.2)
        (index,) = re.findall(r"for a browser: file://(\S+)$", out, re.MULTILINE)
        pages = re.findall(r'href="([^"]+\.html)"', Path(index).read_text())
        assert len(pages) == 2  # of coils
        assert all("<svg" in Path(index).with_name(page).read_text() for page in pages)
        told = asked_of_the_doctor(tmp_path, carbon, port)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in out
    assert list(temporary.iterdir()) == []
    assert re.search("^ok +retention: ", told, re.MULTILINE), told


def asked_of_the_doctor(folder: Path, carbon: int, web: int) -> str:
    """What it says of a scanner of one's own that sends its reports to the demo's Graphite."""
    (folder / "bay1").mkdir()
    hops = [sys.executable, "-m", "hops"]
    scanner = ["--scanner", f"Harvard/Bay1={folder / 'bay1'}", "--coil", "32"]
    servers = ["--carbon", f"127.0.0.1:{carbon}", "--graphite-url", f"http://127.0.0.1:{web}"]
    subprocess.run([*hops, "init", folder / "etc", *scanner, *servers], check=True)
    conf = folder / "etc" / "diamond.conf"
    done = subprocess.run([*hops, "doctor", "-c", conf, "--probe"], capture_output=True, text=True)
    return done.stdout


def processes_of(temporary: Path) -> list[str]:
    """The numbers of those that were started for that temporary folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is not ours
            if f"TMPDIR={temporary}".encode() in (process / "environ").read_bytes():
                found.append(process.name)
    return found


def test_a_terminal_that_closes_leaves_no_process_and_no_folder(
    temporary: Path, tmp_path: Path, graphite_environment: Environment
) -> None:
    shutil.copy(next(REPORTS.glob("*.txt")), tmp_path)
    number, terminal = pty.fork()
    if number == 0:
        hear_the_terminal()
        os.environ["TMPDIR"] = str(temporary)
        os.execv(str(ROOT / "script" / "demo"), ["demo", "--reports", str(tmp_path)])
    out = b""
    while b"Diamond looks every" not in out:
        out += os.read(terminal, 4096)
    # Diamond is started once that is said, and starts processes of its own.
    deadline = time.monotonic() + PATIENCE
    while len(processes_of(temporary)) < 5:  # of hops, Graphite and Diamond
        assert time.monotonic() < deadline, "Diamond does not start"
        time.sleep(0.2)
    os.close(terminal)
    os.waitpid(number, 0)
    assert processes_of(temporary) == []
    assert list(temporary.iterdir()) == []


def put_a_report_into(folder: Path) -> None:
    source = next(REPORTS.glob("Stability_*.txt"))
    until = date(2026, 1, 5)
    scan = schedule(example_scanners(until), until, years=0.02)[0]
    write_report(folder / scan.file_name, source.read_text(), scan.time)
