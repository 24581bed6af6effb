"""A whisper file: how it keeps its series, what it has, and its mending."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import whisper

from hops.retention.wanted import Kept
from hops.sizing import Archive, file_bytes, reaching

Points = dict[int, float]
"""Values by epoch."""

# Beside the file, until it takes its place.
NEW = ".hops-retention"


class Broken(Exception):
    """A file that whisper cannot use: why, in words."""


class Unmendable(Exception):
    """A file that would lose something: what, in words."""


def kept(path: Path) -> Kept:
    """How the file keeps its series. Raises Broken, and OSError when it cannot be read."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise Broken("it is empty")
    try:
        info = whisper.info(str(path))
    except (whisper.WhisperException, struct.error) as error:
        raise Broken(f"its beginning makes no sense, as of a file of zeros ({error})") from None
    if info is None:
        raise OSError(f"{path} cannot be read")
    archives = tuple(Archive(each["secondsPerPoint"], each["points"]) for each in info["archives"])
    if not archives or not all(map(all, archives)):
        raise Broken("its beginning makes no sense, as of a file of zeros")
    if size < file_bytes(archives):
        raise Broken(f"it was cut short: {size:,} bytes of {file_bytes(archives):,}")
    return Kept(archives, float(info["xFilesFactor"]), str(info["aggregationMethod"]))


def points(path: Path) -> Points:
    """All values that are in the file, each as fine as it is there, also those that it shows no
    more. Raises Broken, and OSError."""
    found: Points = {}
    for archive, values in _archives(path):  # finest first
        finer = {epoch - epoch % archive.step for epoch in found}
        found.update((slot, value) for slot, value in values.items() if slot not in finer)
    return found


def mend(path: Path, wanted: Kept) -> None:
    """Has the file keep its series in the wanted way, with all the values that it has.

    The new file takes its place at once, after it was read back. Raises Broken, Unmendable, and
    OSError, as when the disk is full: then the file is as it was.
    """
    new = path.with_name(path.name + NEW)
    with path.open("rb") as old:
        try:
            while True:
                before = os.fstat(old.fileno())
                had = points(path)
                _write(new, wanted, had, before)
                if os.fstat(old.fileno()).st_mtime_ns == before.st_mtime_ns:
                    break  # or carbon has just written to it
            os.replace(new, path)
        except BaseException:
            with suppress(FileNotFoundError):
                new.unlink()
            raise
        _sync(path.parent)
        if os.fstat(old.fileno()).st_mtime_ns != before.st_mtime_ns:
            late = points(Path(f"/proc/self/fd/{old.fileno()}"))
            whisper.update_many(str(path), sorted(set(late.items()) - set(had.items())))


def _write(new: Path, wanted: Kept, had: Points, before: os.stat_result) -> None:
    now = int(time.time())
    _refuse_losses(wanted.archives, had, now)
    with suppress(FileNotFoundError):  # of one that was interrupted
        new.unlink()
    is_sparse = before.st_blocks * 512 < before.st_size
    whisper.create(
        str(new), list(wanted.archives), wanted.x_files_factor, wanted.method, sparse=is_sparse
    )
    if had:
        whisper.update_many(str(new), list(had.items()), now)
    with new.open("rb+") as file:
        os.fchmod(file.fileno(), before.st_mode & 0o7777)
        os.fchown(file.fileno(), before.st_uid, before.st_gid)
        os.fsync(file.fileno())
    _read_back(new, wanted, had, now)


def _refuse_losses(archives: Sequence[Archive], had: Mapping[int, float], now: int) -> None:
    slots: dict[tuple[Archive, int], float] = {}
    for epoch, value in had.items():
        archive = reaching(archives, now - epoch)
        if archive is None:
            raise Unmendable(
                "it has values that are older than the wanted retention; a longer "
                "one in --carbon-conf keeps them"
            )
        # Of two it would keep the later.
        if slots.setdefault((archive, epoch - epoch % archive.step), value) != value:
            raise Unmendable(
                f"it has two values that would share a slot of {archive.step} s; a finer retention "
                "in --carbon-conf keeps both"
            )


def _read_back(new: Path, wanted: Kept, had: Mapping[int, float], now: int) -> None:
    has = dict(_archives(new))
    is_good = kept(new) == wanted
    for epoch, value in had.items():
        archive = reaching(wanted.archives, now - epoch)
        for each in wanted.archives if archive else ():
            slot = has[each].get(epoch - epoch % each.step)
            if each == archive:
                is_good = is_good and slot == value
            elif archive and each.step > archive.step and wanted.x_files_factor == 0:
                is_good = is_good and slot is not None
    if not is_good:
        raise Unmendable("what was written could not be read back")


def _archives(path: Path) -> list[tuple[Archive, Points]]:
    """What is in each archive, finest first."""
    found = []
    archives = kept(path).archives
    with path.open("rb") as file:
        file.seek(file_bytes(archives) - sum(each.bytes for each in archives))
        for archive in archives:
            slots = list(struct.iter_unpack(whisper.pointFormat, file.read(archive.bytes)))
            base = slots[0][0]
            values = {
                slot: value
                for place, (slot, value) in enumerate(slots)
                if slot and (slot - base) // archive.step % archive.points == place
            }
            found.append((archive, values))
    return found


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
