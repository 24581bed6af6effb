"""Finds or builds the Python environment that carbon and graphite-web run in.

It is not ours: graphite-web needs an old Django, and the newest Pythons need `legacy.py`.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from lab.errors import LabError

DISTRIBUTION = "mri-stability-diamondcollector"
EXTRA = "graphite"

# Python 3.14 has lost more of the standard library than Django 3.0 can do without.
NEWEST_PYTHON = (3, 13)

BESIDE_OURS = Path(f"{sys.prefix}-graphite")
LEGACY = Path(__file__).with_name("legacy.py")
DEBIAN_PYTHON = Path("/usr/bin/python3")
DEBIAN_STATIC = Path("/usr/share/graphite-web/static")


@dataclass(frozen=True)
class Environment:
    """Where carbon and graphite-web are installed."""

    python: Path
    """The Python that can import both."""

    static: Path
    """The folder of scripts, styles and pictures of graphite-web's pages."""


def find_environment(
    folder: Path = BESIDE_OURS, *, system: bool = False, say: Callable[[str], None] = print
) -> Environment:
    """The environment for an EmbeddedGraphite: from PyPI in `folder`, or the system's packages.

    `folder` is built when it is not there, is half-built, or was built for other versions; that
    takes about half a minute, of which `say` is told step by step. It is not touched when
    `system` is true, or on a Python too new for Graphite, where Debian's packages are used.

    Raises LabError when something is missing or cannot be installed.
    """
    if system or sys.version_info[:2] > NEWEST_PYTHON:
        return _system_environment()
    return _pypi_environment(folder, say)


def process_variables(**more: str) -> dict[str, str]:
    """The environment variables for a Python other than ours: without the settings for ours."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    return {**ours, "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1", **more}


def _system_environment() -> Environment:
    find = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))"
    command = [str(DEBIAN_PYTHON), "-c", find, "carbon", "graphite"]
    if (
        not DEBIAN_PYTHON.exists()
        or not DEBIAN_STATIC.exists()
        or subprocess.run(command, env=process_variables()).returncode
    ):
        raise LabError(
            "This computer has no Graphite of its own: install it with "
            "`apt install graphite-carbon graphite-web` (no need to start or configure it), or "
            "use Python 3.9 to 3.13, for which it is installed from PyPI."
        )
    return Environment(DEBIAN_PYTHON, DEBIAN_STATIC)


def _pypi_environment(folder: Path, say: Callable[[str], None]) -> Environment:
    folder = folder.absolute()
    _require_cairo()
    pins = _pins()
    recipe = "\n".join([sys.version, sys.base_prefix, LEGACY.read_text(encoding="utf-8"), *pins])
    stamp = folder / "hops-graphite.stamp"
    try:
        with _locked(folder):
            # Written last, so that it vouches for the whole.
            if not stamp.exists() or stamp.read_text(encoding="utf-8") != recipe:
                _require_venv()
                _build(folder, pins, say)
                stamp.write_text(recipe, encoding="utf-8")
    except OSError as error:
        raise LabError(
            f"The environment for Graphite cannot be made in {folder}: {error}."
        ) from error
    return Environment(folder / "bin" / "python", folder / "webapp" / "content")


def _require_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise LabError(
            f"Python {version} has no `ensurepip` module, with which an environment for Graphite "
            f"is made: install it with `apt install python{version}-venv`."
        )


def _require_cairo() -> None:
    for name in ("libcairo.so.2", "libcairo.2.dylib"):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return
    raise LabError(
        "The cairo library, with which graphite-web draws, is missing: install it with "
        "`apt install libcairo2`."
    )


def _pins() -> list[str]:
    """The requirements of our `graphite` extra, as pip takes them."""
    mine = re.compile(rf"""\s*(;|\band)\s*extra\s*==\s*['"]{EXTRA}['"]""")
    try:
        every = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        raise LabError(
            f"{DISTRIBUTION} is not installed for {sys.executable}, so that nothing says which "
            "versions Graphite needs: install it with pip, also in a checkout (`pip install -e .`)."
        ) from None
    # Installers write the same condition with and without parentheses: we have no `or`.
    return [re.sub(r"[()]", "", mine.sub("", each)) for each in every if mine.search(each)]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lets one process at a time build in `folder`; the lock goes with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _build(folder: Path, pins: list[str], say: Callable[[str], None]) -> None:
    if any(folder.iterdir()) and not (folder / "pyvenv.cfg").exists():
        raise LabError(
            f"{folder} is no Python environment, and would be emptied to make one: "
            "choose another folder for Graphite, or delete this one."
        )
    python = folder / "bin" / "python"
    log = folder / "build.log"
    install = _installer(python)

    say(f"Making the environment for Graphite in {folder} ...")
    _run([sys.executable, "-m", "venv", "--clear", str(folder)], log)
    if sys.version_info >= (3, 12):
        _install_legacy(python)

    # The build tools first, at our version: isolated builds would fetch the newest.
    tools = [pin for pin in pins if pin.startswith("setuptools")]
    say("Installing carbon, graphite-web and what they need ...")
    _run([*install, *tools], log)
    _run([*install, "--no-build-isolation", *pins], log)
    say("The environment for Graphite is ready.")


def _installer(python: Path) -> list[str]:
    """uv, where it was installed with us, since it is quicker; else pip."""
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        # As pip does: each server would compile anew what it imports.
        return [str(uv), "pip", "install", "--compile-bytecode", "--python", str(python)]
    return [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]


def _install_legacy(python: Path) -> None:
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(
        subprocess.check_output(
            [str(python), "-c", where], env=process_variables(), text=True
        ).strip()
    )
    shutil.copy(LEGACY, packages / "hops_graphite_legacy.py")
    # Not as sitecustomize, of which a Linux distribution may have its own.
    (packages / "hops_graphite_legacy.pth").write_text("import hops_graphite_legacy\n")


def _run(command: list[str], log: Path) -> None:
    """Runs one step of the build, with its output in `log`."""
    # Carbon and graphite-web would otherwise install themselves under /opt/graphite.
    variables = process_variables(GRAPHITE_NO_PREFIX="True")
    done = subprocess.run(
        command, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with log.open("a", encoding="utf-8") as file:
        file.write(done.stdout)
    if done.returncode:
        lines = done.stdout.strip().splitlines() or ["no message"]
        # Pip gives its reason in the first of its error lines, and notes after it.
        reason = next((line for line in lines if line.startswith("ERROR: ")), lines[-1])
        raise LabError(
            f"The environment for Graphite could not be built ({reason.removeprefix('ERROR: ')}): "
            f"see {log}, mend the cause, and start again."
        )
