"""Every command in the manual, run as a reader would type it.

The shell blocks of a page (`sh`, and `console` with `$` before each command and what it prints
below) run in one shell, from top to bottom. README and tutorial begin anew, but that what both
install with the same lines is installed once; all other pages go on from the machine that the
tutorial leaves, in a checkout and with /opt/hops/bin on the PATH. The machine is a folder, and a
Graphite: `Machine.places` says what stands for what, in the pages and in the checkout. In the
output shown, three dots are anything.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from programs import ROOT, run

from lab.graphite import EmbeddedGraphite, Environment

pytestmark = pytest.mark.integration

# Commands that are left out, by how they begin, and why.
LEFT_OUT = {
    "/opt/hops/bin/pip install --upgrade": "is what the tutorial types, once more",
    "apt-get ": "needs root, and changes this machine",
    "chown 10001": "needs root",
    "docker ": "needs a container engine",
    "cp house-ca.crt": "needs a certificate authority, and root",
    "rm -r": "takes away what the next page needs",
    "runuser ": "needs root, and the user that useradd makes",
    "setfacl ": "needs root, and the user that useradd makes",
    "sudo ": "needs the user that useradd makes",
    "systemctl ": "needs root and systemd",
    "useradd ": "needs root, and changes this machine",
    "userdel ": "needs root, and changes this machine",
    "script/demo": "stays until Ctrl-C; test_demo.py runs it",
    "script/test": "is what runs this",
}

# This carbon writes what it has every second, and this graphite-web takes a sixth of the time to
# read a sixth of the slots.
QUICKER = {
    "confirm_seconds = 10": "confirm_seconds = 2",
    "retentions = 10m:1y": "retentions = 1h:1y",
}

# Commands that a machine needs once, whichever page has them.
INSTALLING = ("python3 -m venv ", "/opt/hops/bin/pip ")

# Commands that stay until Ctrl-C: here they only have to be found, and to have the options.
STAYING = ("/opt/hops/bin/hops demo",)
# What a page says before what is typed in another terminal than the first.
ELSEWHERE = "second terminal"


def old_reports(folder: str, year: int) -> str:
    """How reports of some days of a year get into a new folder."""
    return f"""
        rm -rf samples {folder}
        hops sample samples --years 0.03 --until {year}-06-30
        mkdir -p {folder}
        mv samples/north-bay1/*.txt {folder}
    """


# What must have happened before a how-to is needed.
BEFORE = {
    "docs/how-to/ingest-again.md": """
        mkdir -p /mnt/console
        cp sample_data/reports/Stability_20260302T070412.txt /mnt/console/
        tr -d 3 < /mnt/console/Stability_20260302T070412.txt > cut
        cp cut /mnt/scanner/bay1/Stability_20260302T070412.txt
        touch -d yesterday /mnt/console/*.txt /mnt/scanner/bay1/*.txt
        diamond3 --run StabilityCollector || test $? = 1
    """,
    "docs/how-to/move-from-2018.md": old_reports("/mnt/old-reports", 2018),
    "docs/how-to/move-from-mristability.md": old_reports(
        "/mnt/scanner/Harvard/Northwest/Bay1/Processed", 2024
    ),
    "docs/how-to/take-in-old-reports.md": old_reports("/mnt/old-reports", 2025),
}

# What the collector says of itself at the end of a run is in Graphite a moment later.
RUN = "diamond3 --run"
HEARD = """timeout 120 bash -c "until curl -s 'http://127.0.0.1:8080/render?format=json&from=-1h\
&noNullPoints=true&target=servers.*.StabilityCollector.*.*.*.ingest.waiting' | grep -q '\\[\\['
do sleep 0.2; done" """

FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
DONE = "@@ done "
README = "README.md"
TUTORIAL = "docs/tutorial/first-scanner.md"


class Step(NamedTuple):
    """A command, or the commands of a block, what the page says they print, if anything, and
    whether they are typed in another terminal."""

    command: str
    prints: str | None = None
    is_elsewhere: bool = False


def steps(page: str) -> Iterator[Step]:
    """What a page tells its reader to type."""
    whole = (ROOT / page).read_text(encoding="utf-8")
    for fence in FENCE.finditer(whole):
        indent, language, block = fence.groups()
        text = re.sub(f"^{indent}", "", block, flags=re.MULTILINE)
        paragraph = whole[: fence.start()].rstrip().rpartition("\n\n")[2]
        if language == "sh":
            yield Step(run_here(text), is_elsewhere=ELSEWHERE in paragraph)
        elif language == "console":
            for command in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                typed, _, printed = command.partition("\n")
                while typed.endswith("\\"):
                    more, _, printed = printed.partition("\n")
                    typed = f"{typed}\n{more}"
                yield Step(run_here(typed), printed.strip())


def run_here(commands: str) -> str:
    """The commands without those that are left out, or would stay."""
    lines = re.split(r"(?<!\\)\n", commands.strip())
    return "\n".join(
        f"{line} --help" if line.startswith(STAYING) else line
        for line in lines
        if not line.startswith(tuple(LEFT_OUT))
    )


def pages() -> list[str]:
    """The pages with commands in the order of the navigation, and the README."""
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    found = [README, *(f"docs/{name}" for name in _leaves(navigation))]
    return [page for page in found if any(steps(page))]


def _leaves(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _leaves(value)
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value)


class Machine:
    """A folder that stands for the reader's machine."""

    USED = ("/backup", "/etc", "/mnt/", "/usr/share/diamond", "/var/log")

    def __init__(self, folder: Path, graphite: EmbeddedGraphite) -> None:
        self.checkout = folder / "checkout"
        self._folder = folder
        self._graphite = graphite
        self._installed: set[str] = set()
        self._configuration = folder / "etc" / "diamond"
        self._kept = folder / "configuration"
        self.places = {
            "http://127.0.0.1:8080": graphite.url,
            "127.0.0.1:2003": f"127.0.0.1:{graphite.line_port}",
            "port = 2003": f"port = {graphite.line_port}",
            "/var/lib/graphite/whisper": str(graphite.whisper_dir),
            **QUICKER,
        }
        for path in (*self.USED, "/opt"):
            self.places[path] = f"{folder}{path}"
        self._install_python(folder / "bin")
        (folder / "opt").mkdir()

    def begin_anew(self) -> None:
        """Forgets all that was done on it, but what is installed; the Graphite is empty."""
        for path in ("/checkout", "/configuration", *self.USED):
            shutil.rmtree(f"{self._folder}{path}", ignore_errors=True)
        for path in (*self.USED, "/etc/logrotate.d", "/etc/systemd/system"):
            Path(f"{self._folder}{path}").mkdir(parents=True)
        self._make_checkout()
        shutil.copytree(self._graphite.folder / "conf", self._folder / "etc" / "carbon")
        if any(self._graphite.whisper_dir.glob("*")):
            self._graphite.stop()
            shutil.rmtree(self._graphite.whisper_dir)
            self._graphite.start()

    def _make_checkout(self) -> None:
        """A copy of ours, in which the places are replaced, too: they are defaults there."""
        for name in run(["git", "ls-files"]).splitlines():
            if (ROOT / name).exists():
                copy = self.checkout / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy)
                if copy.suffix in (".py", ".conf", ".service"):
                    copy.write_text(self._here(copy.read_text(encoding="utf-8")), encoding="utf-8")

    def _install_python(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "python3").symlink_to(Path(sys.executable).resolve())
        self._path = f"{folder}:/usr/local/bin:/usr/bin:/bin"

    def keep_configuration(self) -> None:
        """Remembers Diamond's configuration as it is now."""
        shutil.copytree(self._configuration, self._kept)

    def restore_configuration(self) -> None:
        """Takes back the changes of other pages."""
        shutil.rmtree(self._configuration)
        shutil.copytree(self._kept, self._configuration)
        # The unit has a /tmp of its own, and so sees nothing of a machine that is below it.
        Path(self.places["/etc"], "systemd/system/diamond3.service").unlink(missing_ok=True)

    def follow(self, page: str, path: str = "") -> None:
        """Types what the page says, and compares what is printed."""
        before = Step(textwrap.dedent(BEFORE.get(page, "")), None)
        todo = [before, *steps(page)]
        script = "".join(
            f"{self._typed(step)}\nprintf '\\n{DONE}\\n'\n"
            f"{self._here(HEARD) if RUN in step.command else ''}\n"
            for step in todo
        )
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.checkout,
            env={**self._variables(), "PATH": f"{self._here(path)}{self._path}"},
            capture_output=True,
            text=True,
        )
        *outputs, rest = done.stdout.split(f"\n{DONE}\n")
        for step, output in zip(todo, outputs):
            check_output(step, self._there(output))
        assert done.returncode == 0, (
            f"{todo[len(outputs)].command!r} ended with {done.returncode}:\n{rest}\n{done.stderr}"
        )

    def _typed(self, step: Step) -> str:
        """The command without what is installed, in a shell that knows nothing of the first one
        where the page says so."""
        lines = [line for line in step.command.splitlines() if line not in self._installed]
        self._installed.update(line for line in lines if line.startswith(INSTALLING))
        command = self._here("\n".join(lines))
        another = f"PATH={shlex.quote(self._path)} bash -euo pipefail -c {shlex.quote(command)}"
        return another if step.is_elsewhere else command

    def _here(self, text: str) -> str:
        return replaced(text, self.places)

    def _there(self, text: str) -> str:
        return replaced(text, {ours: place for place, ours in self.places.items()})

    def _variables(self) -> dict[str, str]:
        """Ours, with a home of its own, but for the caches and settings of pip and the like."""
        ours = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
        for name, folder in (("XDG_CACHE_HOME", ".cache"), ("XDG_CONFIG_HOME", ".config")):
            ours.setdefault(name, str(Path.home() / folder))
        # Without bytecode of modules that nobody imports, pip is twice as quick.
        return {**ours, "HOME": str(self.checkout), "PIP_COMPILE": "0"}


def replaced(text: str, words: Mapping[str, str]) -> str:
    """The text with each of the words replaced, where no other path or name ends in it."""
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.sub(rf"(?<![\w.-])({pattern})", lambda match: words[match[1]], text)


def check_output(step: Step, output: str) -> None:
    if step.prints:
        wanted = re.escape(step.prints).replace(r"\.\.\.", ".*")
        # Tables and logs are padded.
        found = "\n".join(line.rstrip() for line in output.strip().splitlines())
        assert re.fullmatch(wanted, found, re.DOTALL), f"{step.command!r} printed:\n{found}"


@pytest.fixture(scope="module")
def any_machine(
    graphite_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """The machine, with something or nothing on it."""
    folder = tmp_path_factory.mktemp("machine")
    schemas = (ROOT / "graphite" / "storage-schemas.conf").read_text(encoding="utf-8")
    schemas = replaced(schemas, QUICKER)
    with EmbeddedGraphite(
        folder / "graphite", graphite_environment, storage_schemas=schemas
    ) as graphite:
        yield Machine(folder, graphite)


def test_the_readme_alone_leads_to_a_collector_that_runs(any_machine: Machine) -> None:
    any_machine.begin_anew()
    any_machine.follow(README)
    assert list(any_machine.checkout.parent.glob("mnt/scanner/bay1/Ingested/*.txt"))


@pytest.fixture(scope="module")
def machine(any_machine: Machine) -> Machine:
    """The machine that the tutorial leaves."""
    any_machine.begin_anew()
    any_machine.follow(TUTORIAL)
    any_machine.keep_configuration()
    return any_machine


def test_the_tutorial_leads_to_a_report_on_a_graph(machine: Machine) -> None:
    [page] = machine.checkout.glob("pages/Harvard.Northwest.Bay1.32.html")
    assert "<svg" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in pages() if page not in (README, TUTORIAL)])
def test_every_command_of_the_page_does_what_it_says(machine: Machine, page: str) -> None:
    machine.restore_configuration()
    machine.follow(page, path="/opt/hops/bin:")
