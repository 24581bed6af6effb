"""What the tests of diamond3 set up around it: a site that is configured, and what it sends to."""

import os
import pickle
import pickletools
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300.0  # no test waits as long, unless something is broken

COLLECTOR = """
import diamond.collector


class SampleCollector(diamond.collector.Collector):
    def collect(self):
        self.publish("answer", 42)
        self.publish("ratio", 0.125, precision=3)
"""

CONFIGURATION = """
[server]
handlers = {handlers}
user =
group =
pid_file = {folder}/diamond.pid
collectors_path = {folder}/collectors
collectors_load_delay = 0

[handlers]
keys = file
[[default]]
{handler_sections}

[collectors]
[[default]]
hostname = scanner
interval = 1
{collector_sections}

[loggers]
keys = root
[formatters]
keys = plain
[logger_root]
level = DEBUG
handlers = file
[handler_file]
class = FileHandler
level = DEBUG
formatter = plain
args = ('{folder}/diamond.log', 'a', None)
[formatter_plain]
format = %(levelname)s %(message)s
"""


def wait_until(condition, what):
    """Poll `condition` until it is true, and fail after a while."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


class Receiver:
    """A carbon that keeps the bytes it gets, by TCP or UDP."""

    def __init__(self, kind=socket.SOCK_STREAM):
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = []
        target = self._accept if kind == socket.SOCK_STREAM else self._datagrams
        if kind == socket.SOCK_STREAM:
            self._socket.listen()
        self._closed = False
        threading.Thread(target=target, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._closed = True
        self._socket.close()

    @property
    def received(self):
        return b"".join(bytes(data) for data in self.connections)

    def lines(self):
        """Line protocol -> [(path, value as written)], of the lines that are complete."""
        complete, _newline, _ = self.received.decode("ascii").rpartition("\n")
        fields = [line.split(" ") for line in complete.splitlines()]
        assert all(len(field) == 3 and field[2].isdigit() for field in fields)
        return [(path, value) for path, value, _ in fields]

    def pickles(self):
        """Pickle protocol -> [(path, value)]; each batch in a protocol that Python 2 reads."""
        points, rest = [], self.received
        while len(rest) >= 4:
            (size,) = struct.unpack("!L", rest[:4])
            payload, rest = rest[4 : 4 + size], rest[4 + size :]
            if len(payload) < size:
                break
            protocols = [a for op, a, _ in pickletools.genops(payload) if op.name == "PROTO"]
            assert protocols == [2]
            points += [(path, value) for path, (_, value) in pickle.loads(payload)]
        return points

    def _accept(self):
        while not self._closed:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection):
        data = bytearray()
        self.connections.append(data)
        with connection:
            while True:
                try:
                    some = connection.recv(65536)
                except OSError:
                    return
                if not some:
                    return
                data += some

    def _datagrams(self):
        self._socket.settimeout(0.1)
        while not self._closed:
            try:
                self.connections.append(self._socket.recv(65536))
            except OSError:
                continue


class Site:
    """A folder with a configuration and a collector, and the diamond3 processes it runs."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.pid_file = self.folder / "diamond.pid"
        self.log_file = self.folder / "diamond.log"
        self.configfile = self.folder / "diamond.conf"
        (self.folder / "collectors").mkdir()
        self.write_collector("sample", COLLECTOR)
        self._mark = f"DIAMOND3_TEST={uuid.uuid4()}"
        name, value = self._mark.split("=")
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        self.environment = dict(os.environ, PYTHONPATH=path, **{name: value})

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        while pids := self.processes():  # again, for one that was just being started
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    @property
    def log(self):
        return self.log_file.read_text() if self.log_file.exists() else ""

    def write_collector(self, name, source):
        (self.folder / "collectors" / f"{name}.py").write_text(source)

    def configure(self, handlers, sections="", collectors="[[SampleCollector]]\nenabled = True"):
        self.configfile.write_text(
            CONFIGURATION.format(
                folder=self.folder,
                handlers=", ".join(handlers) + ",",
                handler_sections=sections,
                collector_sections=collectors,
            )
        )

    def run(self, *arguments, **environment):
        """Run `diamond3` to its end."""
        return subprocess.run(
            self._command(arguments),
            env=dict(self.environment, **environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def start(self, *arguments):
        """Start `diamond3` and leave it running, in a process group of its own."""
        return subprocess.Popen(
            self._command(arguments),
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _command(self, arguments):
        return [sys.executable, "-m", "diamond3", "-c", str(self.configfile), *arguments]

    def processes(self):
        """The processes that live and were started, however indirectly, by this site."""
        return [
            int(folder.name)
            for folder in Path("/proc").iterdir()
            if folder.name.isdigit() and self._mark.encode() in _environment(folder)
        ]


def _environment(folder):
    try:
        return (folder / "environ").read_bytes()  # empty for a zombie
    except OSError:
        return b""
