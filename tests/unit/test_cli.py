"""The `hops` command line."""

from click.testing import CliRunner

from hops.cli import main


def test_help_names_the_commands() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    assert "demo" in done.output
