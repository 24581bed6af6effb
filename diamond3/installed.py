"""The Diamond that pip has installed, and the versions that go with it."""

import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Optional

from diamond3.errors import DiamondError

KNOWN_VERSION = "4.0.515"
OUR_DISTRIBUTION = "mri-stability-diamondcollector"


@dataclass(frozen=True)
class Diamond:
    """An installed Diamond."""

    version: str
    package: Path
    """The folder of its Python package."""
    collectors: Optional[Path] = None
    """The folder of its own collectors, each in a folder of its own."""

    def sources(self) -> dict[str, bytes]:
        """The package's Python files: path inside the package -> content."""
        return {
            path.relative_to(self.package).as_posix(): path.read_bytes()
            for path in sorted(self.package.rglob("*.py"))
        }


def find_diamond() -> Diamond:
    """Find the installed Diamond.

    Raises:
        DiamondError: it is not there, or is not the version that we know.
    """
    wanted = f"{sys.executable} -m pip install diamond=={KNOWN_VERSION}"
    try:
        distribution = metadata.distribution("diamond")
    except metadata.PackageNotFoundError:
        raise DiamondError(
            f"Diamond is not installed for {sys.executable}; install it with: {wanted}"
        ) from None
    package = Path(str(distribution.locate_file("diamond")))
    if distribution.version != KNOWN_VERSION:
        raise DiamondError(
            f"Diamond {distribution.version} in {package.parent} is not {KNOWN_VERSION}, "
            f"the version that diamond3 knows; install that one with: {wanted}"
        )
    if not (package / "__init__.py").is_file():
        raise DiamondError(
            f"Diamond is registered in {package.parent} but its package folder is missing; "
            f"install it again with: {wanted} --force-reinstall"
        )
    collectors = {
        Path(str(distribution.locate_file(file))).parents[1].resolve()
        for file in distribution.files or ()
        if file.match("share/diamond/collectors/*/*.py")
    }
    return Diamond(distribution.version, package, next(iter(collectors), None))


def fissix_version() -> str:
    """The version of the translator.

    Raises:
        DiamondError: it is not installed.
    """
    try:
        return metadata.version("fissix")
    except metadata.PackageNotFoundError:
        raise DiamondError(
            f"fissix, which translates Diamond, is not installed for {sys.executable}; "
            f"install it with: {sys.executable} -m pip install fissix"
        ) from None


def our_version() -> str:
    """Our own version, or "unpackaged" when we run from a bare source folder."""
    try:
        return metadata.version(OUR_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unpackaged"
