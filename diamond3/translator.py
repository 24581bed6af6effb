"""Python 2 in, Python 3 out: what rules can do, and the calls of what they cannot."""

import hashlib
import logging
import py_compile
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Optional

from diamond3.installed import fissix_version, our_version

# Only rules that Diamond and its collectors need: each one more costs time and may be wrong.
OUR_RULES = ("fix_builtins", "fix_division", "fix_moved_modules")
FISSIX_RULES = (
    *("dict", "except", "exec", "has_key", "ne", "next", "numliterals", "print", "raise", "repr"),
    *("tuple_params", "unicode"),
)
RULES = (
    *(f"diamond3.{name}" for name in OUR_RULES),
    *(f"fissix.fixes.fix_{name}" for name in FISSIX_RULES),
)
NEIGHBOURS = "fissix.fixes.fix_import"

# What libraries refuse today, and how else they have it.
SPELLINGS = {
    r"(?P<size>\d+) \MB": r"(?P<size>\d+) MB",  # an escape that meant nothing was the letter
    ".getchildren()": ".findall('*')",
    ".getiterator(": ".iter(",
    "yaml.load(": "yaml.safe_load(",
}

# Runs at the end of each translated module, wherever and however it is imported.
APPLY_FIXES = "\nimport diamond3.fixes as __diamond3__\n\n__diamond3__.apply(__name__)\n"


class Translator:
    """Translates one source after the other."""

    def __init__(self, workspace: Path, is_package: bool = False) -> None:
        """In a package, a neighbour may be imported without a dot.

        fissix reads and writes pickles, by itself in whatever home HOME names. That may be the
        home of somebody else, whose pickles are not to be trusted, or none at all.

        Raises:
            DiamondError: fissix is not installed.
        """
        fissix_version()
        import fissix  # not above: later starts do without it

        fissix.CACHE_DIR = workspace / "fissix"
        from fissix.refactor import RefactoringTool

        logging.getLogger("RefactoringTool").setLevel(logging.WARNING)  # it names every file
        self._tool: Any = RefactoringTool((*RULES, NEIGHBOURS) if is_package else RULES)

    def translate(self, source: bytes, path: Path) -> str:
        """The source in Python 3; `path` is where it lies, and has neighbours.

        Raises:
            Exception: it is not Python 2.
        """
        text = source.decode("utf-8")
        for old, new in SPELLINGS.items():
            text = text.replace(old, new)
        tree = self._tool.refactor_string(f"{text}\n", str(path))
        return f"{tree}{APPLY_FIXES}"


def compile_quietly(file: Path, final: Path, compiled: Optional[str] = None) -> None:
    """Compiles a file that will be `final`.

    Python 2's sources have escapes such as "\\." in plain strings, which newer Pythons warn about.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        py_compile.compile(str(file), cfile=compiled, dfile=str(final), doraise=True)


def fingerprint(parts: Iterable[bytes]) -> str:
    """A short text that changes whenever the translation of these parts would."""
    names = ("translator", *OUR_RULES, "python2/__init__")
    files = [Path(__file__).parent / f"{name}.py" for name in names]
    digest = hashlib.sha256()
    for part in (
        *(version.encode() for version in (fissix_version(), our_version())),
        str(sys.implementation.cache_tag).encode(),  # of the compiled files
        *(path.read_bytes() for path in files),
        *parts,
    ):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:16]
