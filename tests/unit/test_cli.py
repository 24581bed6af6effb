"""The `hops` command line."""

import sys

import pytest
from click.testing import CliRunner

from hops.cli import main


def test_help_names_the_commands() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    assert "demo" in done.output


def test_a_report_without_matplotlib_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = CliRunner().invoke(main, ["report", "--scanner", "Here", "-o", "here.pdf"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: matplotlib, with which the pages are drawn, is missing")
    assert "pip install 'mri-stability-diamondcollector[report]'" in done.output
