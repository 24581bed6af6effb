"""Runs a command for as long as its starter wants it, who holds the other end of our input.

A program that knows nothing of its starter would outlive one that was killed.
`python guard.py COMMAND...`; ends with the exit code of the command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

STARTER = 0
PATIENCE = 20  # seconds for the command to end by itself


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: stop())
    threading.Thread(target=stop_with_starter, daemon=True).start()
    process.append(subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL))
    if stopping.is_set():  # since before there was anything to stop
        process[0].terminate()
    while True:
        try:
            sys.exit(process[0].wait(PATIENCE if stopping.is_set() else 0.2))
        except subprocess.TimeoutExpired:
            if stopping.is_set():
                process[0].kill()


process: list[subprocess.Popen[bytes]] = []
stopping = threading.Event()


def stop() -> None:
    stopping.set()
    for one in process:
        one.terminate()


def stop_with_starter() -> None:
    os.read(STARTER, 1)
    stop()


if __name__ == "__main__":
    main()
