"""A Grafana of the machine, with our dashboards, on loopback, for as long as we want it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from hops.shipped import SHIPPED
from lab.errors import LabError
from lab.ports import LOOPBACK, choose_ports, require_free
from lab.server import Server

OURS = SHIPPED / "grafana"
GUARD = Path(__file__).with_name("guard.py")

# Where packages of distributions have what a Grafana needs beside its program.
PACKAGED_HOME = Path("/usr/share/grafana")
PROGRAMS = ("grafana", "grafana-server")


class GrafanaMissing(LabError):
    """No Grafana is installed."""


class Program:
    """A Grafana that is installed: `command` starts it, `home` has its pages."""

    def __init__(self, executable: Path, home: Path) -> None:
        self.home = home
        # `grafana server` took the place of `grafana-server` in Grafana 9.4.
        self.command = [str(executable)] + (["server"] if executable.name == "grafana" else [])
        self.command += ["--homepath", str(home)]


def find_grafana(home: Path | None = None) -> Program:
    """The Grafana unpacked in the folder `home`, or that on the PATH if there is none given.

    Raises GrafanaMissing, which says how to get one.
    """
    for name in PROGRAMS:
        if home is None:
            found = shutil.which(name)
            executable = Path(found).resolve() if found else None
        else:
            executable = home.absolute() / "bin" / name
        if executable is not None and os.access(executable, os.X_OK):
            return Program(executable, home.absolute() if home else _home_of(executable))
    where = f"in {home / 'bin'}" if home else "on the PATH"
    raise GrafanaMissing(
        f"There is no Grafana {where}: download one for your system from "
        "https://grafana.com/grafana/download, unpack it, and name its folder (--grafana-home)."
    )


def _home_of(executable: Path) -> Path:
    unpacked = executable.parents[1]
    return unpacked if (unpacked / "conf" / "defaults.ini").is_file() else PACKAGED_HOME


class Grafana:
    """A Grafana that shows our dashboards of a Graphite to whoever is on this machine.

    A context manager, or `start()` and `stop()`.
    """

    def __init__(
        self, folder: Path, program: Program, graphite_url: str, port: int | None = None
    ) -> None:
        """Prepares a Grafana that writes to `folder` only; `port`: TCP, a free one if not given."""
        self._folder = folder.absolute()
        self._graphite_url = graphite_url
        self._port = port or choose_ports().web
        self._server = Server(
            "Grafana",
            [sys.executable, str(GUARD), f"{self.url}/api/health", *program.command],
            self._folder,
            self._variables(),
            self._folder / "grafana.log",
        )

    @property
    def url(self) -> str:
        """Address of the page that it opens with, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Starts it and waits until it answers; raises LabError when it does not."""
        if self._server.pid is None:
            require_free(self._port, "Grafana")
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._server.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends it for certain; stopping twice is fine."""
        self._server.stop()

    def __enter__(self) -> Grafana:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _variables(self) -> dict[str, str]:
        """Its environment: ours without settings for another Grafana, and where everything is."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("GF_", "HOPS_"))}
        return {
            **ours,
            "HOPS_GRAPHITE_URL": self._graphite_url,
            "HOPS_GRAFANA_DIR": str(OURS),
            "GF_PATHS_PROVISIONING": str(OURS / "provisioning"),
            "GF_PATHS_DATA": str(self._folder / "data"),
            "GF_PATHS_LOGS": str(self._folder / "log"),
            "GF_PATHS_PLUGINS": str(self._folder / "plugins"),
            "GF_SERVER_PROTOCOL": "http",
            "GF_SERVER_HTTP_ADDR": LOOPBACK,
            "GF_SERVER_HTTP_PORT": str(self._port),
            "GF_SERVER_ROOT_URL": f"{self.url}/",
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
            "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(OURS / "dashboards" / "fleet.json"),
            # It asks nobody on the internet for anything.
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
            "GF_NEWS_NEWS_FEED_ENABLED": "false",
        }
