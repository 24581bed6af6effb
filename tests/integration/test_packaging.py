"""The distributions: what is in them, and the road from an installation outside the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from programs import ROOT, run

from hops.cli import main as hops
from lab.graphite import Environment

pytestmark = pytest.mark.integration

REPORTS = ROOT / "sample_data" / "reports"

# Setuptools writes these.
MADE = re.compile(r"PKG-INFO|setup\.cfg|mri_stability_diamondcollector\.egg-info/.*")
SHARE = re.compile(r"mri_stability_diamondcollector-[^/]*\.data/data/share/hops/")
ABOUT = re.compile(r"mri_stability_diamondcollector-[^/]*\.dist-info/")


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The files of the project."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout, so that nothing says which files are the project's")
    names = run(["git", "ls-files"]).splitlines()
    return [name for name in names if (ROOT / name).exists()]


@pytest.fixture(scope="module")
def distributions(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "build", "--installer", "uv"]
    run([*build, "--outdir", str(source / "dist"), str(source)])
    return source / "dist"


def test_the_source_distribution_has_all_to_build_test_and_read(
    distributions: Path, tracked: list[str]
) -> None:
    [archive] = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        files = [entry.name.partition("/")[2] for entry in tar if entry.isfile()]
    wanted = [name for name in tracked if "." not in first_letters(name)]
    assert sorted(name for name in files if not MADE.fullmatch(name)) == sorted(wanted)


def first_letters(name: str) -> list[str]:
    """Of the folders and of the file: git's and the editor's files begin with a dot."""
    return [part[0] for part in name.split("/")]


def test_the_wheel_has_the_modules_and_what_an_operator_copies(
    distributions: Path, tracked: list[str]
) -> None:
    [wheel] = distributions.glob("*.whl")
    files = [name for name in zipfile.ZipFile(wheel).namelist() if not ABOUT.match(name)]
    shared = {SHARE.sub("", name) for name in files if SHARE.match(name)}
    modules = {name for name in files if not SHARE.match(name)}
    copied = r"(conf|graphite|grafana/dashboards|grafana/provisioning)/.*"
    assert shared == {name for name in tracked if re.fullmatch(copied, name)}
    imported = r"stability_\w+\.py|(diamond3|hops|lab)/.*|sample_data/[^/.]*\.py"
    assert modules == {name for name in tracked if re.fullmatch(imported, name)}


class Installation:
    """The wheel in an environment of its own, used from an empty folder."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.environment = folder / "environment"
        self.place = folder / "place"
        self.place.mkdir()
        # A fraction of pip's time, which installs for the manual.
        uv = str(Path(sys.executable).with_name("uv"))
        run([uv, "venv", "--quiet", "--python", sys.executable, str(self.environment)])
        run([uv, "pip", "install", "--quiet", "--python", self.program("python"), str(wheel)])

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.environment / "bin" / name)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One of the installation's programs, which has to end well."""
        done = self.attempt(program, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def attempt(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        ours = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [self.program(program), *arguments],
            cwd=self.place,
            env={**ours, "COLUMNS": "400"},
            capture_output=True,
            text=True,
        )


@pytest.fixture(scope="module")
def installation(
    distributions: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    [wheel] = distributions.glob("*.whl")
    return Installation(tmp_path_factory.mktemp("installation"), wheel)


def test_reports_go_the_whole_road(
    installation: Installation, graphite_environment: Environment
) -> None:
    """Diamond finds the collector by its entry point; Graphite confirms, the demo compares."""
    # The demo looks for Graphite's environment here, and need not build one again.
    beside = Path(f"{installation.environment}-graphite")
    beside.symlink_to(graphite_environment.python.parents[1])
    done = installation.run("hops", "demo", "--once", "--reports", str(REPORTS))
    count = len(list(REPORTS.glob("*.txt")))
    assert re.search(rf"│ reports *│ *{count} of {count} │", done.stdout), done.stdout


def commands(group: click.Group, *path: str) -> Iterator[list[str]]:
    """The words of the group and of everything in it."""
    yield ["hops", *path]
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield ["hops", *path, name]


HELP = """
import json, sys
from click.testing import CliRunner
from hops.cli import main
for words in json.loads(sys.argv[1]):
    done = CliRunner().invoke(main, [*words[1:], "--help"], prog_name="hops")
    print(json.dumps([done.exit_code, done.output]))
"""


def test_every_command_explains_itself(installation: Installation) -> None:
    """Of the one that is typed, all are one program."""
    assert installation.run("hops", "--help").stdout.startswith("Usage: hops")
    every = list(commands(hops))
    told = installation.run("python", "-c", HELP, json.dumps(every)).stdout.splitlines()
    assert len(told) == len(every)
    for words, (status, text) in zip(every, map(json.loads, told)):
        assert status == 0
        assert text.startswith(" ".join(["Usage:", *words]))


def test_diamond3_tells_the_versions(installation: Installation) -> None:
    out = installation.run("diamond3", "--version").stdout
    assert re.fullmatch(r"Diamond 4\.0\.515, diamond3 \d+\.\d+\.\d+\n", out)


def test_a_report_needs_the_extra(installation: Installation) -> None:
    done = installation.attempt("hops", "report", "--location", "Here", "-o", "here.pdf")
    assert done.returncode == 1
    assert "pip install 'mri-stability-diamondcollector[report]'" in done.stderr


def test_what_is_shipped_is_found(installation: Installation) -> None:
    show = "from hops.shipped import SHIPPED; print(SHIPPED)"
    folder = Path(installation.run("python", "-c", show).stdout.strip())
    assert folder == installation.environment / "share" / "hops"
    for name in ("conf", "graphite", "grafana/dashboards", "grafana/provisioning"):
        for original in (ROOT / name).rglob("*.*"):
            copy = folder / original.relative_to(ROOT)
            assert copy.read_bytes() == original.read_bytes()
