"""A configuration that cannot be used: told in a sentence, at the start and while Diamond runs."""

import os
import re
import signal
import subprocess
import sys

import pytest
from receivers import SECONDS, Site, wait_until

pytestmark = pytest.mark.integration

GRAPHITE = "diamond.handler.graphite.GraphiteHandler"


@pytest.fixture
def site(tmp_path, receiver):
    with Site(tmp_path) as it:
        configure(it, receiver)
        yield it


def configure(site, receiver, **settings):
    """A site with the Stability collector and another one; `settings` of the former."""
    (site.folder / "bay1").mkdir(exist_ok=True)
    values = {"enabled": True, "path": "stability", **settings}
    lines = "".join(f"{key} = {value}\n" for key, value in values.items())
    site.configure(
        [GRAPHITE],
        f"[[GraphiteHandler]]\nhost = 127.0.0.1\nport = {receiver.port}\nbatch = 448",
        f"[[SampleCollector]]\nenabled = True\n[[StabilityCollector]]\n{lines}"
        f"[[[scanners]]]\nA/Bay1 = {site.folder}/bay1\n[[[coils]]]\n32 = 32\n",
    )


def replace(site, old, new):
    text, count = re.subn(old, new, site.configfile.read_text())
    assert count
    site.configfile.write_text(text)


# What a site has -> what somebody makes of it, and what has to be in the sentence.
MISTAKES = {
    "port": ("port = [0-9]+", "port = zweitausend", "port = 'zweitausend'"),
    "port out of range": ("port = [0-9]+", "port = 99999", "port = 99999"),
    "no host": ("host = 127.0.0.1", "host =", "host is empty"),
    "judge": (
        r"\[\[Sta", "[[StabilityControlCollector]]\nenabled = True\n[[[baseline]]]\n[[Sta",
        "did you mean baselines",
    ),
    "two ports": ("port = [0-9]+", "port = 2003, 2004", "port = ['2003', '2004']"),
    "timeout": ("batch =", "timeout = soon\nbatch =", "timeout = 'soon'"),
    "no handlers": (f"handlers = {GRAPHITE},", "handlers =", "`handlers` of [server]"),
    "misspelt module": ("graphite.Graphite", "graphit.Graphite", "'diamond.handler.graphit."),
    "misspelt class": ("graphite.GraphiteH", "graphite.GraphitH", "graphite.GraphitHandler'"),
    "bare class": (f"handlers = {GRAPHITE},", "handlers = GraphiteHandler", "expected a class"),
    "no class": (f"{GRAPHITE},", "diamond.handler.graphite,", "expected a class"),
    "no folder": ("/collectors\n", "/elsewhere\n", "/elsewhere is missing in `collectors_path`"),
    "folder unnamed": ("collectors_path =", "# collectors_path =", "collectors_path"),
    "queue": (r"\[server\]", "[server]\nmetric_queue_size = lots", "metric_queue_size = 'lots'"),
    "delay": ("load_delay = 0", "load_delay = short", "collectors_load_delay = 'short'"),
    "interval": ("path = stab", "interval = 5m\npath = stab", "interval = '5m'"),
    "negative interval": ("path = stab", "interval = -5\npath = stab", "interval = '-5'"),
    "endless interval": ("path = stab", "interval = inf\npath = stab", "interval = 'inf'"),
    "interval of another": ("hostname = scanner\ninterval = 1", "interval = 0", "interval = '0'"),
    "time zone": ("path = stab", "timezone = Mars\npath = stab", "timezone = 'Mars'"),
    "pattern": ("path = stab", "metrics_whitelist = *.SNR\npath = stab", "*.SNR"),
    "switch": ("enabled = True\npath", "enabled = maybe\npath", "maybe"),
    "unknown collector": (r"\[\[SampleCollector\]\]", "[[SampelCollector]]", "'SampelCollector'"),
    "line without section": (r"\[collectors\]", "[collectors]\ninterval = 60", "'interval'"),
    "no log": ("/diamond.log", "/nowhere/diamond.log", "/nowhere/diamond.log"),
    "unknown log": ("class = FileHandler", "class = FilesHandler", "FilesHandler"),
    "no line of any kind": ("batch = 448", "batch 448", "batch 448"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_daemon_does_not_start_and_one_sentence_says_why(site, mistake):
    old, new, told = MISTAKES[mistake]
    replace(site, old, new)
    result = site.run("--skip-fork")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("diamond3: ")
    assert result.stderr.count("\n") == 1
    assert told in result.stderr
    assert str(site.folder) in result.stderr
    if "log" not in mistake and "line of" not in mistake:  # else there is none yet
        [line] = [line for line in site.log.splitlines() if re.match("ERROR|CRITICAL", line)]
        assert line == f"CRITICAL {result.stderr.partition(': ')[2].strip()}"
    assert "Traceback" not in site.log
    assert not site.pid_file.exists()
    assert site.processes() == []


@pytest.mark.parametrize("mistake", ["port", "misspelt module", "time zone", "no log"])
def test_neither_does_a_single_run(site, mistake):
    old, new, told = MISTAKES[mistake]
    replace(site, old, new)
    result = site.run("--run", "StabilityCollector")
    assert (result.returncode, result.stdout) == (1, "")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_who_starts_a_daemon_that_would_detach_is_told(site):
    replace(site, "path = stab", "timezone = Mars\npath = stab")
    result = site.run()
    assert result.returncode == 1
    assert "timezone = 'Mars'" in result.stderr
    assert site.processes() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start it as somebody else")
def test_a_user_who_could_not_begin_a_new_log_is_refused(site):
    """Root opens the log before it becomes that user, so that all would be well until midnight."""
    replace(site, "class = FileHandler", "class = handlers.WatchedFileHandler")
    replace(site, r"args = .*", f"args = ('{site.folder}/diamond.log',)")
    result = site.run("--skip-fork", "--skip-pidfile", "-u", "nobody")
    assert result.returncode == 1
    assert f"Diamond's user may not write to {site.folder}" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_daemon_that_has_nothing_to_do_says_so(site, receiver):
    replace(site, "enabled = True", "enabled = False")
    process = site.start("-f", "--skip-pidfile")
    wait_until(lambda: "no collector is switched on" in site.log, "it is logged")
    process.terminate()
    _, errors = process.communicate(timeout=SECONDS)
    assert "no collector is switched on" in errors
    assert process.returncode == 0


def hang_up(site):
    """As `systemctl reload` does."""
    for pid in site.processes():
        os.kill(pid, signal.SIGHUP)


def paths(receiver):
    return {path for path, _ in receiver.lines()}


def await_both(site, receiver):
    wait_until(lambda: "servers.scanner.SampleCollector.answer" in paths(receiver), "one runs")
    wait_until(lambda: any(".stability." in path for path in paths(receiver)), "the other runs")


def test_a_refused_reload_is_told_once_and_changes_nothing(site, receiver):
    process = site.start("-f", "--skip-pidfile")
    await_both(site, receiver)
    before = sorted(site.processes())
    configure(site, receiver, timezone="Mars")
    hang_up(site)
    wait_until(lambda: "goes on with the configuration" in site.log, "the collector has heard it")
    wait_until(lambda: "Mars" in site.log, "it is told")
    del receiver.connections[0][:]
    await_both(site, receiver)
    assert sorted(site.processes()) == before

    configure(site, receiver, path="changed")
    hang_up(site)
    wait_until(lambda: any(".changed." in path for path in paths(receiver)), "it is accepted")
    process.terminate()
    _, errors = process.communicate(timeout=SECONDS)
    [told] = errors.splitlines()
    assert "the new configuration is refused" in told
    assert "timezone = 'Mars': expected" in told
    assert [line for line in site.log.splitlines() if "Mars" in line] == [
        f"ERROR {told.partition(': ')[2]}"
    ]
    assert "Traceback" not in site.log


def test_a_reload_that_cannot_even_be_read_changes_nothing_either(site, receiver):
    process = site.start("-f", "--skip-pidfile")
    await_both(site, receiver)
    before = sorted(site.processes())
    replace(site, "batch = 448", "batch 448")
    hang_up(site)
    wait_until(lambda: "is refused" in site.log, "it is told")
    del receiver.connections[0][:]
    await_both(site, receiver)
    assert sorted(site.processes()) == before
    process.terminate()
    _, errors = process.communicate(timeout=SECONDS)
    assert errors.count("\n") == 1
    assert "Traceback" not in site.log


def test_a_collector_that_cannot_start_again_is_told_once(site, receiver):
    """It died, and nobody had reloaded what was written meanwhile."""
    process = site.start("-f", "--skip-pidfile")
    await_both(site, receiver)
    known = set(site.processes())
    configure(site, receiver, timezone="Mars")
    for pid in sorted(known)[-2:]:  # both collectors
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "timezone = 'Mars'" in site.log, "it is told")
    wait_until(lambda: set(site.processes()) - known, "the other one is started again")

    configure(site, receiver, path="changed")
    os.kill(process.pid, signal.SIGHUP)
    wait_until(lambda: any(".changed." in path for path in paths(receiver)), "it runs again")
    process.terminate()
    _, errors = process.communicate(timeout=SECONDS)
    assert errors.count("Mars") == site.log.count("Mars") == 1
    assert "Traceback" not in site.log


def test_an_error_on_stdout_is_one_line(site, receiver):
    site.write_collector(
        "sample",
        "import diamond.collector\n\n"
        "class SampleCollector(diamond.collector.Collector):\n"
        "    def collect(self):\n"
        "        self.log.error('the coil is loose')\n",
    )
    result = site.run("-l", "-r", "SampleCollector")
    assert result.returncode == 1
    [line] = [line for line in result.stdout.splitlines() if "ERROR" in line]
    assert line.endswith("\tthe coil is loose")


@pytest.mark.parametrize("mistake", ["port", "no handlers", "no folder", "interval", "time zone"])
def test_doctor_says_what_would_keep_diamond_from_starting(site, mistake):
    assert doctor(site) == (0, f"ok       configuration: {site.configfile} is accepted, and "
        "switches on: SampleCollector, StabilityCollector\n")  # fmt: skip
    old, new, told = MISTAKES[mistake]
    replace(site, old, new)
    status, said = doctor(site)
    assert status == 1
    assert said.startswith("failed   configuration: ")
    assert said.count("\n") == 1
    assert told in said
    assert site.log == ""


def doctor(site):
    command = [sys.executable, "-m", "hops", "doctor", "--config-only", "-c", site.configfile]
    done = subprocess.run(
        command, env=site.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout
