"""What Diamond's and the collector's configuration say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import diamond3
from diamond3 import parts
from diamond3.configuration import listed
from hops.doctor.finding import FAILED, OK, Finding
from hops.site import Site

FILE = "StabilityCollector.conf"
# Of files that may be meant for it.
NAME = re.compile(r"stability_?collector.*\.(conf|cfg|ini|txt)", re.IGNORECASE)
FOLDERS = ("", "collectors", "handlers", "conf.d")
PATHS = ("collectors_config_path", "handlers_config_path", "collectors_path", "handlers_path")


def accepted(conf: Path) -> Iterator[Finding]:
    """Whether Diamond, which would say the same, starts with the configuration file `conf`."""
    try:
        diamond3.activate()
        with parts.silence():
            found = parts.load(str(conf.absolute()))
    except diamond3.DiamondError as error:
        yield Finding("configuration", FAILED, str(error))
        return
    refused = parts.refused(found)
    for each in refused:
        yield Finding("configuration", FAILED, str(each))
    if not refused:
        collectors = ", ".join(sorted(found.enabled)) or "no collector"
        yield Finding("configuration", OK, f"{conf} is accepted, and switches on: {collectors}")
    if found.passed_over:
        yield Finding("collectors_path", OK, found.passed_over)


def check(site: Site) -> Iterator[Finding]:
    """Whether it names all that reports need; that its values are good, `site.load` has seen."""
    yield from _misplaced(site)
    if site.collector.config["enabled"]:
        yield Finding("enabled", OK, "the collector is switched on")
    else:
        yield Finding(
            "enabled", FAILED, "the collector is switched off", f"set enabled = True in {FILE}"
        )
    yield _named(
        "scanners",
        [scanner.location for scanner in site.settings.scanners],
        "Harvard/Northwest/Bay1 = /mnt/scanner/bay1",
    )
    yield _named(
        "coils",
        [f"{channels} channels: {name}" for channels, name in site.settings.coils.items()],
        "32 = 32",
    )


def _misplaced(site: Site) -> Iterator[Finding]:
    """What looks like the collector's configuration, and lies where Diamond does not look."""
    server = site.config["server"]
    right = Path(server.get("collectors_config_path", ""), FILE)
    if right.is_file():
        return
    conf = site.conf.absolute()
    folders = {conf.with_name(name) if name else conf.parent for name in FOLDERS}
    folders |= {Path(path) for key in PATHS for path in listed(server, key)}
    for path in sorted(each for folder in folders for each in folder.glob("*.*")):
        if NAME.fullmatch(path.name):
            text = f"{path} is read by nobody: Diamond looks for {right}"
            yield Finding("collector's file", FAILED, text, f"mv {path} {right}")


def _named(section: str, names: list[str], example: str) -> Finding:
    if names:
        return Finding(section, OK, ", ".join(names))
    return Finding(
        section, FAILED, "none is named", f'add lines like "{example}" under [{section}] in {FILE}'
    )
