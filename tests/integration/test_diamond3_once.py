"""`diamond3 -r`: one run of one collector, through each handler, into a real receiver."""

import socket

import pytest
from receivers import Receiver, Site, wait_until

pytestmark = pytest.mark.integration

LINES = [
    ("servers.scanner.SampleCollector.answer", "42"),
    ("servers.scanner.SampleCollector.ratio", "0.125"),
]
POINTS = [(path, float(value)) for path, value in LINES]
NULL = "diamond.handler.null.NullHandler"
GRAPHITE = "diamond.handler.graphite.GraphiteHandler"


@pytest.fixture
def site(tmp_path):
    with Site(tmp_path) as it:
        yield it


def section(name, **settings):
    return "\n".join([f"[[{name}]]", *(f"{key} = {value}" for key, value in settings.items())])


def run_sample(site):
    result = site.run("-r", "SampleCollector")
    assert (result.returncode, result.stderr, result.stdout) == (0, "", "")
    assert site.processes() == []


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize(
    ("handler", "host"),
    [
        ("diamond.handler.graphite.GraphiteHandler", "127.0.0.1"),
        ("diamond.handler.multigraphite.MultiGraphiteHandler", "127.0.0.1,"),
    ],
)
def test_lines_arrive(site, receiver, handler, host, batch):
    name = handler.rpartition(".")[2]
    site.configure([handler], section(name, host=host, port=receiver.port, batch=batch))
    run_sample(site)
    wait_until(lambda: receiver.lines() == LINES, "both metrics have arrived")


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize(
    ("handler", "host"),
    [
        ("diamond.handler.graphitepickle.GraphitePickleHandler", "127.0.0.1"),
        ("diamond.handler.multigraphitepickle.MultiGraphitePickleHandler", "127.0.0.1,"),
    ],
)
def test_pickles_arrive_that_python_2_can_read(site, receiver, handler, host, batch):
    name = handler.rpartition(".")[2]
    site.configure([handler], section(name, host=host, port=receiver.port, batch=batch))
    run_sample(site)
    wait_until(lambda: receiver.pickles() == POINTS, "both metrics have arrived")


def test_each_of_several_graphites_gets_everything(site, receiver):
    handler = "diamond.handler.multigraphite.MultiGraphiteHandler"
    hosts = "127.0.0.1, localhost"
    settings = section("MultiGraphiteHandler", host=hosts, port=receiver.port, proto="tcp4")
    site.configure([handler], settings)
    run_sample(site)
    wait_until(lambda: sorted(receiver.lines()) == sorted(LINES * 2), "both have arrived twice")


def test_datagrams_arrive(site):
    with Receiver(socket.SOCK_DGRAM) as receiver:
        settings = section("GraphiteHandler", host="127.0.0.1", port=receiver.port, proto="udp")
        site.configure([GRAPHITE], settings)
        run_sample(site)
        wait_until(lambda: receiver.lines() == LINES, "both metrics have arrived")


def test_archive_handler_writes_its_file(site, tmp_path):
    archive = tmp_path / "archive.log"
    site.configure(
        ["diamond.handler.archive.ArchiveHandler"], section("ArchiveHandler", log_file=archive)
    )
    run_sample(site)
    written = [tuple(line.split(" ")[:2]) for line in archive.read_text().splitlines()]
    assert written == LINES


def test_null_handler_writes_to_the_log(site):
    site.configure([NULL])
    run_sample(site)
    for path, value in LINES:
        assert f"DEBUG Metric: {path}\t{value}\t" in site.log


def test_all_logging_goes_to_stdout_on_request(site):
    site.configure([NULL])
    result = site.run("-l", "-r", "SampleCollector")
    assert result.returncode == 0
    assert ":DEBUG]\tMetric: servers.scanner.SampleCollector.answer\t42\t" in result.stdout
    assert site.log == ""


def test_a_collector_that_is_not_enabled_runs_too(site):
    site.configure([NULL], collectors="[[SampleCollector]]\nenabled = False")
    run_sample(site)


def test_a_collector_gets_the_configuration_of_the_name_it_is_run_by(site):
    site.configure([NULL], collectors="[[SampleCollector twice]]\npath = second")
    assert site.run("-r", "SampleCollector twice").returncode == 0
    assert "servers.scanner.second.answer" in site.log


def test_a_collector_from_an_entry_point_runs_without_setuptools(site, tmp_path):
    """The folder `modules` shadows setuptools, and holds an installed distribution."""
    modules = tmp_path / "modules"
    for shadow in ("setuptools", "pkg_resources"):
        (modules / shadow).mkdir(parents=True)
        (modules / shadow / "__init__.py").write_text("raise ImportError('not installed')")
    (tmp_path / "collectors" / "sample.py").rename(modules / "packaged_collector.py")
    information = modules / "packaged-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: packaged\nVersion: 1\n")
    (information / "entry_points.txt").write_text(
        "[diamond.collectors]\npackaged = packaged_collector\n"
    )
    site.configure([NULL])
    path = f"{modules}:{site.environment['PYTHONPATH']}"
    result = site.run("-r", "SampleCollector", PYTHONPATH=path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "servers.scanner.SampleCollector.answer" in site.log


def test_host_name_from_a_command(site):
    collectors = "[[SampleCollector]]\nhostname_method = shell\nhostname = echo bay1"
    site.configure([NULL], collectors=collectors)
    run_sample(site)
    assert "servers.bay1.SampleCollector.answer" in site.log


def test_unknown_collector_fails_and_names_those_there_are(site):
    site.configure([NULL])
    result = site.run("-r", "StabilityCollektor")
    assert result.returncode == 1
    assert "there is no collector 'StabilityCollektor'" in result.stderr
    assert "SampleCollector" in result.stderr
    assert "Traceback" not in result.stderr


def test_raising_collector_fails_after_its_metrics_were_flushed(site, receiver):
    site.write_collector(
        "sample",
        "import diamond.collector\n\n"
        "class SampleCollector(diamond.collector.Collector):\n"
        "    def collect(self):\n"
        "        self.publish('answer', 42)\n"
        "        raise RuntimeError('the coil is loose')\n",
    )
    settings = section("GraphiteHandler", host="127.0.0.1", port=receiver.port, batch=100)
    site.configure([GRAPHITE], settings)
    result = site.run("-r", "SampleCollector")
    assert result.returncode == 1
    assert "the coil is loose" in site.log
    assert "Traceback" not in result.stderr
    wait_until(lambda: receiver.lines() == LINES[:1], "the metric has arrived")


def test_no_receiver_fails(site):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]  # bound, so nobody else gets it, but not listening
        site.configure([GRAPHITE], section("GraphiteHandler", host="127.0.0.1", port=port))
        result = site.run("-r", "SampleCollector")
    assert result.returncode == 1
    assert "Failed to connect to 127.0.0.1" in result.stderr


def test_collector_that_does_not_start_fails(site):
    collectors = "[[SampleCollector]]\nmetrics_whitelist = a\nmetrics_blacklist = b"
    site.configure([NULL], collectors=collectors)
    result = site.run("-r", "SampleCollector")
    assert result.returncode == 1
    assert "metrics_whitelist" in result.stderr


def test_handler_that_does_not_load_fails(site):
    site.configure([NULL, "no_such_module.Handler"])
    result = site.run("-r", "SampleCollector")
    assert result.returncode == 1
    assert "'no_such_module.Handler' in `handlers`" in result.stderr
    assert "answer" not in site.log  # it has not run


def test_another_collector_that_does_not_load_is_no_failure(site):
    site.write_collector("broken", "import no_such_module")
    site.configure([NULL])
    run_sample(site)
    assert "no_such_module" in site.log


def test_says_which_reports_are_left_alone(site, tmp_path):
    """Whoever tries it out would wonder why nothing happens."""
    folder = tmp_path / "bay1"
    folder.mkdir()
    (folder / "Stability_20260302T070412.txt").write_text(
        "Stability configuration: 16 slices, 500 measurements, 32 channels\n"
    )
    site.configure(
        [NULL],
        collectors="[[StabilityCollector]]\nsettle_seconds = 0\n"
        f"[[[scanners]]]\nA/Bay1 = {folder}\n[[[coils]]]\n32 = 32",
    )
    result = site.run("-r", "StabilityCollector")
    assert (result.returncode, result.stderr) == (0, "")
    told = (
        f"'{folder}': reports left alone for now: 0 not yet seen unchanged for "
        "settle_seconds, 1 incomplete"
    )
    assert result.stdout == f"diamond3: {told}\n"
    assert f"INFO {told}\n" in site.log


def test_runs_beside_a_daemon(site):
    site.configure([NULL])
    site.pid_file.write_text("1\n")
    run_sample(site)
    assert site.pid_file.read_text() == "1\n"
