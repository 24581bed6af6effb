"""The `hops` command line."""

import subprocess
import sys


def hops(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys; {before}\nfrom hops.__main__ import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)


def test_help_names_the_commands() -> None:
    done = hops("--help")
    assert done.returncode == 0
    assert "demo" in done.stdout


def test_a_plain_install_says_what_to_install() -> None:
    done = hops("--help", before="sys.modules['click'] = None")
    assert done.returncode == 1
    assert "pip install 'mri-stability-diamondcollector[hops]'" in done.stderr
    assert "Traceback" not in done.stderr
