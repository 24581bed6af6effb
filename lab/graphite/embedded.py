"""A Graphite of our own, for demos and tests: in one folder, on loopback, gone when we are."""

from __future__ import annotations

import fcntl
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from lab.errors import LabError, PortTaken
from lab.graphite.configuration import STORAGE_SCHEMAS, write_configuration
from lab.graphite.environment import Environment, process_variables
from lab.ports import LOOPBACK, choose_ports, require_free
from lab.server import START_PATIENCE, Server

SERVE = Path(__file__).with_name("serve.py")
PORT_ATTEMPTS = 10


class EmbeddedGraphite:
    """carbon-cache and graphite-web with everything they write in one folder.

    A context manager, or `start()` and `stop()`. The two servers can also be stopped, killed and
    started alone, on the same ports, through `carbon` and `web`.
    """

    carbon: Server
    web: Server

    def __init__(
        self,
        folder: Path,
        environment: Environment,
        *,
        web_port: int | None = None,
        line_port: int | None = None,
        carbon_settings: Mapping[str, str] | None = None,
        storage_schemas: str = STORAGE_SCHEMAS,
    ) -> None:
        """Prepares a Graphite in `folder`, which is made if need be; what it holds is kept.

        `web_port`, `line_port`: TCP ports of graphite-web, and of carbon's line protocol; free
        ones are chosen if not given. `carbon_settings`: of carbon.conf's `[cache]` section, over
        ours. `storage_schemas`: text of storage-schemas.conf; the default has one archive,
        `1h:25y`.
        """
        self.folder = folder.absolute()
        self.whisper_dir = self.folder / "whisper"
        self.log_dir = self.folder / "log"
        self._environment = environment
        self._web_port = web_port
        self._line_port = line_port
        self._carbon_settings = dict(carbon_settings or {})
        self._storage_schemas = storage_schemas
        self._lock: int | None = None
        self._settled = False
        self._prepare()

    @property
    def line_port(self) -> int:
        """TCP port of carbon's line protocol, settled by `start()`."""
        return self._ports.line

    @property
    def pickle_port(self) -> int:
        """TCP port of carbon's pickle protocol, settled by `start()`."""
        return self._ports.pickle

    @property
    def url(self) -> str:
        """Base address of graphite-web without a slash at the end, settled by `start()`."""
        return f"http://{LOOPBACK}:{self._ports.web}"

    def start(self) -> None:
        """Starts both servers and waits until both answer; does nothing when they run.

        Raises LabError when one does not, when a given port is taken, when the folder cannot
        be written, or when another Graphite runs in it; nothing runs then.
        """
        if self.carbon.pid and self.web.pid:
            return
        try:
            self._lock_folder()
            self._require_ports()
            self._start_on_free_ports()
            self._check_web()
        except OSError as error:
            self.stop()
            raise LabError(f"Graphite cannot run in {self.folder}: {error}.") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops both servers, after they have written what they have; stopping twice is fine."""
        try:
            self.web.stop()
        finally:
            try:
                self.carbon.stop()
            finally:
                self._unlock_folder()

    def __enter__(self) -> EmbeddedGraphite:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _prepare(self) -> None:
        """Chooses ports, and prepares the servers for them."""
        self._ports = choose_ports(self._web_port, self._line_port)
        conf = self.folder / "conf"
        variables = process_variables(
            PYTHONPATH=str(conf),
            # Settings rewritten within a second would look the same as their cached bytecode.
            PYTHONDONTWRITEBYTECODE="1",
            GRAPHITE_ROOT=str(self.folder),
            DJANGO_SETTINGS_MODULE="graphite.settings",
            GRAPHITE_SETTINGS_MODULE="local_settings",
        )
        python = [str(self._environment.python), str(SERVE)]
        carbon = ["carbon-cache", str(conf / "carbon.conf"), "a"]
        web = ["web", LOOPBACK, str(self._ports.web), str(self._environment.static)]
        self.carbon = Server(
            "carbon-cache", python + carbon, self.folder, variables, self.log_dir / "carbon.log"
        )
        self.web = Server(
            "graphite-web", python + web, self.folder, variables, self.log_dir / "web.log"
        )

    def _require_ports(self) -> None:
        if self._web_port and not self.web.pid:
            require_free(self._web_port, "graphite-web")
        if self._line_port and not self.carbon.pid:
            require_free(self._line_port, "carbon")

    def _start_on_free_ports(self) -> None:
        """Starts both servers; on other ports if somebody was quicker to take one of ours."""
        for attempts_left in reversed(range(PORT_ATTEMPTS)):
            write_configuration(
                self.folder, self._ports, self._carbon_settings, self._storage_schemas
            )
            try:
                self.carbon.launch()
                self.web.launch()
                self.carbon.wait_until_ready()
                self.web.wait_until_ready()
            except PortTaken:
                if self._settled or not attempts_left:
                    raise
                self.web.kill()
                self.carbon.kill()
                self._prepare()
            else:
                # Whoever knows the ports by now may rely on them.
                self._settled = True
                return

    def _check_web(self) -> None:
        address = f"{self.url}/render?target=ready&format=json"
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            direct.open(address, timeout=START_PATIENCE).close()
        except urllib.error.HTTPError as error:
            error.close()
            raise LabError(
                f"graphite-web answers {address} with {error.code} {error.reason}: "
                f"see {self.log_dir / 'exception.log'}."
            ) from None

    def _lock_folder(self) -> None:
        """Two carbons would write to the same whisper files."""
        if self._lock is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise LabError(
                f"Another Graphite is running in {self.folder}: stop it or choose another folder."
            ) from None
        self._lock = descriptor

    def _unlock_folder(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
