"""Diamond in Python 3: translated by machine, once, into a cache."""

import fcntl
import hashlib
import logging
import os
import py_compile
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from diamond3.cache import cache_folders, is_private
from diamond3.errors import DiamondError
from diamond3.installed import Diamond, fissix_version, our_version

# Only the rules that Diamond needs: each one more costs time and may be wrong.
RULES = (
    "diamond3.fix_moved_modules",
    "fissix.fixes.fix_basestring",
    "fissix.fixes.fix_dict",
    "fissix.fixes.fix_except",
    "fissix.fixes.fix_import",
    "fissix.fixes.fix_long",
    "fissix.fixes.fix_map",
    "fissix.fixes.fix_tuple_params",
)

# Runs at the end of each translated module, wherever and however it is imported.
APPLY_FIXES = "\nimport diamond3.fixes as __diamond3__\n\n__diamond3__.apply(__name__)\n"


def translated(diamond: Diamond) -> Path:
    """The folder with the translated package, translating it if nobody has before.

    Raises:
        DiamondError: there is no place for it, or the translator is not installed.
    """
    sources = diamond.sources()
    name = f"diamond-{diamond.version}-{_fingerprint(diamond, sources)}"
    problem: object = "no folder"
    try:
        for cache in cache_folders():
            folder = cache / name
            if _is_complete(folder, sources):
                return folder
            try:
                _build(diamond, sources, folder)
                return folder
            except OSError as error:  # no space, read-only: the next folder may do
                problem = error
    except OSError as error:  # there is no next one
        problem = error
    raise DiamondError(
        f"the Python 3 translation of Diamond cannot be kept anywhere ({problem}); "
        "set XDG_CACHE_HOME to a folder that this user can write to"
    )


def _fingerprint(diamond: Diamond, sources: dict[str, bytes]) -> str:
    """A short text that changes whenever the translation would."""
    rules = [Path(__file__), Path(__file__).with_name("fix_moved_modules.py")]
    digest = hashlib.sha256()
    for part in (
        *(version.encode() for version in (diamond.version, fissix_version(), our_version())),
        str(sys.implementation.cache_tag).encode(),  # of the compiled files
        *(path.read_bytes() for path in rules),
        *(part for path, content in sources.items() for part in (path.encode(), content)),
    ):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:16]


def _is_complete(folder: Path, names: Iterable[str]) -> bool:
    """Temporary directories are swept, file by file."""
    return is_private(folder) and all((folder / "diamond" / name).is_file() for name in names)


def _build(diamond: Diamond, sources: dict[str, bytes], folder: Path) -> None:
    with _lock(folder.with_name("lock")):
        if _is_complete(folder, sources):  # by another process, while we waited
            return
        with tempfile.TemporaryDirectory(prefix="new-", dir=folder.parent) as workspace:
            new = Path(workspace) / folder.name
            new.mkdir(mode=0o700)
            _keep_fissix_files_in(Path(workspace))
            _translate(diamond, sources, new)
            _compile(new, folder)
            if folder.exists():
                shutil.rmtree(folder)
            os.rename(new, folder)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Let one process at a time translate: a folder cannot be replaced in one step."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _keep_fissix_files_in(folder: Path) -> None:
    """Keep fissix from reading and writing pickles in whatever home HOME names.

    It may be the home of somebody else, whose pickles are not to be trusted, or none at all.
    """
    import fissix

    fissix.CACHE_DIR = folder / "fissix"


def _translate(diamond: Diamond, sources: dict[str, bytes], target: Path) -> None:
    from fissix.refactor import RefactoringTool  # not above: later starts do without it

    logging.getLogger("RefactoringTool").setLevel(logging.WARNING)  # it names every file
    translator = RefactoringTool(RULES)
    for name, source in sources.items():
        # The rule for neighbours needs the real path, to see which modules are neighbours.
        tree = translator.refactor_string(
            source.decode("utf-8") + "\n", str(diamond.package / name)
        )
        file = target / "diamond" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{tree}{APPLY_FIXES}", encoding="utf-8")


def _compile(new: Path, folder: Path) -> None:
    with warnings.catch_warnings():
        # Diamond has escapes such as "\." in plain strings, which newer Pythons warn about.
        warnings.simplefilter("ignore")
        for file in new.rglob("*.py"):
            py_compile.compile(str(file), dfile=str(folder / file.relative_to(new)), doraise=True)
