"""The manual: it builds, and says what the code does."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import stability_report
from hops import control
from hops.cli import main as hops
from manual.generate import DOCS, build

ROOT = DOCS.parent
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
# `sh` and `console` are run by tests/integration/test_manual.py.
LANGUAGES = {"sh", "console", "ini", "text"}


def page(name: str) -> str:
    return " ".join((DOCS / name).read_text(encoding="utf-8").split())


def test_the_pages_build_without_a_warning_and_have_every_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "tutorial" / "first-scanner.html").exists()
    commands = (tmp_path / "reference" / "commands.html").read_text(encoding="utf-8")
    for name in hops.commands:
        section = commands.partition(f'id="hops-{name}"')[2].partition("<h3")[0]
        assert f"<li><code>hops {name}" in section
        assert "-h, --help" in section


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(re.findall(r": (\S+\.md)$", str(yaml.safe_dump(yaml.safe_load(text))), re.M))
    assert named == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}


def test_what_is_made_from_the_code_is_up_to_date() -> None:
    for path, text in build().items():
        assert path.read_text(encoding="utf-8") == text, "run script/manual"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_block_says_what_it_is(path: Path) -> None:
    """Or a command could stay untried."""
    fences = re.findall(r"^ *```(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) % 2 == 0
    assert set(fences[::2]) <= LANGUAGES
    assert set(fences[1::2]) <= {""}


def lines_logged() -> Iterator[str]:
    """The texts that the collector logs, with their %s."""
    files = [ROOT / "stability_collector.py", ROOT / "stability_share.py"]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    for call in itertools.chain.from_iterable(map(ast.walk, trees)):
        name = call.func.attr if isinstance(call, ast.Call) and hasattr(call.func, "attr") else ""
        if name in ("error", "warning", "info", "_tell", "leave"):
            for argument in call.args:
                text = argument.left if isinstance(argument, ast.BinOp) else argument
                if isinstance(text, ast.Constant) and " " in str(text.value).strip("%rs "):
                    yield str(text.value)


def test_every_line_that_the_collector_logs_is_explained() -> None:
    explained = page("reference/log-lines.md").replace("...", " ")
    lines = list(lines_logged())
    assert len(lines) > 12
    for line in lines:
        longest = max(re.split(r"%[.\d]*[rsdf]|\"%d = %d\"|:", line), key=len).strip(" ;,")
        assert longest in explained, f"docs/reference/log-lines.md has no word of {longest!r}"


def test_every_section_and_column_of_a_report_is_explained_with_its_unit() -> None:
    explained = page("reference/metrics.md")
    for path in (ROOT / "sample_data" / "reports").glob("*.txt"):
        for section in stability_report.read(str(path)).sections:
            assert f"| `{section.name}` |" in explained
            for column in section.columns:
                assert f"| `{column}` | `{stability_report.column_name(column)}` |" in explained


def test_control_limits_are_explained_as_they_are() -> None:
    explained = page("explanation/control-limits.md")
    assert f"{control.HISTORY} days that ended {control.LAG} days before" in explained
    assert f"{control.WIDTH} standard deviations of those days" in explained
    assert f"fewer than {control.FEWEST} of those days have a scan" in explained


def test_the_options_of_stability_report_are_all_there() -> None:
    command = [sys.executable, str(ROOT / "stability_report.py"), "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", told, re.MULTILINE)) - {"--help"}
    assert len(options) >= 3
    for option in options:
        assert f"| `{option}" in page("reference/commands.md")


def test_the_house_has_every_part_of_the_code() -> None:
    """In the table for who changes it, and the drop-in's modules in the picture, too."""
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    picture = (DOCS / "house.svg").read_text(encoding="utf-8")
    for module in ROOT.glob("stability_*.py"):
        assert f"| `{module.name}` |" in table
        assert f">{module.stem.partition('_')[2]}</text>" in picture
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout
    for folder in {line.partition("/")[0] for line in tracked.splitlines() if "/" in line}:
        assert folder.startswith(".") or f"`{folder}/" in table or f"`{folder}`" in table
