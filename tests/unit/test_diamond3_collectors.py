"""What `collectors_path` finds, in whichever Python it is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from typing import Any

import pytest

from diamond3.dialect import is_python3
from diamond3.installed import find_diamond

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
import json, sys, diamond3
diamond3.activate()
from diamond3 import collectors
classes, unloadable = collectors.load(sys.argv[1:])
"""
RUN = """
class Handler:
    metrics = {}
    def _process(self, metric):
        self.metrics[metric.path.split(".", 2)[2]] = metric.value
    def _flush(self):
        pass
for name in sorted(classes):
    config = {"collectors": {"default": {"hostname": "here", **SETTINGS.get(name, {})}}}
    classes[name](config, [Handler()])._run()
print(json.dumps(Handler.metrics))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("cache")
    return folder


def python(code: str, cache: Path, *arguments: object) -> Any:
    """What a Python prints as JSON, which has loaded the collectors of these folders."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-c", LOAD + textwrap.dedent(code), *map(str, arguments)],
        env=dict(os.environ, XDG_CACHE_HOME=str(cache), PYTHONPATH=path, PYTHONWARNINGS="error"),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def delivered(cache: Path, *names: str, **settings: dict[str, object]) -> dict[str, float]:
    """What collectors of Diamond's own publish, by name below the host's."""
    shipped = find_diamond().collectors
    assert shipped is not None
    metrics: dict[str, float] = python(
        f"SETTINGS = {settings!r}{RUN}", cache, *(shipped / name for name in names)
    )
    return metrics


def collector(name: str, *lines: str, before: str = "") -> str:
    """The source of a collector that runs these lines."""
    run = "\n".join(f"        {line}" for line in lines)
    return (
        f"import diamond.collector\n{before}\n\n"
        f"class {name}(diamond.collector.Collector):\n    def collect(self):\n{run}\n"
    )


# Which Python it is


@pytest.mark.parametrize("path", sorted(ROOT.glob("stability_*.py")), ids=lambda path: path.stem)
def test_the_drop_in_is_never_translated(path: Path) -> None:
    assert is_python3(path.read_bytes())


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "try:\n    unicode\nexcept NameError:\n    unicode = str",
        "try:\n    import urllib2\nexcept ImportError:\n    import urllib.request as urllib2",
        "import sys\nif sys.version_info < (3,):\n    import Queue\nelse:\n    import queue",
        "from functools import reduce\nreduce(max, [1])",
        "def f(file, string):\n    return file, string.letters",
        "import urllib.parse\nfrom urllib import request\nurllib.parse.quote('a')",
        "class Old(object):\n    def has_key(self, key):\n        return self.has_key(key)",
        "r = '\\d'",
        "from socket import error\ntry:\n    pass\nexcept (IOError, error):\n    pass",
        "try:\n    pass\nexcept ((IOError, OSError), ValueError):\n    pass",
    ],
)
def test_what_python_3_knows_is_left_alone(source: str) -> None:
    assert is_python3(source.encode())


@pytest.mark.parametrize(
    "source",
    [
        "print 1",
        "try:\n    pass\nexcept IOError, e:\n    pass",
        "try:\n    pass\nexcept (IOError, OSError), error:\n    pass",
        "try:\n    pass\nexcept IOError, (number, text):\n    pass",
        "a = long(1)",
        "for i in xrange(3):\n    pass",
        "isinstance(a, basestring)",
        "{}.iteritems()",
        "items = {}.itervalues",
        "import urllib2",
        "from Queue import Queue",
        "from string import maketrans",
        "import string\nstring.letters",
        "import base64\nbase64.encodestring('a')",
        "import urllib\nurllib.urlencode({})",
        "try:\n    from cStringIO import StringIO\nexcept ImportError:\n    import StringIO",
        "import sys\nif sys.version_info < (2, 6):\n    import Queue\nelse:\n    import urllib2",
        "try:\n    unicode('a')\nexcept ValueError:\n    pass",
        "try:\n    a = {}.iteritems()\nexcept Exception:\n    pass",
    ],
)
def test_what_only_python_2_knew_is_seen(source: str) -> None:
    assert not is_python3(source.encode())


# What is loaded, and from where


FILES = """
modules = [sys.modules[each.__module__] for _, each in sorted(classes.items())]
print(json.dumps([[module.__file__, module.__loader__.path] for module in modules]))
"""


def test_one_in_python_2_is_translated_in_the_cache_and_one_in_python_3_is_loaded_as_it_is(
    cache: Path, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_text(collector("AOldCollector", "self.publish('a', long(7) / 2)"))
    new.write_text(collector("NewCollector", "self.publish('a', 7 / 2, precision=1)"))
    sources = [old.read_bytes(), new.read_bytes()]
    assert python(f"SETTINGS = {{}}{RUN}", cache, tmp_path) == {
        "AOldCollector.a": 3.0,
        "NewCollector.a": 3.5,
    }
    first, second = python(FILES, cache, tmp_path)
    assert first[0] == str(old)
    assert first[1].startswith(f"{cache}/diamond3/collectors-")
    assert second == [str(new), str(new)]
    assert [old.read_bytes(), new.read_bytes()] == sources
    assert not list(tmp_path.rglob("*old*.pyc"))


def test_what_is_translated_means_what_it_did(cache: Path, tmp_path: Path) -> None:
    lines = {
        "round(2.5)": 3,
        "7 / 2 * 10": 30,
        "-7 / 2": -4,
        "7.0 / 2": 3.5,
        "010 + 10L": 18,
        "map(int, '12')[1]": 2,
        "map(None, [1], [])[0][0]": 1,
        "zip('ab', [3, 4])[1][1]": 4,
        "len(filter(None, [0, 5]))": 1,
        "len(filter(str.isdigit, 'a1b2'))": 2,
        "(lambda filter: filter('a'))(ord)": 97,
        "reduce(max, {6: 0}.keys())": 6,
        "{1: 2}.has_key(1)": 1,
        "cmp('b', 'a')": 1,
        "int(`8`)": 8,
        "int(1 <> 2)": 1,
        "len(u'\u00f6')": 1,
        "max([[9]], key=lambda (a,): a)[0]": 9,
    }
    published = [f"self.publish('m{i}', {line}, precision=1)" for i, line in enumerate(lines)]
    source = collector("C", *published, "a = 9", "a /= 2", "self.publish('halved', a, precision=1)")
    (tmp_path / "old.py").write_text(f"# coding: utf-8\n{source}", encoding="utf-8")
    found = python(f"SETTINGS = {{}}{RUN}", cache, tmp_path)
    assert list(found.values()) == [*lines.values(), 4]


def test_one_that_changes_is_translated_anew(cache: Path, tmp_path: Path) -> None:
    for value in (1, 2):
        (tmp_path / "old.py").write_text(collector("C", f"self.publish('a', long({value}))"))
        assert python(f"SETTINGS = {{}}{RUN}", cache, tmp_path) == {"C.a": value}


def test_a_later_start_does_without_the_translator(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text(collector("LaterCollector", "self.publish('a', long(1))"))
    code = "print(json.dumps('fissix' in sys.modules))"
    assert [python(code, cache, tmp_path) for _ in range(2)] == [True, False]


def test_a_module_of_pythons_own_and_a_collector_of_that_name_are_both_there(
    cache: Path, tmp_path: Path
) -> None:
    for name in ("http", "calendar"):
        (tmp_path / f"{name}.py").write_text(collector(f"{name}Collector", "pass"))
    code = "import calendar, http.client\nprint(json.dumps([sorted(classes), calendar.MONDAY]))"
    assert python(code, cache, tmp_path) == [["calendarCollector", "httpCollector"], 0]


def test_collectors_that_import_each_other_find_each_other(cache: Path, tmp_path: Path) -> None:
    """Also before an installed package of that name: they always did."""
    base, derived = tmp_path / "b" / "pluggy.py", tmp_path / "a" / "derived.py"
    for path in (base, derived):
        path.parent.mkdir()
    base.write_text(collector("BaseCollector", "self.publish('a', long(1))"))
    derived.write_text(
        "from pluggy import BaseCollector as parent_B\n\n"
        "class DerivedCollector(parent_B):\n    pass\n"
    )
    found = python(f"SETTINGS = {{}}{RUN}", cache, tmp_path)
    assert found == {"BaseCollector.a": 1, "DerivedCollector.a": 1}


def test_one_that_does_not_load_is_told_and_the_others_load(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "lacks.py").write_text(collector("Lacks", "pass", before="import no_such_thing"))
    (tmp_path / "ends.py").write_text(collector("Ends", "pass", before="raise SystemExit(3)"))
    (tmp_path / "neither.py").write_text("class Neither(:\n")
    (tmp_path / "good.py").write_text(collector("Good", "pass"))
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "passed_over.py").write_text("raise OSError")
    (tmp_path / "test_good.py").write_text("raise OSError")
    code = """
    told = [[str(file), sorted(file.classes)] for file in unloadable]
    print(json.dumps([sorted(classes), told]))
    """
    loaded, [ends, lacks, neither] = python(code, cache, tmp_path)
    assert loaded == ["Good"]
    assert ends == [f"{tmp_path}/ends.py (SystemExit: 3)", ["Ends"]]
    why = "ModuleNotFoundError: No module named 'no_such_thing'"
    assert lacks == [f"{tmp_path}/lacks.py ({why})", ["Lacks"]]
    assert neither[0].startswith(f"{tmp_path}/neither.py (ParseError: ")
    assert neither[1] == ["Neither"]


# Diamond's own


PER_DISK = {
    *("byte_avail", "byte_free", "byte_percentfree", "byte_used"),
    *("inodes_avail", "inodes_free", "inodes_percentfree", "inodes_used"),
}


def test_those_that_look_at_the_machine_deliver_what_they_did_on_python_2(cache: Path) -> None:
    found = delivered(cache, "cpu", "loadavg", "memory", "network", "diskspace", "vmstat")
    names: dict[str, set[str]] = {}
    for path in found:
        names.setdefault(path.partition(".")[0], set()).add(path.partition(".")[2])
    with open("/proc/stat") as file:
        words = [line.split() for line in file if line.startswith("cpu")]
    assert len(names["cpu"]) == sum(len(line) - 1 for line in words) + len(["cpu_count"])
    assert names["loadavg"] == {
        *("01", "05", "15", "01_normalized", "05_normalized", "15_normalized"),
        *("processes_running", "processes_total"),
    }
    assert {"MemTotal", "MemFree", "Cached", "SwapTotal"} <= names["memory"]
    faults_and_pages = {"pgpgin", "pgpgout", "pswpin", "pswpout", "pgmajfault", "pgfault"}
    assert names["vmstat"] == faults_and_pages
    with open("/proc/net/dev") as file:
        ethernet = [line for line in file if line.strip().startswith("eth")]
    of_ethernet = {name for name in names.get("network", ()) if name.startswith("eth")}
    assert len(of_ethernet) == len(ethernet) * (16 + len(["rx_bit", "tx_bit"]))
    disks = names.get("diskspace", set())
    assert disks == {f"{d}.{n}" for d in {name.split(".")[0] for name in disks} for n in PER_DISK}


@contextmanager
def answering(kind: str, body: str) -> Iterator[int]:
    """A web server's port, which answers with that text."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_one_that_asks_a_web_server_reads_its_answer(cache: Path) -> None:
    status = "Total Accesses: 12\nReqPerSec: .5\nBusyWorkers: 2\nScoreboard: __W.R\n"
    with answering("text/plain", status) as port:
        url = f"http://127.0.0.1:{port}/server-status?auto"
        found = delivered(
            cache,
            *("httpd", "http"),
            HttpdCollector={"urls": url},
            HttpCollector={"req_url": [url]},
        )
    httpd = {key.partition(".")[2]: value for key, value in found.items() if "httpd." in key}
    assert httpd["TotalAccesses"] == 12
    assert httpd["ReqPerSec"] == 0.5
    assert (httpd["IdleWorkers"], httpd["ReadingWorkers"]) == (2, 1)
    assert [value for key, value in found.items() if key.endswith(".size")] == [len(status)]


@contextmanager
def listening(answers: dict[bytes, list[bytes]]) -> Iterator[int]:
    """A server's port; to what it is sent it answers in pieces, and hangs up."""

    class Conversation(BaseRequestHandler):
        def handle(self) -> None:
            for piece in answers[self.request.recv(100)]:
                self.request.sendall(piece)

    with TCPServer(("127.0.0.1", 0), Conversation) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_one_that_talks_on_a_socket_reads_what_is_said(cache: Path) -> None:
    """A character's bytes may come in two pieces."""
    said = '{"clients": {"h\u00f6st.a": 7}}'.encode()
    with listening({b"stats\n": [said[:15], said[15:]]}) as port:
        settings = {"port": port, "include_clients": True}
        found = delivered(cache, "postfix", PostfixCollector=settings)
    assert {name.encode(errors="surrogateescape") for name in found} == {
        "postfix.clients.h\u00f6st_a".encode()
    }


FIXED = """
import apcupsd, collectd_network, gridengine, mongodb, numa
print(json.dumps([
    apcupsd.pack("xb6s", 6, "status").decode(),
    collectd_network.decode_network_string(0, 8, b"....cpu\\0"),
    gridengine.GridEngineCollector._capture_output(None, ["echo", "queue"]),
    mongodb.zlib.crc32("name"),
    numa.node_re.search("node 1 size: 12 MB").group("size"),
]))
"""


def test_bytes_and_text_are_told_apart_where_no_rule_can_know(cache: Path) -> None:
    shipped = find_diamond().collectors
    assert shipped is not None
    names = ("apcupsd", "gridengine", "jcollectd", "mongodb", "numa")
    assert python(FIXED, cache, *(shipped / name for name in names)) == [
        *("\0\x06status", "cpu", "queue\n", zlib.crc32(b"name"), "12"),
    ]
