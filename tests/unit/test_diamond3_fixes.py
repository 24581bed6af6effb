"""Each fix, on the translated module it is for."""

import importlib
import logging
import pickle
import struct
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from configobj import ConfigObj

import diamond3
from diamond3 import logs, python2
from diamond3.fixes import FIXES


@pytest.fixture(scope="module", autouse=True)
def _activated():
    diamond3.activate()


def module(name):
    return importlib.import_module(f"diamond.{name}")


def metric(value=1, **settings):
    return module("metric").Metric("servers.host.collector.name", value, timestamp=7, **settings)


def handler(module_name, class_name, **settings):
    """A handler that finds nobody at its address."""
    config = ConfigObj(dict({"host": "127.0.0.1", "port": "1"}, **settings))
    return getattr(module(f"handler.{module_name}"), class_name)(config)


@contextmanager
def connected(graphite):
    """Connect the handler; gives the socket at the other end."""
    handler_socket = module("handler.graphite").socket
    receiving, sending = handler_socket.socketpair()
    with receiving, sending:
        receiving.settimeout(600)
        graphite.socket = handler_socket.socket(fileno=sending.detach())
        yield receiving
        graphite._close()


@pytest.mark.parametrize("name", sorted(name for name in FIXES if name.startswith("diamond.")))
def test_every_fix_finds_what_it_replaces(name):
    importlib.import_module(name)


# Numbers


@pytest.mark.parametrize(
    ("number", "rounded"),
    [
        (0.5, 1.0),
        (1.5, 2.0),
        (2.5, 3.0),
        (-0.5, -1.0),
        (-2.5, -3.0),
        (2.4, 2.0),
        (0.49999999999999994, 0.0),
        (1e300, 1e300),
        (float("inf"), float("inf")),
    ],
)
def test_halves_are_rounded_away_from_zero(number, rounded):
    assert python2.round(number) == rounded
    assert isinstance(python2.round(number), float)


def test_value_given_as_text_is_rounded_as_it_always_was():
    assert (metric("2.5").value, repr(metric("2.5").value)) == (3, "3.0")
    assert str(metric("nan").value) == "nan"


# The queue


def test_a_metric_crosses_the_queue_as_it_is():
    sent = metric(2.5, raw_value=3, precision=1, host="a", metric_type="GAUGE", ttl=60.0)
    sent.value = "changed since"
    found = pickle.loads(pickle.dumps(sent, pickle.HIGHEST_PROTOCOL))
    assert type(found) is type(sent)
    for name in sent.__slots__:
        assert getattr(found, name) == getattr(sent, name)


# Text and bytes


def test_carbon_gets_the_bytes_that_a_name_was_read_from():
    graphite = handler("graphite", "GraphiteHandler")
    name = b"servers.h\xc3\xb6st.\xff".decode("utf-8", "surrogateescape")
    with connected(graphite) as receiving:
        graphite.process(module("metric").Metric(name, 1, timestamp=7))
        assert receiving.recv(100) == b"servers.h\xc3\xb6st.\xff 1 7\n"


@pytest.mark.parametrize("name", ["graphite", "statsite", "tsdb"])
def test_sockets_of_handlers_take_text(name):
    with pytest.raises(OSError, match=r"."):  # not a TypeError: there is only no connection
        module(f"handler.{name}").socket.socket().sendall("text")


@pytest.mark.parametrize("name", ["httpHandler", "signalfx", "logentries_diamond"])
def test_requests_of_handlers_take_text(name):
    request = module(f"handler.{name}").urllib2.Request("http://localhost/", "h\xf6st")
    assert request.data == b"h\xc3\xb6st"
    assert request.get_method() == "POST"


def test_request_without_a_body_has_none():
    assert module("handler.httpHandler").urllib2.Request("http://localhost/").data is None


def test_zeromq_gets_bytes(monkeypatch):
    zeromq = module("handler.zmq_pubsub")
    monkeypatch.setattr(zeromq, "zmq", object())
    sent = []
    zeromq.zmqHandler.process(SimpleNamespace(socket=SimpleNamespace(send=sent.append)), metric(2))
    assert sent == [b"servers.host.collector.name 2 7\n"]


def test_output_of_commands_is_text():
    collector = module("collector").ProcessCollector(
        {"collectors": {"ProcessCollector": {"bin": sys.executable}}}, []
    )
    code = "import sys; sys.stdout.buffer.write(b'a\\xff')"
    out, _ = collector.run_command(["-c", code])
    assert out == "a\udcff"


def test_host_name_from_a_command_is_text():
    get_hostname = module("collector").get_hostname
    get_hostname.cached_results.clear()
    config = {"hostname_method": "shell", "hostname": "echo bay1"}
    assert get_hostname(config) == "bay1"
    get_hostname.cached_results.clear()
    with pytest.raises(subprocess.CalledProcessError):
        get_hostname(dict(config, hostname="false"))
    get_hostname.cached_results.clear()


# Pickles


def values(data):
    """The values in messages of the pickle protocol."""
    found = []
    while data:
        (size,) = struct.unpack("!L", data[:4])
        found += [value for _, (_, value) in pickle.loads(data[4 : 4 + size])]
        data = data[4 + size :]
    return found


def test_pickles_wait_while_carbon_is_away_and_arrive_in_order():
    pickling = handler("graphitepickle", "GraphitePickleHandler", batch="2")
    for value in range(5):
        pickling._process(metric(value))
    pickling._flush()
    with connected(pickling) as receiving:
        pickling._flush()
        assert values(receiving.recv(10000)) == [0, 1, 2, 3, 4]


def test_flush_sends_nothing_twice():
    pickling = handler("graphitepickle", "GraphitePickleHandler", batch="1")
    with connected(pickling) as receiving:
        pickling._process(metric(1))
        pickling._flush()
        pickling._process(metric(2))
        pickling._flush()
        assert values(receiving.recv(10000)) == [1, 2]


# Names that moved


def test_rrd_handler_updates_its_file(monkeypatch, tmp_path):
    rrdtool = module("handler.rrdtool")
    commands = []
    monkeypatch.setattr(rrdtool.subprocess, "check_call", lambda *a, **k: None)
    monkeypatch.setattr(rrdtool.subprocess, "call", commands.append)
    rrd = rrdtool.RRDHandler(ConfigObj({"basedir": str(tmp_path), "batch": "2"}))
    rrd.process(module("metric").Metric("servers.h.c.name", 1, timestamp=7, host="h"))
    assert commands == []
    rrd.process(module("metric").Metric("servers.h.c.name", 2, timestamp=8, host="h"))
    assert commands == [["rrdupdate", f"{tmp_path}/h/c/name.rrd", "--", "7:1", "8:2"]]


def test_full_queue_is_logged_and_no_error(caplog):
    full = importlib.import_module("queue").Queue(1)
    full.put("one")
    queueing = module("handler.queue").QueueHandler(ConfigObj(), full)
    with caplog.at_level(logging.ERROR, "diamond"):
        queueing.process(metric())
    assert "Queue full" in caplog.text


@pytest.mark.parametrize("error", [EOFError, BrokenPipeError, FileNotFoundError])
def test_last_flush_of_a_queue_that_is_gone_is_quiet(error):
    class Gone:
        def put(self, *arguments, **options):
            raise error

    queueing = module("handler.queue").QueueHandler(ConfigObj(), Gone())
    queueing.__del__()
    with pytest.raises(error):
        queueing.queue.put(None)
    queueing.queue = importlib.import_module("queue").Queue()


def test_entry_points_are_those_of_installed_packages(monkeypatch, tmp_path):
    information = tmp_path / "site_collectors-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: site-collectors\nVersion: 1\n"
    )
    (information / "entry_points.txt").write_text(
        "[diamond.collectors]\nmissing = no_such_module\nours = test_diamond3_entry\n"
    )
    (tmp_path / "test_diamond3_entry.py").write_text(
        "import diamond.collector\nclass EntryCollector(diamond.collector.Collector):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = module("utils.classes").load_collectors_from_entry_point("diamond.collectors")
    assert "EntryCollector" in found


# Logging


def record(level):
    return logging.LogRecord("diamond", level, "place.py", 12, "what", (), None)


def test_log_line_of_an_error_is_followed_by_its_place():
    formatter = module("utils.log").DebugFormatter()
    first, second = formatter.format(record(logging.ERROR)).splitlines()
    assert first.endswith("what")
    assert second.endswith("place.py:12")
    assert formatter.format(record(logging.INFO)).endswith("\twhat")


CONFIGURATION = """
[handlers]
keys = file
[[default]]
[collectors]
[[default]]
interval = 1
[loggers]
keys = root, site
[formatters]
keys = plain
[logger_root]
handlers =
[logger_site]
qualname = test_diamond3_site
level = INFO ; a comment
handlers = file
[handler_file]
class = FileHandler
formatter = plain
args = ('{file}', 'a')
[formatter_plain]
format = %(levelname)s %(message)s
"""


@pytest.fixture
def root_logger():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.usefixtures("root_logger")
def test_logging_is_configured_by_a_file_with_sections_that_repeat(tmp_path, capsys):
    log_file = tmp_path / "site.log"
    configfile = tmp_path / "diamond.conf"
    configfile.write_text(CONFIGURATION.format(file=log_file), encoding="utf-8")
    returned = module("utils.log").setup_logging(str(configfile))
    assert returned is logging.getLogger("diamond")
    site = logging.getLogger("test_diamond3_site")
    site.info("it works")
    for log_handler in site.handlers[:]:
        site.removeHandler(log_handler)
        log_handler.close()
    assert log_file.read_text() == "INFO it works\n"
    assert capsys.readouterr().err == ""


def test_logging_that_cannot_be_set_up_is_told(tmp_path):
    configfile = tmp_path / "diamond.conf"
    configfile.write_text("[server]\n")
    with pytest.raises(diamond3.DiamondError, match="cannot be set up"):
        logs.configure(str(configfile))


# Exceptions


def test_interrupt_of_a_run_passes_through_and_flushes():
    signals = module("utils.signals")
    flushed = []

    class Slow(module("collector").Collector):
        def collect(self):
            signals.signal_to_exception(signals.signal.SIGALRM, None)

    slow = Slow(handlers=[SimpleNamespace(_flush=lambda: flushed.append(True))])
    with pytest.raises(signals.SIGALRMException):
        slow._run()
    assert flushed == [True]
