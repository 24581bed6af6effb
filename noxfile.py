"""The tests on other Pythons than that of `script/test`.

`.venv/bin/nox -l` tells the lanes and `.venv/bin/nox` runs them; `.venv/bin/nox -s hops-3.9 -- -x`
runs one, with an option of pytest. A Python that is not on this machine is told, and with
SKIP_NOTHING=1 fails.
"""

import os
import shutil
import sys
from pathlib import Path

import nox

# What depends on the Python: the drop-in, and the Diamond that runs it.
DIAMOND = ["tests/dropin", *map(str, sorted(Path("tests").glob("*/test_diamond3_*.py")))]
HOPS = [
    *("tests/dropin", "tests/unit"),
    *("tests/integration/test_diamond3_daemon.py", "tests/integration/test_diamond3_once.py"),
    *("tests/integration/test_embedded_graphite.py", "tests/integration/test_road.py"),
    "tests/integration/test_service_notes.py",
]
PYTEST = ("-m", "pytest", "-p", "no:cacheprovider")
ROAD = (sys.executable, *PYTEST, "tests/integration/test_road.py")
PARALLEL = ("-n", "4", "--dist", "loadfile", "--no-loadscope-reorder")

# The shims of pyenv run only the Python that was chosen.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
os.environ["PATH"] = os.pathsep.join([*map(str, PYENV.glob("versions/*/bin")), os.environ["PATH"]])

SKIP_NOTHING = bool(os.environ.get("SKIP_NOTHING"))
nox.options.error_on_missing_interpreters = SKIP_NOTHING
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["hops-3.9", "hops-3.13", "diamond-2.7", "diamond-next"]
# script/test has shown one of them.
others = [version for version in ("3.10", "3.11", "3.12") if not sys.version.startswith(version)]
if shutil.which("python3.14"):
    others.append("3.14")
else:
    print("noxfile.py: Python 3.14 is not on this machine, and left out")
nox.options.sessions += [f"diamond-{version}" for version in others]


@nox.session(python=["3.9", "3.13"])
def hops(session: nox.Session) -> None:
    """All but what takes long, on the oldest and the newest Python: every command, and the road."""
    session.install("--editable", ".[report,test]")
    session.run("python", *PYTEST, *PARALLEL, *HOPS, *session.posargs)


@nox.session(python=["3.10", "3.11", "3.12", "3.14"])
def diamond(session: nox.Session) -> None:
    """The drop-in, and Diamond on this Python."""
    session.install("--editable", ".[report,test]")
    session.run("python", *PYTEST, *PARALLEL, *DIAMOND, *session.posargs)


@nox.session(name="diamond-2.7", python=False)
def diamond_27(session: nox.Session) -> None:
    """The drop-in, and the road through the published Diamond."""
    python = shutil.which("python2.7")
    if python is None:
        told = "Python 2.7 is not on this machine"
        session.error(told) if SKIP_NOTHING else session.skip(told)
    packages = Path(session.cache_dir, "python-2.7").resolve()
    shutil.rmtree(packages, ignore_errors=True)
    # Diamond wants psutil for collectors of its own, which would have to be compiled. It comes
    # first, because pip leaves a `bin` alone that is there, and Diamond's script is needed.
    for wanted in (["--no-deps", "diamond==4.0.515"], ["pytest<5", "configobj<5.1", "six"]):
        session.run(python, "-m", "pip", "install", "--quiet", "--target", str(packages), *wanted)
    with_packages = ["env", f"PYTHONPATH={packages}", python, "-B"]
    session.run(*with_packages, *PYTEST, "-ra", "tests/dropin", *session.posargs)
    session.run(
        *(*ROAD, "-k", "python_27"),
        env={"DIAMOND_27": " ".join([*with_packages, str(packages / "bin" / "diamond")])},
    )


# What its Pythons have in common with ours.
@nox.session(name="diamond-next", python="3.12")
def diamond_next(session: nox.Session) -> None:
    """The road through the fork."""
    # It is built with `distro`, of which it does not say so, and finds modules with setuptools.
    session.install("setuptools<81", "distro")
    session.install("--no-build-isolation", "diamond-next==5.0.0")
    session.run(
        *(*ROAD, "-k", "diamond_next"),
        env={"DIAMOND_NEXT": f"{session.bin}/python -B {session.bin}/diamond"},
        external=True,
    )
