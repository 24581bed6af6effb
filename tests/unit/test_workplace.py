"""What the demo and the like leave behind: nothing, however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import hear_the_terminal

# At its end it has something to do, which a second signal could cut short.
PROGRAM = """
import sys, time
from lab.workplace import workplace
with workplace("test") as folder:
    try:
        print(folder, flush=True)
        while not (folder / "end").exists():
            time.sleep(0.01)
    finally:
        (folder / "ending").touch()
        while not (folder / "end").exists():
            time.sleep(0.01)
"""


def started(temporary: Path, prepare: Callable[[], object]) -> tuple[subprocess.Popen[str], Path]:
    """The program, and its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(temporary), "PYTHONPATH": ":".join(sys.path)},
        preexec_fn=prepare,
    )
    assert process.stdout
    folder = Path(process.stdout.readline().strip())
    assert folder.parent == temporary
    return process, folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_and_more_of_it_leave_no_folder(number: signal.Signals, tmp_path: Path) -> None:
    process, folder = started(tmp_path, hear_the_terminal)
    process.send_signal(number)
    while not (folder / "ending").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)
    process.send_signal(number)
    (folder / "end").touch()
    process.communicate()
    assert process.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []


# The end comes when the process runs and its starter does not know its number yet.
STARTER = """
import os, signal, subprocess, time
from lab.workplace import running, workplace

def start():
    process = subprocess.Popen(["sleep", "1000"])
    print(process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    return process

with workplace("test"), running(start):
    time.sleep(1000)
"""


def test_a_process_that_was_just_starting_is_ended_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTER],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout.split()[0]), 0)


def test_it_goes_on_without_a_terminal_where_that_was_asked_for(tmp_path: Path) -> None:
    """By nohup."""
    process, folder = started(tmp_path, lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    (folder / "end").touch()
    process.communicate()
    assert process.returncode == 0
