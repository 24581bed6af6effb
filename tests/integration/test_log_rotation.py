"""`conf/logrotate/diamond`, as logrotate carries it out under Diamond's processes."""

import grp
import gzip
import os
import pwd
import re
import shutil
import subprocess
import sys

import pytest
from programs import ROOT
from receivers import wait_until

pytestmark = pytest.mark.integration

PROCESSES = ("0", "1", "2")
ROTATIONS = 5

WRITER = """
import itertools
import logging
import multiprocessing
import os
import sys
import time

from diamond3 import logs

_, conf, log, stop, *names = sys.argv


def write(name):
    for number in itertools.count():
        logging.getLogger("diamond").info("line %s.%d", name, number)
        while not os.path.exists(stop) and is_full():
            time.sleep(0.001)
        if os.path.exists(stop):
            os.write(1, b"%s %d\\n" % (name.encode(), number + 1))  # in one piece
            return


def is_full():
    try:
        return os.path.getsize(log) > 2000000
    except FileNotFoundError:
        return False


logs.configure(conf)
context = multiprocessing.get_context("fork")
writers = [context.Process(target=write, args=(name,)) for name in names]
for writer in writers:
    writer.start()
for writer in writers:
    writer.join()
"""


def test_logrotate_takes_no_line_from_any_of_the_processes(tmp_path):
    if not shutil.which("logrotate"):
        pytest.skip("there is no logrotate: on Debian and Ubuntu, apt-get install logrotate")
    conf = here("conf/diamond.conf", tmp_path)
    rule = here("conf/logrotate/diamond", tmp_path)
    account = f"su {pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name}"
    text = rule.read_text()
    assert text.count("su diamond diamond") == 1
    rule.write_text(text.replace("su diamond diamond", account))
    log, stop = tmp_path / "diamond.log", tmp_path / "stop"

    def all_write():
        """A process that is behind may still be writing into a file that is compressed now."""
        written = log.read_text() if log.exists() else ""
        return all(f"line {name}." in written for name in PROCESSES)

    command = [sys.executable, "-c", WRITER, conf, log, stop, *PROCESSES]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        try:
            for _ in range(ROTATIONS):
                wait_until(all_write, "all processes write into the new log")
                command = ["logrotate", "--force", "--state", tmp_path / "state", rule]
                subprocess.run(command, check=True)
        finally:
            stop.touch()
        counts = dict(line.split() for line in writer.stdout.read().decode().splitlines())
    assert writer.returncode == 0
    files = [path for path in tmp_path.iterdir() if re.match(r"diamond\.log", path.name)]
    assert sorted(path.name for path in files if path != log) == [
        "diamond.log.1",
        *(f"diamond.log.{number}.gz" for number in range(2, ROTATIONS + 1)),
    ]
    found = [line.rpartition("line ")[2] for path in files for line in lines(path)]
    assert sorted(found) == sorted(
        f"{name}.{number}" for name in PROCESSES for number in range(int(counts[name]))
    )


def here(name, folder):
    """A copy of a shipped file with the log in `folder`."""
    text = (ROOT / name).read_text()
    assert text.count("/var/log/diamond/") == 1
    copy = folder / name.replace("/", "-")
    copy.write_text(text.replace("/var/log/diamond/", f"{folder}/"))
    return copy


def lines(path):
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()
