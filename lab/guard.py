"""Runs a command for as long as its starter wants it, who holds the other end of our input.

A program that knows nothing of its starter would outlive one that was killed.
`python guard.py URL COMMAND...` writes one byte to the starter when `URL` answers, and ends with
the exit code of the command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress

STARTER = 0
PATIENCE = 20  # seconds for the command to end by itself
NAP = 0.2


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: stop())
    threading.Thread(target=stop_with_starter, daemon=True).start()
    url, *command = sys.argv[1:]
    process.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
    if stopping.is_set():  # since before there was anything to stop
        process[0].terminate()
    is_ready = False
    while True:
        try:
            sys.exit(process[0].wait(PATIENCE if stopping.is_set() else NAP))
        except subprocess.TimeoutExpired:
            if stopping.is_set():
                process[0].kill()
            elif not is_ready and (is_ready := answers(url)):
                with suppress(OSError):  # who has gone will not read it
                    os.write(STARTER, b"!")


process: list[subprocess.Popen[bytes]] = []
stopping = threading.Event()


def stop() -> None:
    stopping.set()
    for one in process:
        one.terminate()


def stop_with_starter() -> None:
    with suppress(ConnectionResetError):
        os.read(STARTER, 1)
    stop()


def answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        direct.open(url, timeout=5).close()
    except OSError:  # which all of urllib's errors are
        return False
    return True


if __name__ == "__main__":
    main()
