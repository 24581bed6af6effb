"""Carbon, where it runs on this machine: its folder of whisper files."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from configparser import Error, RawConfigParser
from pathlib import Path
from typing import Any

from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.sizing import CHOICES, file_bytes, parse_retention, size_of

CONFS = (Path("/etc/carbon/carbon.conf"), Path("/opt/graphite/conf/carbon.conf"))
DEFAULT = "/opt/graphite/storage/whisper/"
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
# The series of a coil of 16 slices.
SERIES = 448


def whisper_folder(handlers: Sequence[Any]) -> Path | None:
    """Where the carbon that a handler sends to keeps its files; None unless it is on this machine
    and its configuration where packages have it."""
    here = (*THIS_MACHINE, socket.gethostname(), socket.getfqdn())
    if not any(handler.host in here for handler in handlers):
        return None
    for conf in CONFS:
        parser = RawConfigParser(strict=False)
        try:
            with conf.open(encoding="utf-8", errors="replace") as stream:
                parser.read_file(stream)
        except (OSError, Error):  # not here, or not ours to read
            continue
        folder = Path(parser.get("cache", "LOCAL_DATA_DIR", fallback=DEFAULT))
        if folder.is_dir():
            return folder
    return None


def check(folder: Path) -> Finding:
    """Whether the disk of the whisper files has room for new series."""
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    a_file = file_bytes(parse_retention(next(iter(CHOICES))))
    if free < a_file or (status.f_files and not status.f_favail):
        text = f"the disk of {str(folder)!r} is full, so that carbon can make no series"
        return Finding("whisper", FAILED, text, "make room: hops sizing says how much it takes")
    text = f"{str(folder)!r} has {size_of(free)} left; a coil of 16 slices takes "
    text += size_of(SERIES * a_file)
    if free < SERIES * a_file:
        return Finding("whisper", WARNING, text, "make room before another coil sends reports")
    return Finding("whisper", OK, text)
