"""The scanners' folders, as the user sees them whom Diamond runs as. Nothing that is there is
touched, and a folder that does not answer is left alone."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Union

from diamond3 import DiamondError
from diamond3.accounts import Account
from hops.console import counted
from hops.doctor import reports, trial, user
from hops.doctor.aside import PATIENCE, aside
from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.doctor.reports import Seen
from hops.doctor.user import me
from hops.reportfiles import EXAMPLES
from hops.site import Site
from hops.sizing import size_of
from stability_folder import Folder
from stability_report import nearly_report_names, report_names

FSTAB = Path("/etc/fstab")

# So many seconds a file may come from ahead of our clock before it is worth a word.
CLOCKS_APART = 5
# A share with less room than for a thousand reports is soon full.
LITTLE = 16 * 1024 * 1024
# So many folders are looked into at once.
AT_ONCE = 100

Found = Union[Finding, Seen]


def check(site: Site) -> tuple[list[Finding], list[Seen]]:
    """Whether the reports can be read, and moved into the archive, by whom Diamond runs as; and
    the good reports that were read."""
    server = site.config["server"]
    try:
        account = Account.named(server.get("user", ""), server.get("group", ""))
        findings = [user.check(account)]
        scanners = list(site.settings.scanners)
        paths = {scanner.folder: partial(_real_path, scanner.folder) for scanner in scanners}
        answered, _ = _aside(paths, account)
        found, stuck = _aside(
            {scanner.location: partial(_look, site, scanner) for scanner in scanners
             if answered[scanner.folder]},
            account,
        )  # fmt: skip
    except DiamondError as error:
        todo = "name a user and a group that Diamond can run as, or none, in [server]"
        return [Finding("user", FAILED, f"{error}", todo)], []
    real = {scanner.location: each for scanner in scanners for each in answered[scanner.folder]}
    findings += _within_others(real, site.settings)
    seen: list[Seen] = []
    for scanner in scanners:
        for one in found.get(scanner.location, []):
            if isinstance(one, Finding):
                findings.append(one)
            else:
                seen.append(one)
        if scanner.location in stuck or not answered[scanner.folder]:
            findings.append(_stuck(scanner))
    return findings, seen


def _aside(
    work: Mapping[str, Callable[[], Iterator[Any]]], account: Account
) -> tuple[dict[str, list[Any]], set[str]]:
    found: dict[str, list[Any]] = {}
    stuck: set[str] = set()
    left = iter(work.items())
    while some := dict(islice(left, AT_ONCE)):
        found_of_some, stuck_of_some = aside(some, partial(user.become, account))
        found.update(found_of_some)
        stuck |= stuck_of_some
    return found, stuck


def _real_path(folder: str) -> Iterator[str]:
    """The first touch of a folder."""
    path = os.path.realpath(folder)
    try:
        with Folder(folder) as opened:
            opened.names()
    except OSError:  # told by who looks into it
        pass
    yield path


def _stuck(scanner: Any) -> Finding:
    return Finding(
        f"folder of {scanner.location}",
        FAILED,
        f"{scanner.folder!r} has not answered for {PATIENCE} s, and was left alone",
        "see whether its server runs and is reached, or unmount it (umount --lazy) and mount it "
        "anew",
    )


def _within_others(real: Mapping[str, str], settings: Any) -> Iterator[Finding]:
    """A scanner's reports must not lie where another's are moved to."""
    for location, path in real.items():
        for other, folder in real.items():
            rooms = [os.path.join(folder, room) for room in (settings.ingest_dir,
                                                             settings.reject_dir)]  # fmt: skip
            if other != location and path == folder:
                text = f"{path!r} is the folder of {other}, too"
            elif other != location and any(f"{path}/".startswith(f"{room}/") for room in rooms):
                text = f"{path!r} is within what reports of {other} are moved into"
            else:
                continue
            todo = "give each scanner a folder of its own under [scanners]"
            yield Finding(f"folder of {location}", FAILED, text, todo)


# -- one folder ----------------------------------------------------------------------------


def _look(site: Site, scanner: Any) -> Iterator[Found]:
    """What the present user finds of one scanner's folder, and the good reports in there."""
    location, folder = scanner.location, scanner.folder
    check = f"folder of {location}"
    subfolders = (site.settings.ingest_dir, site.settings.reject_dir)
    try:
        with Folder(folder) as opened:
            names = opened.names()
            empty = [] if names else [_empty(check, folder)]
            yield from empty
            if any(each.state == FAILED for each in empty):
                return
            tried = list(trial.check(location, folder, opened, subfolders))
            if names and not any(each.check == check and each.state == FAILED for each in tried):
                waiting = len(report_names(names))
                text = f"{folder!r} can be read and written; reports waiting: {waiting}"
                yield Finding(check, OK, text)
            yield from tried
            yield from _room(check, folder)
            yield from _files(check, folder, opened, names)
            yield from _nearly(check, folder, nearly_report_names(names, subfolders))
    except OSError as error:
        yield Finding(
            check,
            FAILED,
            f"{folder!r} cannot be read by {me()}: {error.strerror}",
            "mount the share, and let that user read it; or correct [scanners]",
        )
        return
    yield from reports.of_scanner(site, scanner)


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
    return Finding(check, OK, f"{folder!r} can be read and is empty")


def _mount_points() -> list[str]:
    """Where FSTAB mounts something, deepest first; but for /."""
    try:
        lines = FSTAB.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    fields = [line.split() for line in lines if not line.lstrip().startswith("#")]
    points = {each[1].replace("\\040", " ") for each in fields if len(each) > 1}
    return sorted((each for each in points if each.strip("/")), key=len, reverse=True)


def _room(check: str, folder: str) -> Iterator[Finding]:
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if status.f_blocks and free < LITTLE:  # many shares do not know how large they are
        text = f"the share at {folder!r} is nearly full: {size_of(free)} are left"
        yield Finding(check, WARNING, text, "make room on the share, or raise the quota")


# -- the files in it -----------------------------------------------------------------------


def _files(check: str, folder: str, opened: Any, names: Sequence[str]) -> Iterator[Finding]:
    """What the collector will find of each file, judged as it does."""
    waiting = report_names(names)
    trouble = defaultdict(list)
    others = []
    changes = [opened.status(".").st_mtime]
    for name in waiting:
        try:
            status = opened.status(name)
            if status is None:
                continue
            changes.append(status.st_mtime)
            if status.st_uid != os.geteuid():
                others.append(name)
            opened.read(name, 1)
        except OSError as error:
            if error.errno != errno.ENOENT:  # as when it was archived meanwhile
                trouble[error.strerror].append(name)
    for why, those in trouble.items():
        text = f"{_some(folder, those)} cannot be read by {me()} and will stay: {why}"
        todo = f"let {me()} read it: a plain file with one name, that no other program holds"
        yield Finding(check, FAILED, text, todo)
    yield from _sticky(check, folder, opened.status("."), waiting, others)
    ahead = max(changes) - time.time()
    if ahead > CLOCKS_APART:
        text = (
            f"something in {folder!r} was changed {ahead:.0f} s from now: the clock of the share, "
            "or of this machine, is wrong"
        )
        yield Finding(check, WARNING, text, "set both by NTP")


def _sticky(
    check: str, folder: str, status: os.stat_result, waiting: Sequence[str], others: Sequence[str]
) -> Iterator[Finding]:
    """In a sticky folder only who owns it, or the file, may move a file."""
    if not status.st_mode & stat.S_ISVTX or os.geteuid() in (0, status.st_uid):
        return
    todo = f"chmod -t {folder}, or give the folder to {me()}"
    if others:
        text = f"{folder!r} is sticky, and {me()} may not move {_some(folder, others)} of others"
        yield Finding(check, FAILED, text, todo)
    elif not waiting:
        text = f"{folder!r} is sticky: {me()} may not move the reports that others put there"
        yield Finding(check, WARNING, text, todo)


def _nearly(check: str, folder: str, nearly: Sequence[str]) -> Iterator[Finding]:
    if nearly:
        text = (
            f"files that look like reports are left alone, as they are not called like {EXAMPLES}: "
        )
        todo = "see what renames them, and give each the name that the scanner gave it"
        yield Finding(check, WARNING, text + _some(folder, nearly), todo)


def _some(folder: str, names: Sequence[str]) -> str:
    """How many files, and one of them: as in `2 files (as '/mnt/bay1/a.txt')`."""
    return f"{counted(len(names), 'file')} (as {os.path.join(folder, names[0])!r})"
