"""What Diamond's and the collector's configuration say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import diamond3
from diamond3 import parts
from hops.doctor.finding import FAILED, OK, Finding
from hops.site import Site

FILE = "StabilityCollector.conf"


def accepted(conf: Path) -> Iterator[Finding]:
    """Whether Diamond, which would say the same, starts with the configuration file `conf`."""
    try:
        diamond3.activate()
        with parts.silence():
            found = parts.load(str(conf.absolute()))
            parts.check(found)
    except diamond3.DiamondError as error:
        yield Finding("configuration", FAILED, str(error))
        return
    collectors = ", ".join(sorted(found.enabled)) or "no collector"
    yield Finding("configuration", OK, f"{conf} is accepted, and switches on: {collectors}")


def check(site: Site) -> Iterator[Finding]:
    """Whether it names all that reports need; that its values are good, `site.load` has seen."""
    yield Finding("configuration", OK, f"{site.conf} and the collector's can be read")
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


def _named(section: str, names: list[str], example: str) -> Finding:
    if names:
        return Finding(section, OK, ", ".join(names))
    return Finding(
        section, FAILED, "none is named", f'add lines like "{example}" under [{section}] in {FILE}'
    )
