"""The `hops` command line."""

import re
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from hops.cli import main


def hops(*arguments: str, **variables: str) -> str:
    done = CliRunner().invoke(main, arguments, prog_name="hops", env=variables)
    assert done.exit_code == 0, done.output
    return done.output


def test_help_has_every_command_in_a_group_with_a_whole_sentence_on_a_line_of_80() -> None:
    lines = hops("--help", COLUMNS="80").splitlines()
    groups = [line for line in lines if re.fullmatch(r"\w.*:", line)]
    assert groups == ["Options:", "Set up:", "Look:", "Repair:", "Try out:"]
    listed = [line.split(maxsplit=1) for line in lines[lines.index("Set up:") :] if line[:1] == " "]
    assert sorted(name for name, _ in listed) == sorted(main.commands)
    assert all(re.fullmatch(r"[A-Z].*\w\.", sentence) for _, sentence in listed)


@pytest.mark.parametrize("command", main.commands)
def test_help_breaks_no_name_and_has_examples_to_copy_on_a_terminal_of_80(command: str) -> None:
    text = hops(command, "--help", COLUMNS="80")
    assert all(len(line) <= 80 and line[-1:] != "-" for line in text.splitlines())
    _, _, examples = text.partition("\n  Examples:\n")
    typed = re.sub(r"\s*\\\n\s+", " ", examples).splitlines()
    assert typed
    whole = re.compile(rf"    (sudo -u diamond /\S+/)?hops {command}( |$)")
    assert all(whole.match(each) for each in typed)


def test_it_tells_its_version() -> None:
    assert hops("--version") == f"hops {version('mri-stability-diamondcollector')}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("demo --port 0", "'0': expected a whole number from 1 to 65535."),
        ("sizing --coils 1 --slices 1 --scanners two", "'two': expected a whole number from 1."),
        ("demo --years nan", "'nan': expected a number from 0.01 to 20."),
        ("demo --reports README.md", "'README.md' cannot be read (Not a directory): name a"),
        ("retention --whisper /none", "'/none' cannot be read (No such file or directory): name a"),
        ("notes --from yesterday", "'yesterday': expected a day as in 2026-06-30."),
    ],
)
def test_a_wrong_argument_is_refused_in_a_plain_sentence(arguments: str, sentence: str) -> None:
    done = CliRunner().invoke(main, arguments.split())
    assert done.exit_code == 2
    assert sentence in done.output


def test_the_demo_refuses_a_taken_port_before_it_installs_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lab.demo.find_environment", lambda **_: pytest.fail("it installs"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for option, server in (("--port", "graphite-web"), ("--carbon-port", "carbon")):
            done = CliRunner().invoke(main, ["demo", option, str(port)])
            assert f"Port {port} of 127.0.0.1, meant for {server}, is taken" in done.output


def test_the_demo_looks_for_grafana_before_it_installs_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.demo.find_environment", lambda **_: pytest.fail("it installs"))
    done = CliRunner().invoke(main, ["demo", "--grafana-home", str(tmp_path)])
    assert f"There is no Grafana in {tmp_path}/bin" in done.output


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
