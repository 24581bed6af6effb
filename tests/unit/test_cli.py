"""The `hops` command line."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from hops.cli import main


def hops(*arguments: str, **variables: str) -> str:
    done = CliRunner().invoke(main, arguments, prog_name="hops", env=variables)
    assert done.exit_code == 0, done.output
    return done.output


def test_help_names_the_commands() -> None:
    assert "demo" in hops("--help")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_the_commands(shell: str) -> None:
    """What the README has the shells read asks for this, in the second word."""
    assert f"_HOPS_COMPLETE={shell}_complete" in hops(_HOPS_COMPLETE=f"{shell}_source")
    typed = {"COMP_WORDS": "hops re", "COMP_CWORD": "re" if shell == "fish" else "1"}
    offered = hops(_HOPS_COMPLETE=f"{shell}_complete", **typed)
    assert "report" in offered
    assert "sizing" not in offered


def test_no_command_loads_what_only_the_demo_starts() -> None:
    loaded = "import sys, hops.cli; print([name for name in sys.modules if name[:3] == 'lab'])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
