"""How carbon's configuration says that series are kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from configparser import Error, RawConfigParser
from dataclasses import dataclass
from pathlib import Path

from hops.errors import Problem
from hops.sizing import Archive, parse_retention

# Carbon's own, where no section says anything else.
X_FILES_FACTOR, METHOD = "0.5", "average"

Section = tuple[re.Pattern[str], dict[str, str]]


@dataclass(frozen=True)
class Kept:
    """How a whisper file keeps a series, or should."""

    archives: tuple[Archive, ...]
    """Finest first."""
    x_files_factor: float
    """Which part of the slots of a finer archive has to have a value for a coarser one."""
    method: str
    """How a coarser archive makes one value of several."""


class Wanted:
    """What storage-schemas.conf and storage-aggregation.conf of a folder say of series."""

    def __init__(self, folder: Path) -> None:
        """Raises Problem when a file in `folder` cannot be used."""
        self._schemas = _sections(folder / "storage-schemas.conf", "retentions")
        self._aggregations = _sections(folder / "storage-aggregation.conf", "pattern")

    def of(self, path: str) -> Kept | None:
        """How the series of that metric path should be kept; None where no section says it."""
        schema = _first(self._schemas, path)
        if schema is None:
            return None
        aggregation = _first(self._aggregations, path) or {}
        return Kept(
            tuple(parse_retention(schema["retentions"])),
            float(aggregation.get("xfilesfactor", X_FILES_FACTOR)),
            aggregation.get("aggregationmethod", METHOD),
        )


def _sections(file: Path, key: str) -> list[Section]:
    parser = RawConfigParser()
    try:
        with file.open(encoding="utf-8") as stream:
            parser.read_file(stream)
        found = []
        for section in map(dict, map(parser.items, parser.sections())):
            if key == "retentions":
                parse_retention(section[key])
            float(section.get("xfilesfactor", X_FILES_FACTOR))
            found.append((re.compile(section["pattern"]), section))
    except KeyError as error:
        raise Problem(f"{file}: a section has no {error}; add it.") from None
    except (OSError, UnicodeDecodeError, Error, ValueError, re.error) as error:
        raise Problem(f"{file} cannot be used: {error}; correct it, or name another.") from None
    return found


def _first(sections: Sequence[Section], path: str) -> dict[str, str] | None:
    return next((section for pattern, section in sections if pattern.search(path)), None)
