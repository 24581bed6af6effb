"""Other Pythons of this machine, and environments for them beside `.venv`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def find_python(version: str) -> Path:
    """The interpreter of `version` ("3.12"), on PATH or under pyenv; skips the test if absent.

    On CI the test fails instead.
    """
    for candidate in (shutil.which(f"python{version}"), *_under_pyenv(version)):
        if candidate and _answers(Path(candidate), version):
            return Path(candidate)
    reason = f"Python {version} is not on this machine"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def python_27() -> list[str]:
    """The command of a Python 2.7 that can import Diamond 4.0.515 and pytest, with `-B`."""
    python = find_python("2.7")
    folder = ROOT / ".venv-2.7"
    # Diamond wants psutil for collectors of its own, which would have to be compiled. It comes
    # first, because pip leaves a `bin` alone that is there, and Diamond's script is needed.
    wanted = [["--no-deps", "diamond==4.0.515"], ["pytest<5", "configobj<5.1", "six"]]
    if _is_stale(folder, str(wanted)):
        shutil.rmtree(folder, ignore_errors=True)
        for packages in wanted:
            pip = [str(python), "-m", "pip", "install", "--quiet", "--target", str(folder)]
            run([*pip, *packages], cwd=Path(python).parent)
        _stamp(folder, str(wanted))
    return ["env", f"PYTHONPATH={folder}", str(python), "-B"]


def environment(version: str) -> Path:
    """The python of `.venv-<version>`, with the project and all for its tests installed."""
    python = find_python(version)
    folder = ROOT / f".venv-{version}"
    recipe = (ROOT / "setup.py").read_text() + str(python)
    if _is_stale(folder, recipe):
        run([str(python), "-m", "venv", "--clear", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        run([*pip, "--editable", f"{ROOT}[report,test]"])
        _stamp(folder, recipe)
    return folder / "bin" / "python"


def run(command: Sequence[str], cwd: Path = ROOT, **variables: str) -> str:
    """The output of `command`; fails the test with its end when the command fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-8000:]}")
    return done.stdout


def _under_pyenv(version: str) -> list[str]:
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    pattern = f"versions/{version}.*/bin/python{version}"
    return sorted(str(path) for path in Path(root).glob(pattern))


def _answers(python: Path, version: str) -> bool:
    """A shim of pyenv is there for Pythons that it will not run."""
    show = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([str(python), "-c", show], capture_output=True, text=True)
    return done.stdout.strip() == version


def _digest(recipe: str) -> str:
    return hashlib.sha256(recipe.encode()).hexdigest()


def _is_stale(folder: Path, recipe: str) -> bool:
    stamp = folder / "stamp"
    return not stamp.exists() or stamp.read_text() != _digest(recipe)


def _stamp(folder: Path, recipe: str) -> None:
    (folder / "stamp").write_text(_digest(recipe))
