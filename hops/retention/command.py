"""`hops retention`, the command."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from hops.arguments import folder
from hops.console import counted, print_json, printable, progress, say, say_some
from hops.errors import Problem
from hops.options import HELP, examples, json_option
from hops.retention import whisperfile
from hops.retention.wanted import Kept, Wanted
from hops.shipped import SHIPPED
from hops.sizing import duration, file_bytes, size_of

# Of the collector's, whatever Diamond's prefix is; but for what it says of itself.
OURS = re.compile(r"(^|\.)StabilityCollector\.(?!.*\.ingest\.\w+$)")
SHOWN = 5


@dataclass
class Found:
    """The whisper files of the collector's series, and what is to do with each."""

    right: int = 0
    different: dict[Path, Kept] = field(default_factory=dict)
    """Those that should keep their series in another way: in which."""
    ways: Counter[Kept] = field(default_factory=Counter)
    """How many of those keep it how now."""
    growth: int = 0
    """Bytes that they will take more."""
    trouble: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Files by what is wrong with them."""


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops retention --whisper /var/lib/graphite/whisper",
        "hops retention --whisper /opt/graphite/storage/whisper --carbon-conf /opt/graphite/conf "
        "--yes",
    ),
)
@click.option(
    "--whisper",
    "folder",
    type=folder,
    metavar="DIR",
    required=True,
    help="Carbon's folder of whisper files, on Graphite's machine.",
)
@click.option(
    "--carbon-conf",
    "conf",
    type=folder,
    metavar="DIR",
    default=SHIPPED / "graphite",
    help="Carbon's folder with storage-schemas.conf, and in it storage-aggregation.conf, which say "
    "how series should be kept; those that come with hops, unless given.",
)
@click.option("--yes", is_flag=True, help="Do it; else it is only told.")
@json_option
def main(folder: Path, conf: Path, yes: bool, as_json: bool) -> None:
    """Have older series kept as new ones are.

    That is with the retention, xFilesFactor and aggregation method of carbon's configuration, in
    the whisper files of Stability series that are there already.

    No value is lost: a new file takes the place of the old one after it was read back, and a file
    that would lose one stays as it is and is told. It can be interrupted and run again. Files that
    whisper cannot use are told. Run it as root or as carbon's user; the exit status is 1 when a
    file was told. With --json: {"right": 0, "different": 448, "mended": 0, "bytes": 0, "trouble":
    {"why": ["file"]}}.
    """
    found = look(folder, Wanted(conf))
    if yes:
        _require_room(folder, found)
    mended = _mend(found) if yes else 0
    if as_json:
        print_json(
            {
                "right": found.right,
                "different": len(found.different),
                "mended": mended,
                "bytes": found.growth,
                "trouble": found.trouble,
            }
        )
    else:
        _tell(found, mended, yes)
    sys.exit(1 if found.trouble else 0)


def look(folder: Path, wanted: Wanted) -> Found:
    """What the whisper files of reports' series below `folder` are like."""
    found = Found()
    for path, series in files(folder):
        should = wanted.of(series)
        if should is None:
            continue
        try:
            is_kept = whisperfile.kept(path)
        except whisperfile.Broken as error:
            found.trouble[f"whisper cannot use it: {error}"].append(str(path))
        except OSError as error:
            found.trouble[f"it cannot be read: {error.strerror or error}"].append(str(path))
        else:
            if is_kept == should:
                found.right += 1
                continue
            found.different[path] = should
            found.ways[is_kept] += 1
            found.growth += file_bytes(should.archives) - file_bytes(is_kept.archives)
    return found


def files(folder: Path) -> Iterator[tuple[Path, str]]:
    """The whisper files of reports' series below `folder`, and the metric path of each."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        levels = Path(parent).relative_to(folder).parts
        for name in sorted(names):
            series = ".".join([*levels, name.removesuffix(".wsp")])
            if name.endswith(".wsp") and OURS.search(series):
                yield Path(parent, name), series


def _require_room(folder: Path, found: Found) -> None:
    free = shutil.disk_usage(folder).free
    # A file and its successor are there at once.
    largest = max((file_bytes(each.archives) for each in found.different.values()), default=0)
    if found.growth + largest > free:
        raise Problem(
            f"{folder} has {size_of(free)} left, and the files will take {size_of(found.growth)} "
            "more: make room, or choose a shorter retention in --carbon-conf (hops sizing)."
        )


def _mend(found: Found) -> int:
    mended = 0
    with progress("Mending", len(found.different)) as advance:
        for path, should in found.different.items():
            try:
                whisperfile.mend(path, should)
                mended += 1
            except (whisperfile.Broken, whisperfile.Unmendable) as error:
                found.trouble[f"it stays as it is: {error}"].append(str(path))
            except OSError as error:
                raise Problem(
                    f"{str(path)!r} stays as it is ({error.strerror or error}), and "
                    f"{mended} of {len(found.different)} are mended: make room, or run this as "
                    "root or carbon's user, and run it again."
                ) from None
            advance(1)
    return mended


def _tell(found: Found, mended: int, yes: bool) -> None:
    say(f"Series kept as they should be: {found.right:,}; in another way: {len(found.different):,}")
    for way, count in found.ways.most_common():
        say(f"  {count:,} kept as {describe(way)}")
    for should in dict.fromkeys(found.different.values()):
        say(f"  to be kept as {describe(should)}")
    for why, paths in found.trouble.items():
        say(f"{counted(len(paths), 'file')}: {printable(why)}")
        say_some([printable(path) for path in paths], SHOWN, 2)
    if yes:
        say(f"{mended:,} mended")
    elif found.different:
        more = size_of(max(0, found.growth))
        say(f"They will take {more} more. Run it again with --yes to do it.")


def describe(kept: Kept) -> str:
    """In words, as in `1 hour for 25 years, xFilesFactor 0, average`."""
    archives = ", ".join(
        f"{duration(each.step)} for {duration(each.seconds)}" for each in kept.archives
    )
    return f"{archives}; xFilesFactor {kept.x_files_factor:g}; {kept.method}"
