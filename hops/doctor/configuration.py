"""What the collector's configuration says."""

from __future__ import annotations

from collections.abc import Iterator

from hops.doctor.finding import FAILED, OK, Finding
from hops.site import Site

FILE = "StabilityCollector.conf"


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
