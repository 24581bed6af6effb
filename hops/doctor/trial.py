"""A file of our own, moved through a scanner's folder as the collector moves reports.

Nothing that is there is touched, and nothing is left behind.
"""

from __future__ import annotations

import errno
import os
import stat
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.doctor.user import me
from stability_folder import Folder, move

# As of a report, but for the name.
CONTENT = b"Written by hops doctor, to see whether reports can be moved. It may be deleted.\n" * 100
FULL = (errno.ENOSPC, errno.EDQUOT)
# So many seconds the clocks of a share and of this machine may differ.
CLOCKS_APART = 60


def check(location: str, path: str, opened: Any, subfolders: Sequence[str]) -> Iterator[Finding]:
    """Whether a file can be made in the scanner's folder (an open `Folder`), and moved into its
    subfolders."""
    check = f"folder of {location}"
    name = f".hops-doctor-{uuid.uuid4().hex}.txt"
    try:
        with _own_file(opened, name):
            yield from _clock(check, path, opened.status(name))
            for subfolder in subfolders:
                yield _moved(f"{subfolder} of {location}", opened, name, subfolder)
    except OSError as error:
        yield _failed(check, path, error)
    if opened.status(name) is not None:
        text = f"{os.path.join(path, name)!r} was made by hops doctor and cannot be deleted"
        yield Finding(check, FAILED, text, f"delete it, and let {me()} delete files there")


@contextmanager
def _own_file(opened: Any, name: str) -> Iterator[None]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(opened.at(name), flags, 0o644)
    try:
        try:
            _write(descriptor, CONTENT)
        finally:
            os.close(descriptor)
        yield
    finally:
        with suppress(OSError):  # seen by who looks whether it is there
            os.unlink(opened.at(name))


def _write(descriptor: int, data: bytes) -> None:
    os.write(descriptor, data)
    os.fsync(descriptor)  # or a server may say later that it has no room


def _failed(check: str, path: str, error: OSError) -> Finding:
    if error.errno in FULL:
        text = f"{path!r} is full ({error.strerror}): no report can be written or moved there"
        return Finding(check, FAILED, text, "make room on the share, or raise the quota")
    return Finding(
        check,
        FAILED,
        f"{path!r} cannot be written to by {me()}, so no report can be moved away "
        f"({error.strerror})",
        "let that user write to it, and mount the share for reading and writing",
    )


def _clock(check: str, path: str, status: os.stat_result | None) -> Iterator[Finding]:
    apart = status.st_mtime - time.time() if status else 0
    if abs(apart) > CLOCKS_APART:
        which = "ahead of" if apart > 0 else "behind"
        text = f"the clock of the share at {path!r} is {abs(apart):.0f} s {which} this machine's"
        yield Finding(check, WARNING, text, "set both by NTP")


def _moved(check: str, opened: Any, name: str, subfolder: str) -> Finding:
    trouble = ""
    try:
        status = opened.status(subfolder)
        if status is None:
            return _moved_into_new(check, opened, name)
        if stat.S_ISLNK(status.st_mode):
            trouble = "it is a link, and no link in a scanner's folder is followed"
        elif not stat.S_ISDIR(status.st_mode):
            trouble = "it is no folder"
        else:
            _there_and_back(opened, name, subfolder)
    except OSError as error:
        trouble = _in_words(error)
    if trouble:
        todo = f"make {subfolder!r} a plain folder there, which {me()} may write to"
        return Finding(check, FAILED, f"reports cannot be moved there: {trouble}", todo)
    return Finding(check, OK, "reports can be moved there: a file of our own was")


def _moved_into_new(check: str, opened: Any, name: str) -> Finding:
    """The same with a subfolder of our own, where the collector will make one."""
    new = name.removesuffix(".txt")
    try:
        os.mkdir(opened.at(new))
        try:
            _there_and_back(opened, name, new)
        finally:
            os.rmdir(opened.at(new))
    except OSError as error:
        text = f"it is not there, and cannot be made and moved into: {_in_words(error)}"
        return Finding(check, FAILED, text, f"let {me()} make folders there")
    return Finding(check, OK, "made when it is needed, as one of our own was")


def _there_and_back(opened: Any, name: str, subfolder: str) -> None:
    with opened.below(subfolder) as folder:
        assert isinstance(folder, Folder)
        try:
            if not move(opened, name, folder, name) or not move(folder, name, opened, name):
                raise OSError(errno.ENOENT, "what was moved there was not found")
        finally:
            with suppress(OSError):  # it is where it was, or has gone
                os.unlink(folder.at(name))


def _in_words(error: OSError) -> str:
    if error.errno == errno.EXDEV:
        return f"it is on another file system, or a mount of its own ({error.strerror})"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{me()} may not write to it ({error.strerror})"
    return str(error.strerror)
