"""The collectors in the folders of `collectors_path`, whichever Python they are written in.

What Python 3 knows is loaded as it is; of the rest, and of all that Diamond itself ships, a
translation in the cache is loaded. Each file keeps its own name in `__file__`.
"""

import functools
import hashlib
import importlib
import importlib.util
import os
import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

from diamond3.cache import is_private, kept
from diamond3.dialect import is_python3
from diamond3.installed import find_diamond
from diamond3.translator import Translator, compile_quietly, fingerprint

# Diamond's rule for what lies beside collectors.
NO_COLLECTORS = ("tests", "fixtures")


@dataclass(frozen=True)
class Unloadable:
    """A file that cannot be imported."""

    path: Path
    reason: str
    classes: frozenset[str]
    """Those that it would have."""

    def __str__(self) -> str:
        return f"{self.path} ({self.reason})"


def load(folders: Sequence[str]) -> tuple[dict[str, Any], list[Unloadable]]:
    """The collectors in these folders and in those below, by name; and the files without any.

    Raises:
        OSError: a folder cannot be read.
    """
    from diamond.utils.classes import get_collectors_from_module

    classes: dict[str, Any] = {}
    failed = []
    found = [below for folder in folders for below in _below(Path(folder).absolute())]
    _put_on_path(found)
    for path in (path for folder in found for path in _modules(folder)):
        try:
            classes.update(get_collectors_from_module(imported(path)))
        except (Exception, SystemExit) as error:  # a module may fail with anything
            failed.append(Unloadable(path, _said(error), _classes_in(path)))
    return classes, failed


def _below(folder: Path) -> Iterator[Path]:
    if not folder.name.endswith(NO_COLLECTORS):
        yield folder
        for each in sorted(folder.iterdir()):
            if each.is_dir():
                yield from _below(each)


def _modules(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.glob("*.py"))
        if path.is_file() and not path.name.startswith(("test", "."))
    ]


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _classes_in(path: Path) -> frozenset[str]:
    try:
        return frozenset(re.findall(r"^class\s+(\w+)", path.read_text(errors="replace"), re.M))
    except OSError:
        return frozenset()


# -- importing -----------------------------------------------------------------------------

_folders: set[str] = set()


class _Loader(SourceFileLoader):
    """Loads a file, or its translation under its name."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, str(_in_python3(Path(path))))


def _finder(folder: str) -> FileFinder:
    if folder not in _folders:
        raise ImportError(f"{folder} has no collectors")
    return FileFinder(folder, (_Loader, SOURCE_SUFFIXES))


def _put_on_path(folders: Sequence[Path]) -> None:
    """Collectors import each other, before what is installed but not before Python's own."""
    if _finder not in sys.path_hooks:
        sys.path_hooks.insert(0, _finder)
    after_pythons_own = 1 + max(
        (i for i, entry in enumerate(sys.path) if entry in _pythons_own()), default=-1
    )
    new = [str(folder) for folder in folders if str(folder) not in _folders]
    _folders.update(new)
    for folder in new:
        sys.path_importer_cache.pop(folder, None)
    sys.path[after_pythons_own:after_pythons_own] = new
    importlib.invalidate_caches()


@functools.cache
def _pythons_own() -> set[str]:
    library = sysconfig.get_path("stdlib")
    return {library, os.path.join(library, "lib-dynload")}


def imported(path: Path) -> ModuleType:
    """The module in that file."""
    spec = importlib.util.find_spec(path.stem)
    if spec and spec.origin and os.path.dirname(spec.origin) in _folders:
        return importlib.import_module(path.stem)
    # Another module has its name, such as Python's own `http`.
    name = f"collector_{path.stem}"
    if name not in sys.modules:
        loader = _Loader(name, str(path))
        spec = importlib.util.spec_from_file_location(name, path, loader=loader)
        assert spec is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        try:
            loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


# -- translating ---------------------------------------------------------------------------


def _in_python3(path: Path) -> Path:
    """The file, or its translation."""
    source = path.read_bytes()
    translation = _cache() / f"{path.stem}-{hashlib.sha256(source).hexdigest()[:16]}.py"
    if translation.is_file():
        return translation
    if is_python3(source) and not _is_diamonds(path, source):
        return path
    text = _translator().translate(source, path)
    with tempfile.TemporaryDirectory(dir=_cache()) as folder:
        new = Path(folder, path.name)
        new.write_text(text, encoding="utf-8")
        compile_quietly(new, translation, importlib.util.cache_from_source(str(translation)))
        os.rename(new, translation)
    return translation


@functools.cache
def _cache() -> Path:
    return kept(f"collectors-{fingerprint([])}", is_private, _make)


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)


@functools.cache
def _translator() -> Translator:
    return Translator(_cache())


def _is_diamonds(path: Path, source: bytes) -> bool:
    """Whether it is one of the published Diamond's own, wherever it lies: all are Python 2."""
    shipped = _shipped()
    own = shipped / path.parent.name / path.name if shipped else None
    return own is not None and own.is_file() and own.read_bytes() == source


@functools.cache
def _shipped() -> Optional[Path]:
    return find_diamond().collectors
