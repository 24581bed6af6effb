"""The processes of a running Diamond, told apart, to be killed one by one or all at once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from lab.diamond import DiamondSite
from lab.workplace import end_put_off

# The processes that Diamond starts with one collector, in this order: of the queue between the
# other two, of the handlers, of the collector. Only the last is started anew when it ends.
WORKERS = ("queue", "handlers", "collector")
STOP_PATIENCE = 60
NAP = 0.02


class Daemon:
    """The Diamond of a site as a daemon, which can be started again after whatever end."""

    def __init__(self, site: DiamondSite) -> None:
        self.site = site
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts Diamond and does not wait; does nothing when it runs."""
        if not self.is_running():
            self.kill()
            with end_put_off():
                self._server = self.site.start_daemon()

    def is_running(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def workers(self) -> dict[str, int]:
        """Process numbers by WORKERS; empty unless all of them run."""
        children = self._children()
        return dict(zip(WORKERS, children)) if len(children) == len(WORKERS) else {}

    def kill(self) -> None:
        """Ends all processes at once, as a power cut would."""
        if self._server is None:
            return
        with suppress(ProcessLookupError):
            os.kill(self._server.pid, signal.SIGSTOP)  # or it could start another meanwhile
        pids = [self._server.pid, *self._children()]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._server.wait()
        self._server = None
        while any(map(_is_running, pids)):
            time.sleep(NAP)

    def hang_up(self) -> None:
        """Makes all processes read the configuration again, as `pkill -HUP diamond3` does."""
        if self._server is None or not self.workers():
            return  # it could still be too young to know the signal
        for pid in (self._server.pid, *self._children()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)

    def stop(self) -> None:
        """Ends Diamond in good order if it can, else at once."""
        if self._server is not None:
            self._server.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._server.wait(STOP_PATIENCE)
            self.kill()

    def _children(self) -> list[int]:
        """The processes that Diamond has started and that still run, oldest first."""
        if self._server is None:
            return []
        server = self._server.pid
        try:
            text = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii")
        except OSError:  # it has ended
            return []
        return [pid for pid in map(int, text.split()) if _is_running(pid)]


def _is_running(pid: int) -> bool:
    """Whether the process is there, and not only waits for its parent to notice its end."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
