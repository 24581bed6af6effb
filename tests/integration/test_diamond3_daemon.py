"""The daemon as real processes: it delivers, obeys signals, and leaves nothing behind."""

import os
import signal
from pathlib import Path

import pytest
from receivers import SECONDS, Site, wait_until

pytestmark = pytest.mark.integration

HANDLERS = ["diamond.handler.graphite.GraphiteHandler"]
SECOND_COLLECTOR = """
import diamond.collector


class SecondCollector(diamond.collector.Collector):
    def collect(self):
        self.publish("value", 1)
"""


@pytest.fixture
def site(tmp_path, receiver):
    with Site(tmp_path) as it:
        configure(it, receiver)
        yield it


def configure(site, receiver, second="False", value=""):
    site.configure(
        HANDLERS,
        f"[[GraphiteHandler]]\nhost = 127.0.0.1\nport = {receiver.port}",
        "[[SampleCollector]]\nenabled = True\n"
        f"[[SecondCollector]]\nenabled = {second}\npath = second{value}",
    )


def paths(receiver):
    return {path for path, _ in receiver.lines()}


def await_metrics(receiver):
    wait_until(lambda: len(receiver.lines()) >= 4, "two runs have arrived")
    assert paths(receiver) == {
        "servers.scanner.SampleCollector.answer",
        "servers.scanner.SampleCollector.ratio",
    }


def pid_of(site):
    return int(site.pid_file.read_text())


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_foreground_ends_cleanly_on_a_signal(site, receiver, signum):
    process = site.start("-f", "-l", "--skip-pidfile")
    await_metrics(receiver)
    process.send_signal(signum)
    output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert f"Signal received: {int(signum)}" in output
    assert "Traceback" not in output
    assert site.processes() == []


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_the_whole_group_ends_it_as_cleanly(site, receiver, signum):
    """So does a terminal with Ctrl-C, and a service manager that stops a unit."""
    process = site.start("-f", "-l", "--skip-pidfile")
    await_metrics(receiver)
    os.killpg(process.pid, signum)
    output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert "Traceback" not in output
    assert site.processes() == []


# Python runs the handler of a signal between two steps of its own, also within a start.
STOPPED_AS_IT_STARTS = """
import os
import signal

forks = []

def stop():
    forks.append(1)
    if len(forks) == {fork}:
        os.kill(os.getpid(), signal.SIGTERM)

os.register_at_fork(after_in_parent=stop)
"""


@pytest.mark.parametrize("fork", [1, 2, 3], ids=["queue", "handlers", "collector"])
def test_a_signal_just_as_a_process_starts_leaves_nothing_behind(site, receiver, fork):
    hook = site.folder / "sitecustomize.py"
    hook.write_text(STOPPED_AS_IT_STARTS.format(fork=fork))
    site.environment["PYTHONPATH"] = str(site.folder)
    process = site.start("-f", "-l", "--skip-pidfile")
    output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert "Traceback" not in output
    assert site.processes() == []


def test_nothing_is_deprecated_or_left_open(site, receiver):
    site.environment["PYTHONDEVMODE"] = "1"
    process = site.start("-f", "-l", "--skip-pidfile")
    await_metrics(receiver)
    process.terminate()
    _, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (0, "")


def test_daemon_detaches_with_a_pid_file_and_ends_without_one(site, receiver):
    result = site.run()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    pid = pid_of(site)
    assert pid in site.processes()
    assert os.getsid(pid) != os.getsid(0)
    await_metrics(receiver)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: site.processes() == [], "all processes have ended")
    assert not site.pid_file.exists()
    assert "INFO Signal received: 15" in site.log
    assert "Traceback" not in site.log


def test_second_daemon_is_refused(site):
    assert site.run().returncode == 0
    for arguments in ((), ("-f",)):
        second = site.run(*arguments)
        assert second.returncode == 1
        assert f"already running as process {pid_of(site)}" in second.stderr
        assert str(site.pid_file) in second.stderr


def test_stale_pid_file_is_replaced(site):
    site.pid_file.write_text("999999999\n")
    result = site.run()
    assert result.returncode == 0
    assert "left by a daemon that died" in result.stderr
    assert pid_of(site) in site.processes()


def test_hangup_starts_and_ends_collectors_by_the_new_configuration(site, receiver):
    site.write_collector("second", SECOND_COLLECTOR)
    assert site.run().returncode == 0
    await_metrics(receiver)
    assert len(site.processes()) == 4  # server, queue, handlers, one collector

    configure(site, receiver, second="True")
    os.kill(pid_of(site), signal.SIGHUP)
    wait_until(lambda: "servers.scanner.second.value" in paths(receiver), "the new one runs")
    assert len(site.processes()) == 5

    configure(site, receiver, second="False")
    os.kill(pid_of(site), signal.SIGHUP)
    wait_until(lambda: len(site.processes()) == 4, "the collector has ended")
    assert site.log.count("INFO Reloading state due to HUP") == 2


def test_hangup_makes_a_collector_read_its_configuration_again(site, receiver):
    site.write_collector("second", SECOND_COLLECTOR)
    configure(site, receiver, second="True")
    assert site.run().returncode == 0
    wait_until(lambda: "servers.scanner.second.value" in paths(receiver), "it runs")
    configure(site, receiver, second="True", value="_changed")
    for pid in site.processes():  # as when a service manager reloads a unit
        os.kill(pid, signal.SIGHUP)
    wait_until(
        lambda: "servers.scanner.second_changed.value" in paths(receiver), "it has been read"
    )
    assert len(site.processes()) == 5


def test_a_run_that_takes_too_long_is_interrupted_and_the_next_one_follows(site, receiver):
    site.write_collector(
        "sample",
        "import time\nimport diamond.collector\n\n"
        "class SampleCollector(diamond.collector.Collector):\n"
        "    def collect(self):\n"
        "        self.publish('start', 1)\n"
        "        time.sleep(600)\n",
    )
    assert site.run().returncode == 0
    wait_until(lambda: len(receiver.lines()) >= 2, "a second run has started")
    assert "ERROR Took too long to run! Killed!" in site.log


def test_killed_collector_is_started_anew(site, receiver):
    site.write_collector(
        "sample",
        "import os\nimport diamond.collector\n\n"
        "class SampleCollector(diamond.collector.Collector):\n"
        "    def collect(self):\n"
        "        self.publish('process', os.getpid())\n",
    )
    assert site.run().returncode == 0
    wait_until(lambda: receiver.lines(), "it runs")
    first = receiver.lines()[0][1]
    os.kill(int(first), signal.SIGKILL)
    wait_until(lambda: receiver.lines()[-1][1] != first, "another one runs")


def test_collector_that_fails_says_why_in_a_line(site, receiver):
    site.write_collector(
        "second",
        SECOND_COLLECTOR.replace("self.publish", "import no_such_library\n        self.publish"),
    )
    configure(site, receiver, second="True")
    assert site.run().returncode == 0
    line = (
        f"ERROR SecondCollector failed in line 7 of {site.folder}/collectors/second.py: "
        "ModuleNotFoundError: No module named 'no_such_library'\n"
    )
    wait_until(lambda: site.log.count(line) == 2, "it is tried again")
    await_metrics(receiver)
    assert site.log.count("Traceback") == site.log.count("DEBUG In full:")


def test_collector_that_will_not_end_is_killed(site, receiver):
    site.write_collector(
        "sample",
        "import time\nimport diamond.collector\n\n"
        "class SampleCollector(diamond.collector.Collector):\n"
        "    def collect(self):\n"
        "        self.publish('start', 1)\n"
        "        while True:\n"
        "            try:\n"
        "                time.sleep(600)\n"
        "            except BaseException:\n"
        "                pass\n",
    )
    process = site.start("-f", "-l", "--skip-pidfile")
    wait_until(lambda: receiver.lines(), "it runs")
    process.terminate()
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert "SampleCollector did not stop in time and is killed" in output
    assert site.processes() == []


def test_what_a_killed_daemon_leaves_behind_ends_on_a_signal(site, receiver):
    """Its service manager ends the rest so, before it starts another daemon."""
    assert site.run().returncode == 0
    await_metrics(receiver)
    os.kill(pid_of(site), signal.SIGKILL)
    wait_until(lambda: len(site.processes()) == 3, "it is dead")
    for pid in site.processes():
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: site.processes() == [], "the rest has ended")


@pytest.mark.parametrize("which", [0, 1], ids=["queue", "handlers"])
def test_a_daemon_that_can_send_nothing_any_more_ends(site, receiver, which):
    """Then its service manager starts another; it would look well and do nothing."""
    process = site.start("-f", "-l", "--skip-pidfile")
    wait_until(lambda: receiver.lines(), "it runs")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[which]), signal.SIGKILL)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "has ended, and nothing is sent any more" in output
    assert site.processes() == []


def test_handler_without_its_file_is_told_where_that_should_be(site):
    site.configure(["diamond.handler.archive.ArchiveHandler"])
    text = site.configfile.read_text()
    handlers = site.folder / "handlers"
    text = text.replace("[server]", f"[server]\nhandlers_config_path = {handlers}")
    site.configfile.write_text(text)
    result = site.run("--skip-fork")
    assert result.returncode == 1
    assert f"correct it in {handlers}/ArchiveHandler.conf, which is not there" in result.stderr


def test_failing_server_says_why_and_leaves_nothing_behind(site):
    """This handler is made only when Diamond runs, as it opens a file."""
    site.configure(
        ["diamond.handler.archive.ArchiveHandler"],
        f"[[ArchiveHandler]]\nlog_file = {site.folder}/nowhere/archive.log",
    )
    result = site.run("--skip-fork")
    assert result.returncode == 1
    assert f"{site.folder}/nowhere/archive.log" in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in site.log
    assert not site.pid_file.exists()
    assert site.processes() == []
