"""One server process of the lab: started, awaited, and stopped for certain."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
from pathlib import Path

from lab.errors import LabError, PortTaken
from lab.workplace import end_put_off

START_PATIENCE = 120  # seconds; a start takes two, on a busy machine many more
STOP_PATIENCE = 60  # seconds for carbon to write what it still has in memory


class Server:
    """A server in a process of its own, which dies with ours.

    Its standard input is a socket to us: it writes one byte there as soon as it listens, and ends
    when it closes, as `serve.py` and `guard.py` do.
    """

    def __init__(
        self, name: str, command: list[str], folder: Path, variables: dict[str, str], log: Path
    ) -> None:
        """`name` is for messages; the process runs in `folder`, and its output goes to `log`."""
        self.name = name
        self.log = log
        self._command = command
        self._folder = folder
        self._variables = variables
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: socket.socket | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The number of the process, or None when it does not run."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def start(self) -> None:
        """Starts the server and waits until it listens; does nothing when it runs.

        Raises LabError when it does not come up; no process is left then.
        """
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Starts the process, and does not wait; does nothing when it runs."""
        if self.pid is not None:
            return
        self.kill()
        self._lifeline, theirs = socket.socketpair()
        with theirs, self.log.open("ab") as log, end_put_off():
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._variables,
                stdin=theirs.fileno(),
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal is for us, who stop the servers in good order.
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Waits until a launched server listens; raises as `start` does."""
        if self._lifeline is None:
            raise LabError(f"{self.name} was not launched: launch it before waiting for it.")
        try:
            self._lifeline.settimeout(START_PATIENCE)
            # Left unread, so that whoever asks next hears it too.
            answer = self._lifeline.recv(1, socket.MSG_PEEK)
        except socket.timeout:
            self.stop()  # in order, for whatever it has started
            raise LabError(
                f"{self.name} did not come up in {START_PATIENCE} s; {self._log_tail()}."
            ) from None
        if not answer:
            self.kill()
            raise self._why_it_ended()

    def stop(self) -> None:
        """Lets the server write what it has received, and waits until its process is gone."""
        try:
            if self._process is not None:
                self._process.terminate()
                self._process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            pass  # killed below
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends the process at once, as a power cut would: points still in memory are lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._lifeline is not None:
            self._lifeline.close()
            self._lifeline = None

    def _why_it_ended(self) -> LabError:
        if os.strerror(errno.EADDRINUSE) in self._log_text():
            return PortTaken(f"{self.name} found another program on its port; {self._log_tail()}.")
        return LabError(f"{self.name} ended as it started; {self._log_tail()}.")

    def _log_text(self) -> str:
        """What this run has written to the log."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", "replace")

    def _log_tail(self) -> str:
        lines = self._log_text().split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"its log {self.log} ends with {last!r}" if last else f"its log {self.log} is empty"
