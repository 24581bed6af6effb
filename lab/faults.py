"""A share that fails: a folder shown through FUSE, with errors, hangs and wrong attributes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from lab.errors import LabError
from lab.workplace import end_put_off

# Beside the checkout, where the project's tests have it; and Debian's Python, which has fusepy.
FAULTFS = Path(__file__).resolve().parents[2] / "shared/tools/faultfs.py"
PYTHON = "/usr/bin/python3"

PATIENCE = 120
NAP = 0.05

Rule = Mapping[str, object]
"""As faultfs.py has it: `{"op": "rename", "path": ".txt", "after": true, "errno": "EIO"}`."""


def lacking() -> str:
    """What this machine lacks for such a share; nothing if it has all."""
    if not FAULTFS.is_file():
        return f"{FAULTFS} is not there"
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "it takes root and /dev/fuse"
    if not shutil.which("fusermount") or subprocess.call(
        [PYTHON, "-c", "import fusepy"], stderr=subprocess.DEVNULL
    ):
        return "it takes Debian's packages fuse and python3-fusepy"
    return ""


class FaultyShare:
    """Shows the folder `source` at `mount`, with the faults of the moment; a context manager."""

    def __init__(self, source: Path, mount: Path) -> None:
        """Both are made if need be."""
        self.always: tuple[Rule, ...] = ()
        self.source = source
        self.mount = mount
        self._rules = source.with_name(f"{source.name}.rules.json")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> FaultyShare:
        for folder in (self.source, self.mount):
            folder.mkdir(parents=True, exist_ok=True)
        self.have()
        command = [PYTHON, FAULTFS, self.source, self.mount, self._rules]
        try:
            with end_put_off():
                self._process = subprocess.Popen(
                    list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            self._wait_until_shown(self._process)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _wait_until_shown(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not os.path.ismount(self.mount):
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"{self.source} cannot be shown at {self.mount} by FUSE")
            time.sleep(NAP)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.have()  # or who hangs in it would go on to
        subprocess.call(["umount", "--lazy", str(self.mount)], stderr=subprocess.DEVNULL)
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
            self._process.kill()
            self._process.wait()

    def have(self, *rules: Rule) -> None:
        """Has these faults from now on, and no others but those that it has `always`."""
        new = self._rules.with_suffix(".new")
        new.write_text(json.dumps([*self.always, *rules]), encoding="utf-8")
        new.replace(self._rules)
