"""Folders that may keep code we are going to execute: ours, and closed to everybody else."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

from diamond3.errors import DiamondError


def kept(name: str, is_there: Callable[[Path], bool], build: Callable[[Path], None]) -> Path:
    """The folder of that name in a cache, built if nobody has before.

    Raises:
        DiamondError: there is no place for it.
    """
    problem: object = "no folder"
    try:
        for cache in cache_folders():
            folder = cache / name
            if is_there(folder):
                return folder
            try:
                build(folder)
                return folder
            except OSError as error:  # no space, read-only: the next folder may do
                problem = error
    except OSError as error:  # there is no next one
        problem = error
    raise DiamondError(
        f"the Python 3 translation of Diamond cannot be kept anywhere ({problem}); "
        "set XDG_CACHE_HOME to a folder that this user can write to"
    )


def cache_folders() -> Iterator[Path]:
    """The folders to try, best first; each exists, is ours, and nobody else can write to it.

    A daemon's user often has no home. It gets a folder of its own in the temporary directory,
    whose name anybody could take first: then it gets one with a name that nobody can guess.

    Raises:
        OSError: not even a new temporary folder can be made.
    """
    for folder in _wanted_folders():
        if _made_private(folder):
            yield folder
    yield Path(tempfile.mkdtemp(prefix="diamond3-"))


def _wanted_folders() -> Iterator[Path]:
    for base in (os.environ.get("XDG_CACHE_HOME", ""), os.path.expanduser("~/.cache")):
        if os.path.isabs(base):
            yield Path(base) / "diamond3"
    yield Path(tempfile.gettempdir()) / f"diamond3-{os.geteuid()}"


def _made_private(folder: Path) -> bool:
    try:
        if not _may_grow_here(folder):
            return False
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:  # a home that is read-only or root's, a file of that name: the next will do
        return False
    return is_private(folder)


def is_private(folder: Path) -> bool:
    """Whether it is a folder, no link to one, that is ours and that only we can write to."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    writable_by_others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not writable_by_others


def _may_grow_here(folder: Path) -> bool:
    """Whether the nearest folder that exists is ours or root's.

    Under `sudo`, HOME is often still the caller's: root must not leave its folders there.
    """
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return existing.stat().st_uid in (os.geteuid(), 0)
