"""Finding and building the environment of Graphite, with a stand-in for Python and pip."""

import importlib.metadata
import importlib.util
import stat

import pytest

from lab.errors import LabError
from lab.graphite import Environment, environment, find_environment

# Knows `-m venv --clear FOLDER`, `-m pip ...` and `-c ...`; notes what it is asked to do.
PYTHON = """\
#!/bin/sh
echo "$*" >> {notes}
case "$*" in
  *venv*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; touch "$4/pyvenv.cfg" ;;
  -c*) dirname "$0" ;;
  *pip*) test ! -e {broken} && echo fine && exit; cat {broken}; exit 1 ;;
esac
"""

REQUIREMENTS = [
    "diamond==4.0.515",
    'setuptools<81,>=70.1; extra == "graphite"',
    'carbon==1.1.10; extra == "graphite"',
    "legacy-cgi>=2.6; (python_version >= '3.13') and extra == 'graphite'",
    'pytest>=8; extra == "test"',
]


class Computer:
    """A place for the environment, and what was done there."""

    def __init__(self, tmp_path):
        self.folder = tmp_path / "project" / ".venv-graphite"
        self.notes = tmp_path / "notes"
        self.broken = tmp_path / "broken"
        self.python = tmp_path / "python3"
        self.python.write_text(PYTHON.format(notes=self.notes, broken=self.broken))
        self.python.chmod(self.python.stat().st_mode | stat.S_IXUSR)
        self.said = []

    def find(self, **more):
        return find_environment(self.folder, say=self.said.append, **more)

    def done(self):
        """What Python was asked to do since the last time."""
        if not self.notes.exists():
            return []
        done = self.notes.read_text().splitlines()
        self.notes.unlink()
        return done


@pytest.fixture
def requirements(monkeypatch):
    required = list(REQUIREMENTS)
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: required)
    return required


@pytest.fixture
def computer(tmp_path, monkeypatch, requirements):
    made = Computer(tmp_path)
    monkeypatch.setattr(environment.sys, "executable", str(made.python))
    monkeypatch.setattr(environment.ctypes, "CDLL", lambda name: None)
    monkeypatch.setattr(environment, "NEWEST_PYTHON", environment.sys.version_info[:2])
    return made


def test_builds_with_the_pins_of_the_extra(computer):
    found = computer.find()
    assert found.python == computer.folder / "bin" / "python"
    assert found.static == computer.folder / "webapp" / "content"
    done = computer.done()
    assert done[0] == f"-m venv --clear {computer.folder}"
    assert done[-2].endswith("setuptools<81,>=70.1")
    assert done[-1].endswith(
        "setuptools<81,>=70.1 carbon==1.1.10 legacy-cgi>=2.6; python_version >= '3.13'"
    )
    assert computer.said


def test_builds_with_uv_where_that_was_installed_with_us(computer):
    uv = computer.python.with_name("uv")
    uv.write_text(f'#!/bin/sh\necho "uv $*" >> {computer.notes}\n')
    uv.chmod(0o755)
    computer.find()
    python = computer.folder / "bin" / "python"
    tools, packages = [step for step in computer.done() if step.startswith("uv")]
    install = f"uv pip install --compile-bytecode --python {python} "
    assert tools == f"{install}setuptools<81,>=70.1"
    assert packages.startswith(f"{install}--no-build-isolation ")


def test_builds_once(computer):
    first = computer.find()
    computer.done()
    computer.said.clear()
    assert computer.find() == first
    assert computer.done() == []
    assert computer.said == []


def test_builds_again_for_other_pins(computer, requirements):
    computer.find()
    computer.done()
    requirements[2] = 'carbon==1.1.11; extra == "graphite"'
    computer.find()
    assert "carbon==1.1.11" in computer.done()[-1]


def test_builds_again_for_another_python(computer, monkeypatch):
    computer.find()
    computer.done()
    monkeypatch.setattr(environment.sys, "version", "3.99.0")
    computer.find()
    assert computer.done()


def test_does_not_trust_an_interrupted_build(computer, monkeypatch):
    steps = []
    run = environment._run

    def interrupted(command, log):
        steps.append(command)
        if len(steps) == 3:
            raise KeyboardInterrupt
        run(command, log)

    with monkeypatch.context() as patch:
        patch.setattr(environment, "_run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            computer.find()
    computer.done()
    computer.find()
    assert len([step for step in computer.done() if "pip" in step]) == 2


def test_a_failing_build_is_one_sentence_with_its_log(computer):
    computer.broken.write_text("Looking\nERROR: No matching distribution\nERROR: so it failed\n")
    with pytest.raises(LabError) as failure:
        computer.find()
    log = computer.folder / "build.log"
    assert str(failure.value) == (
        "The environment for Graphite could not be built (No matching distribution): "
        f"see {log}, mend the cause, and start again."
    )
    assert "so it failed" in log.read_text()
    computer.broken.unlink()
    assert computer.find()


def test_says_when_the_project_is_not_installed(computer, monkeypatch):
    def not_found(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", not_found)
    with pytest.raises(LabError, match="is not installed"):
        computer.find()
    assert computer.done() == []


def test_a_folder_that_cannot_be_made_is_one_sentence(computer):
    computer.folder.parent.write_text("a file where a folder should be")
    with pytest.raises(LabError, match="cannot be made in"):
        computer.find()


def test_does_not_empty_a_folder_of_something_else(computer):
    computer.folder.mkdir(parents=True)
    precious = computer.folder / "thesis.txt"
    precious.write_text("precious")
    with pytest.raises(LabError, match="is no Python environment"):
        computer.find()
    assert precious.read_text() == "precious"
    assert computer.done() == []


def test_says_when_venv_is_missing_before_any_work(computer, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LabError, match=r"apt install python3\.\d+-venv"):
        computer.find()
    assert computer.done() == []


def test_says_when_cairo_is_missing_before_any_work(computer, monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(environment.ctypes, "CDLL", missing)
    with pytest.raises(LabError, match="apt install libcairo2"):
        computer.find()
    assert computer.done() == []


@pytest.fixture
def debian(computer, tmp_path, monkeypatch):
    static = tmp_path / "static"
    static.mkdir()
    monkeypatch.setattr(environment, "DEBIAN_PYTHON", computer.python)
    monkeypatch.setattr(environment, "DEBIAN_STATIC", static)
    return Environment(computer.python, static)


def test_uses_the_system_packages_when_wanted(computer, debian):
    assert computer.find(system=True) == debian
    assert not computer.folder.exists()


def test_uses_the_system_packages_on_a_python_too_new(computer, debian, monkeypatch):
    monkeypatch.setattr(environment, "NEWEST_PYTHON", (3, 8))
    assert computer.find() == debian


def test_says_when_the_system_packages_are_missing(computer, debian):
    computer.python.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(LabError, match="apt install graphite-carbon graphite-web"):
        computer.find(system=True)


def test_other_pythons_do_not_get_the_settings_of_ours(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    variables = environment.process_variables(PYTHONPATH="/theirs")
    assert variables["PYTHONPATH"] == "/theirs"
    assert variables["HTTPS_PROXY"] == "http://proxy"
    assert "PYTHONPATH" not in environment.process_variables()
