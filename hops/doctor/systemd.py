"""What systemd lets Diamond write to, by the unit's own files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from hops.doctor.finding import FAILED, Finding
from hops.site import Site

UNIT = "diamond3.service"
# Later ones go over the former.
FOLDERS = tuple(map(Path, ("/usr/lib/systemd/system", "/lib/systemd/system",
                           "/run/systemd/system", "/etc/systemd/system")))  # fmt: skip
DEFAULT_CONF = "/etc/diamond/diamond.conf"
PRIVATE = ("/tmp", "/var/tmp")

Settings = dict[str, list[str]]


def check(site: Site) -> Iterator[Finding]:
    """Whether Diamond's unit, where there is one, may write to each scanner's folder."""
    settings = _settings()
    if not settings or _conf(settings).resolve() != site.conf.resolve():
        return
    writable = [path.lstrip("-+") for path in settings.get("ReadWritePaths", [])]
    is_strict = _last(settings, "ProtectSystem") == "strict"
    has_own_tmp = _last(settings, "PrivateTmp") in ("1", "yes", "true", "on")
    for scanner in site.settings.scanners:
        check, folder = f"unit and {scanner.location}", scanner.folder
        if has_own_tmp and any(_is_within(folder, path) for path in PRIVATE):
            text = f"{UNIT} has a /tmp of its own, and so does not see {folder!r}"
            yield Finding(check, FAILED, text, "mount the share elsewhere, like /mnt/scanner/bay1")
        elif is_strict and not any(_is_within(folder, path) for path in writable):
            yield Finding(
                check,
                FAILED,
                f"{folder!r} is not below a ReadWritePaths of {UNIT}, so that Diamond can only "
                "read there",
                f"systemctl edit {UNIT}, add under [Service] the line ReadWritePaths=-{folder}, "
                "and systemctl restart it",
            )


def _settings() -> Settings:
    """What [Service] of the unit and of its drop-ins says, by key."""
    unit = [folder / UNIT for folder in FOLDERS if (folder / UNIT).is_file()][-1:]
    drop_ins = {
        path.name: path for folder in FOLDERS for path in sorted(folder.glob(f"{UNIT}.d/*.conf"))
    }
    settings: Settings = {}
    for path in unit + [drop_ins[name] for name in sorted(drop_ins)]:
        for key, value in _lines(path):
            if value:
                settings.setdefault(key, []).extend(_words(value))
            else:  # which takes back what was said before
                settings[key] = []
    return settings if unit else {}


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not ours to read
        return
    section = ""
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("["):
            section = line.strip()
        elif section == "[Service]" and "=" in line and line.lstrip()[0] not in "#;":
            key, _, value = line.partition("=")
            yield key.strip(), value.strip()


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:  # an open quote, of which systemd tells
        return value.split()


def _conf(settings: Settings) -> Path:
    """The configuration that the unit's Diamond reads."""
    words = settings.get("ExecStart", [])
    for word, after in zip(words, [*words[1:], ""]):
        if word in ("-c", "--configfile"):
            return Path(after)
        if word.startswith("--configfile="):
            return Path(word.partition("=")[2])
    return Path(DEFAULT_CONF)


def _last(settings: Settings, key: str) -> str:
    return (settings.get(key) or [""])[-1].lower()


def _is_within(folder: str, path: str) -> bool:
    return f"{folder}/".startswith(f"{path.rstrip('/')}/")
