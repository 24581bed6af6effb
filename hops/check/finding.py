"""The files to check."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import stability_report
from hops.console import printable

# What the collector calls what it keeps beside a report of the same name, and its notes.
KEPT_BESIDE = re.compile(r"([^.]+)(\.duplicate)?(\.[0-9]+)?\.txt(\.reason\.txt)?")


def find_files(arguments: Iterable[Path]) -> tuple[list[Path], list[Path], list[str]]:
    """What there is to check: the files, those that have nearly a report's name, and what is wrong
    with folders that cannot be listed.

    A file that is named is checked whatever it is called; in a folder and below, by name.
    """
    files: list[Path] = []
    nearly: list[Path] = []
    unlisted: list[str] = []

    def note(error: OSError) -> None:
        unlisted.append(f"{printable(error.filename)}: cannot be listed: {error.strerror}")

    for argument in arguments:
        if not argument.is_dir():
            files.append(argument)
            continue
        for folder, folders, names in os.walk(argument, onerror=note):
            folders.sort()
            # A folder with the name of a report is told of too.
            for name in sorted(folders + names):
                if stability_report.is_report_name(name):
                    files.append(Path(folder, name))
                elif name in names and _is_nearly_report_name(name):
                    nearly.append(Path(folder, name))
    return files, nearly, unlisted


def _is_nearly_report_name(name: str) -> bool:
    kept = KEPT_BESIDE.fullmatch(name)
    is_kept = kept is not None and stability_report.is_report_name(f"{kept[1]}.txt")
    return "stability" in name.lower() and not is_kept
