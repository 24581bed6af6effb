"""The grammar of metric paths: built of their levels, and taken apart again.

    <prefix>.<location>.<coil>.<section>.<column>.<slice>
    <prefix>.<location>.ingest.<name>
    <prefix>.<location>.control.<coil>.<section>.<column>.<name>
    <prefix>.<location>.control.<coil>.<name>

What comes before the coil is the scanner's path. Any level may be a pattern of Graphite's, like `*`
or `{SNR,ghost}`.
"""

from __future__ import annotations

from typing import NamedTuple

import stability_report

ANY = "*"
INGEST = "ingest"
"""Beside the coils of a scanner: what the collector says of its reports."""
CONTROL = "control"
"""Beside the coils, too: what the judge says of their scans."""


class Series(NamedTuple):
    """The levels of the path of a slice's series, each ANY where nothing else is said.

    `str()` of it is the path, or the pattern.
    """

    scanner: str
    coil: str = ANY
    section: str = ANY
    column: str = ANY
    slice: str = ANY

    def __str__(self) -> str:
        return ".".join(self)

    @property
    def coil_path(self) -> str:
        """What the paths of the coil begin with."""
        return f"{self.scanner}.{self.coil}"


def series(path: str) -> Series:
    """The levels of the path of a series."""
    return Series(*path.rsplit(".", 4))


def series_of_section(path: str) -> Series:
    """All series of a section, by the path of its node, `<scanner>.<coil>.<section>`."""
    return Series(*path.rsplit(".", 2))


def series_of_coil(path: str) -> Series:
    """All series of a coil, by the path of its node, `<scanner>.<coil>`."""
    return Series(*path.rsplit(".", 1))


def scanner(prefix: str, location: str) -> str:
    """The path of the scanner at a location. Raises ValueError when a level of it is empty."""
    return f"{prefix}.{stability_report.location_path(location)}"


def ingest(scanner: str, name: str) -> str:
    """The path of a number that the collector says of the scanner's reports."""
    return f"{scanner}.{INGEST}.{name}"


def control(scanner: str, coil: str, name: str) -> str:
    """The path of what the judge says of a coil: `name` has one level, or more of them."""
    return f"{scanner}.{CONTROL}.{coil}.{name}"
