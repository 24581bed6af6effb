"""A Graphite cluster on two addresses of loopback, as `graphite/cluster/` says: what differs from
those files are addresses, ports and folders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from configparser import RawConfigParser
from contextlib import ExitStack
from pathlib import Path

from programs import ROOT

from lab.graphite import Environment
from lab.graphite.embedded import SERVE
from lab.graphite.environment import process_variables
from lab.ports import free_block
from lab.server import Server

GRAPHITE = ROOT / "graphite"
ADDRESSES = {"192.0.2.1": "127.0.0.1", "192.0.2.2": "127.0.0.2"}
# In the files, and on both hosts; that of a query is the first, as `free_block` wants it.
PORTS = ("7002", "7102", "2003", "2004", "2104", "8080")
# Which caches run where.
INSTANCES = {"127.0.0.1": "ab", "127.0.0.2": "c"}


# In the place of files of 0.74 MB from the first value on.
SPARSE = {"WHISPER_FALLOCATE_CREATE": "False", "WHISPER_SPARSE_CREATE": "True"}


class Host:
    """A host of the cluster: `caches` by instance, and the graphite-web over them."""

    def __init__(
        self, address: str, folder: Path, environment: Environment, ports: Mapping[str, str]
    ) -> None:
        self.address = address
        self.folder = folder
        self.whisper_dir = folder / "whisper"
        self.url = f"http://{address}:{ports['8080']}"
        self._conf = folder / "conf"
        self._python = str(environment.python)
        self._words = {**ADDRESSES, **ports}
        self._write_configuration()
        self.caches = {name: self.carbon("carbon-cache", name) for name in INSTANCES[address]}
        self.web = self._server("web", address, ports["8080"], str(environment.static))

    def carbon(self, program: str, instance: str) -> Server:
        """A carbon of this host, not started."""
        return self._server(program, str(self._conf / "carbon.conf"), instance)

    def change_carbon(self, section: str, **settings: str) -> None:
        """Changes carbon.conf, for those that are started from now on."""
        carbon = _parser()
        carbon.read(self._conf / "carbon.conf")
        self._write_carbon(carbon, section, settings)

    def _server(self, program: str, *arguments: str) -> Server:
        variables = process_variables(
            PYTHONPATH=str(self._conf),
            GRAPHITE_ROOT=str(self.folder),
            DJANGO_SETTINGS_MODULE="graphite.settings",
            GRAPHITE_SETTINGS_MODULE="local_settings",
        )
        command = [self._python, str(SERVE), program, *arguments]
        log = self.folder / "log" / f"{program}-{Path(arguments[-1]).name}.log"
        return Server(f"{program} on {self.address}", command, self.folder, variables, log)

    def _write_configuration(self) -> None:
        for name in ("conf", "whisper", "log"):
            (self.folder / name).mkdir(parents=True)
        for name in ("storage-schemas.conf", "storage-aggregation.conf"):
            (self._conf / name).write_text((GRAPHITE / name).read_text())
        carbon = _parser()
        carbon.read_string((GRAPHITE / "carbon.conf").read_text())
        carbon.read_string(self._here((GRAPHITE / "cluster" / "carbon.conf").read_text()))
        self._write_carbon(carbon, "relay", {"STORAGE_DIR": str(self.folder)})
        self._write_carbon(carbon, "cache", {"STORAGE_DIR": str(self.folder), **SPARSE})
        web = self._here((GRAPHITE / "cluster" / "local_settings.py").read_text())
        if self.address == ADDRESSES["192.0.2.2"]:
            web = web.replace("HERE = ONE", "HERE = TWO")
        ours = {
            "GRAPHITE_ROOT": str(self.folder),
            "STORAGE_DIR": str(self.folder),
            "LOG_DIR": str(self.folder / "log"),
            "SECRET_KEY": "of a test",
            "ALLOWED_HOSTS": ["*"],
        }
        settings = "".join(f"{name} = {value!r}\n" for name, value in ours.items())
        (self._conf / "local_settings.py").write_text(web + settings)

    def _write_carbon(
        self, carbon: RawConfigParser, section: str, settings: Mapping[str, str]
    ) -> None:
        carbon[section].update(settings)
        with (self._conf / "carbon.conf").open("w") as file:
            carbon.write(file)

    def _here(self, text: str) -> str:
        """The text of a file with the addresses and ports of this cluster."""
        words = "|".join(map(re.escape, self._words))
        text = re.sub(rf"\b({words})\b", lambda match: self._words[match[1]], text)
        return text.replace("0.0.0.0", self.address)


def _parser() -> RawConfigParser:
    """For carbon.conf, whose names are in capitals."""
    parser = RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    return parser


class Cluster:
    """A relay and two hosts; a context manager."""

    def __init__(self, folder: Path, environment: Environment) -> None:
        ports = dict(zip(PORTS, map(str, free_block(len(PORTS)))))
        self.one, self.two = self.hosts = [
            Host(address, folder / name, environment, ports)
            for address, name in zip(ADDRESSES.values(), ("one", "two"))
        ]
        self.relay = self.one.carbon("carbon-relay", "a")
        self.line_port = int(ports["2003"])

    def __enter__(self) -> Cluster:
        servers = [self.relay]
        for host in self.hosts:
            servers += [*host.caches.values(), host.web]
        with ExitStack() as end:
            for server in servers:
                end.callback(server.kill)
                server.launch()
            for server in servers:
                server.wait_until_ready()
            self._end = end.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._end.close()
