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

PROCESSES = 3
LINES = 30_000
ROTATIONS = 5

WRITER = """
import logging
import multiprocessing
import sys

from diamond3 import logs


def write(name):
    for number in range({lines}):
        logging.getLogger("diamond").info("line %d.%d", name, number)


logs.configure(sys.argv[1])
context = multiprocessing.get_context("fork")
writers = [context.Process(target=write, args=(name,)) for name in range({processes})]
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
    log = tmp_path / "diamond.log"

    script = WRITER.format(lines=LINES, processes=PROCESSES)
    with subprocess.Popen([sys.executable, "-c", script, conf], cwd=ROOT) as writer:
        for _ in range(ROTATIONS):
            wait_until(lambda: log.exists() and log.stat().st_size, "lines have been written")
            assert writer.poll() is None, "it ended too early"
            command = ["logrotate", "--force", "--state", tmp_path / "state", rule]
            subprocess.run(command, check=True)
    assert writer.returncode == 0
    files = [path for path in tmp_path.iterdir() if re.match(r"diamond\.log", path.name)]
    assert sorted(path.name for path in files if path != log) == [
        "diamond.log.1",
        *(f"diamond.log.{number}.gz" for number in range(2, ROTATIONS + 1)),
    ]
    found = [line.rpartition("line ")[2] for path in files for line in lines(path)]
    assert sorted(found) == sorted(
        f"{name}.{number}" for name in range(PROCESSES) for number in range(LINES)
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
