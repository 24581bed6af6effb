"""Diamond in Python 3: translated by machine, once, into a cache."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from diamond3.cache import is_private, kept
from diamond3.installed import Diamond
from diamond3.translator import Translator, compile_quietly, fingerprint


def translated(diamond: Diamond) -> Path:
    """The folder with the translated package, translating it if nobody has before.

    Raises:
        DiamondError: there is no place for it, or the translator is not installed.
    """
    sources = diamond.sources()
    parts = (part for path, content in sources.items() for part in (path.encode(), content))
    name = f"diamond-{diamond.version}-{fingerprint(parts)}"
    return kept(
        name,
        lambda folder: _is_complete(folder, sources),
        lambda folder: _build(diamond, sources, folder),
    )


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
            _translate(diamond, sources, new, Translator(Path(workspace), is_package=True))
            for file in new.rglob("*.py"):
                compile_quietly(file, folder / file.relative_to(new))
            if folder.exists():
                shutil.rmtree(folder)
            os.rename(new, folder)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Let one process at a time translate: a folder cannot be replaced in one step."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _translate(
    diamond: Diamond, sources: dict[str, bytes], target: Path, translator: Translator
) -> None:
    for name, source in sources.items():
        file = target / "diamond" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = translator.translate(source, diamond.package / name)
        file.write_text(text, encoding="utf-8")
