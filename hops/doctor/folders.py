"""The scanners' folders, as the user sees them whom Diamond runs as. Nothing is written."""

from __future__ import annotations

import os
import pwd
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path

from diamond3 import DiamondError
from diamond3.accounts import Account
from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.site import Site
from stability_folder import Folder
from stability_report import report_names

FSTAB = Path("/etc/fstab")

# So many seconds a share's clock may be ahead before it is worth a word.
CLOCKS_APART = 5

Findings = list[Finding]


def check(site: Site) -> Iterator[Finding]:
    """Whether the reports can be read, and moved into the archive, by whom Diamond runs as."""
    server = site.config["server"]
    subfolders = (site.settings.ingest_dir, site.settings.reject_dir)
    try:
        account = Account.named(server.get("user", ""), server.get("group", ""))
        yield _user(account)
        with _acting_as(account) as run:
            for scanner in site.settings.scanners:
                yield from run(look, scanner.location, scanner.folder, subfolders)
    except DiamondError as error:
        todo = "name a user and a group that Diamond can run as, or none, in [server]"
        yield Finding("user", FAILED, f"{error}", todo)


def look(location: str, folder: str, subfolders: Sequence[str]) -> Findings:
    """What the present user finds of one scanner's folder."""
    check = f"folder of {location}"
    try:
        with Folder(folder) as opened:
            names = opened.names()
        rooms = [_room_for(location, folder, subfolder) for subfolder in subfolders]
        return [_access(check, folder, names), *rooms, *_clock(check, folder, report_names(names))]
    except OSError as error:
        return [
            Finding(
                check,
                FAILED,
                f"{folder!r} cannot be read by {_me()}: {error.strerror}",
                "mount the share, and let that user read it; or correct [scanners]",
            )
        ]


# -- who looks -----------------------------------------------------------------------------


def _user(account: Account) -> Finding:
    wanted = account.user.pw_name if account.user else ""
    if not wanted:
        text = f"the folders were tested as {_me()}: [server] names no user, so Diamond runs as "
        return Finding("user", OK, text + "whoever starts it: let that user ask the doctor")
    if wanted == _me() or os.geteuid() == 0:
        return Finding("user", OK, f"the folders were tested as {wanted}, who Diamond runs as")
    return Finding(
        "user",
        WARNING,
        f"the folders were tested as {_me()}, and Diamond runs as {wanted}",
        f"ask as that user or as root: sudo -u {wanted} hops doctor",
    )


def _me() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # as in a container
        return f"user {os.geteuid()}"


@contextmanager
def _acting_as(account: Account) -> Iterator[Callable[..., Findings]]:
    """What calls a function as that user, where we may, in a process that becomes that user."""
    if account.user is None or os.geteuid() != 0:
        yield lambda function, *arguments: function(*arguments)
        return
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        pool.submit(account.become).result()
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


# -- what is there -------------------------------------------------------------------------


def _access(check: str, folder: str, names: Sequence[str]) -> Finding:
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            check,
            FAILED,
            f"{folder!r} cannot be written to by {_me()}, so no report can be moved away",
            "let that user write to it, and mount the share for reading and writing",
        )
    if not names:
        return _empty(check, folder)
    waiting = len(report_names(names))
    return Finding(check, OK, f"{folder!r} can be read and written; reports waiting: {waiting}")


def _empty(check: str, folder: str) -> Finding:
    """An empty folder is a new one, or a mount point without its share."""
    for point in _mount_points():
        if Path(point) in (Path(folder), *Path(folder).parents) and not os.path.ismount(point):
            return Finding(
                check,
                FAILED,
                f"{folder!r} is empty: {point!r} is in {FSTAB} and is not mounted",
                f"mount {point}",
            )
    if os.stat(folder).st_dev == os.stat("/").st_dev:
        return Finding(
            check,
            WARNING,
            f"{folder!r} is empty, and on this machine's own disk",
            "if a share should be there, mount it; a new folder fills by itself",
        )
    return Finding(check, OK, f"{folder!r} can be read and written, and is empty")


def _mount_points() -> list[str]:
    """Where FSTAB mounts something, deepest first; but for /."""
    try:
        lines = FSTAB.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    fields = [line.split() for line in lines if not line.lstrip().startswith("#")]
    points = {each[1].replace("\\040", " ") for each in fields if len(each) > 1}
    return sorted((each for each in points if each.strip("/")), key=len, reverse=True)


def _room_for(location: str, folder: str, subfolder: str) -> Finding:
    check = f"{subfolder} of {location}"
    into = os.path.join(folder, subfolder)
    try:
        mode = os.lstat(into).st_mode
    except FileNotFoundError:
        if os.access(folder, os.W_OK | os.X_OK):
            return Finding(check, OK, "made when it is needed")
        trouble = "it is not there and cannot be made"
    else:
        trouble = _trouble_moving(folder, into, mode)
    if trouble:
        todo = f"make {subfolder!r} a plain folder there, which {_me()} may write to"
        return Finding(check, FAILED, f"reports cannot be moved there: {trouble}", todo)
    return Finding(check, OK, "reports can be moved there")


def _trouble_moving(folder: str, into: str, mode: int) -> str:
    """Why no file can be moved `into` what is of that mode in `folder`; nothing if it can."""
    if stat.S_ISLNK(mode):
        return "it is a link, and no link in a scanner's folder is followed"
    if not stat.S_ISDIR(mode):
        return "it is no folder"
    if not os.access(into, os.R_OK | os.W_OK | os.X_OK):
        return f"{_me()} may not write to it"
    # Linux looks at the file systems first (EXDEV), and then for the file, which nobody has.
    nobodys = f".{uuid.uuid4()}"
    try:
        os.rename(os.path.join(folder, nobodys), os.path.join(into, nobodys))
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"it is on another file system, or a mount of its own ({error.strerror})"
    return ""


def _clock(check: str, folder: str, names: Sequence[str]) -> Findings:
    """A share whose clock is behind cannot be told from files that are old."""
    changes = [os.stat(folder).st_mtime]
    for name in names:
        with suppress(OSError):  # as when it was archived meanwhile
            changes.append(os.lstat(os.path.join(folder, name)).st_mtime)
    ahead = max(changes) - time.time()
    if ahead <= CLOCKS_APART:
        return []
    return [
        Finding(
            check,
            WARNING,
            f"something in {folder!r} was changed {ahead:.0f} s from now: the clock of the share, "
            "or of this machine, is wrong",
            "set both by NTP",
        )
    ]
