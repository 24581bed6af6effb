"""`diamond3.activate()`: one translation, in a safe place, of a Diamond that stays as it is."""

import hashlib
import multiprocessing
import os
import pwd
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import pytest

from diamond3 import DiamondError, cache, installed, translation

ROOT = Path(__file__).resolve().parents[2]
ACTIVATE = "import diamond3; diamond3.activate(); import diamond.collector"


def python(code, cache_folder, path=(), **environment):
    """Start a Python that can import diamond3 and has its caches in `cache_folder`."""
    entries = [*map(str, path), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=dict(
            os.environ,
            XDG_CACHE_HOME=str(cache_folder),
            PYTHONPATH=os.pathsep.join(filter(None, entries)),
            **environment,
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process):
    out, errors = process.communicate(timeout=600)
    assert (process.returncode, errors) == (0, "")
    return out.strip()


def translations(folder):
    return [entry for entry in (folder / "diamond3").iterdir() if entry.name != "lock"]


@pytest.fixture(scope="module")
def filled_cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    output(python(ACTIVATE, folder))
    return folder


def test_every_module_imports_that_has_what_it_needs(filled_cache):
    code = f"""{ACTIVATE}
import importlib, pkgutil
for module in pkgutil.walk_packages(diamond.__path__, "diamond."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        print(error.name)
"""
    missing = set(
        output(python(code, filled_cache, PYTHONWARNINGS="error::SyntaxWarning")).splitlines()
    )
    assert missing <= {"MySQLdb", "xdrlib"}  # xdrlib left Python with 3.13


def test_second_start_does_without_the_translator(filled_cache):
    code = f"{ACTIVATE}; import sys; print('fissix' in sys.modules)"
    assert output(python(code, filled_cache)) == "False"


def test_starts_do_not_compile_again(filled_cache):
    (folder,) = translations(filled_cache)
    assert len(list(folder.rglob("*.pyc"))) == len(list(folder.rglob("*.py"))) > 40


def test_second_call_changes_nothing(filled_cache):
    code = f"{ACTIVATE}; import sys; a = sys.path[:]; diamond3.activate(); print(a == sys.path)"
    assert output(python(code, filled_cache)) == "True"


def test_translation_comes_first_on_the_path(filled_cache):
    (folder,) = translations(filled_cache)
    assert output(python(f"{ACTIVATE}; import sys; print(sys.path[0])", filled_cache)) == str(
        folder
    )


def test_two_processes_starting_at_once_share_one_translation(tmp_path):
    starting = [python(f"{ACTIVATE}; print(diamond.__file__)", tmp_path) for _ in range(3)]
    files = {output(process) for process in starting}
    assert len(files) == 1
    assert len(translations(tmp_path)) == 1


def test_installed_package_stays_as_it_is(tmp_path):
    package = installed.find_diamond().package

    def digest():
        files = sorted(path for path in package.rglob("*") if path.is_file())
        parts = [part for path in files for part in (str(path).encode(), path.read_bytes())]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    before = digest()
    output(python(f"{ACTIVATE}; import diamond.server", tmp_path))
    assert digest() == before


def test_translation_of_which_files_were_swept_away_is_made_anew(tmp_path):
    output(python(ACTIVATE, tmp_path))
    (folder,) = translations(tmp_path)
    (folder / "diamond" / "collector.py").unlink()
    output(python(ACTIVATE, tmp_path))
    assert (folder / "diamond" / "collector.py").is_file()
    assert translations(tmp_path) == [folder]


def test_changed_installation_is_translated_again(tmp_path, filled_cache):
    package = installed.find_diamond().package
    copy = tmp_path / "site"
    for name, content in installed.find_diamond().sources().items():
        (copy / "diamond" / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / "diamond" / name).write_bytes(content)
    with (copy / "diamond" / "version.py").open("a") as file:
        file.write("\nLOCAL_PATCH = True\n")
    write_metadata(copy, installed.KNOWN_VERSION)
    code = f"{ACTIVATE}; from diamond.version import LOCAL_PATCH; print(LOCAL_PATCH)"
    assert package != copy / "diamond"
    assert output(python(code, tmp_path, path=[copy])) == "True"


def test_translator_keeps_nothing_in_the_home(tmp_path):
    output(python(ACTIVATE, tmp_path / "cache", HOME=str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["diamond3"]


# Where it is kept


def test_user_without_a_home_gets_a_private_folder(tmp_path):
    code = f"{ACTIVATE}; print(diamond.__file__)"
    file = output(python(code, "", HOME="/dev/null", TMPDIR=str(tmp_path)))
    kept = tmp_path / f"diamond3-{os.geteuid()}"
    assert list(tmp_path.iterdir()) == [kept]
    assert file.startswith(f"{kept}/")
    assert kept.stat().st_mode & 0o077 == 0
    assert output(python(code, "", HOME="/dev/null", TMPDIR=str(tmp_path))) == file


def _first_folder_as_nobody(connection):
    if os.geteuid() == 0:
        os.setuid(pwd.getpwnam("nobody").pw_uid)
    connection.send(str(next(cache.cache_folders())))


def test_home_that_the_user_may_not_even_look_into_is_passed_over(monkeypatch, tmp_path):
    closed = tmp_path / "home"
    closed.mkdir(mode=0)
    monkeypatch.setenv("HOME", str(closed))
    monkeypatch.setenv("XDG_CACHE_HOME", str(closed))
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_first_folder_as_nobody, args=(theirs,))
    # Not below tmp_path, which is closed to nobody as well.
    with tempfile.TemporaryDirectory() as temporary:
        os.chmod(temporary, 0o1777)
        monkeypatch.setattr(tempfile, "tempdir", temporary)
        process.start()
        try:
            assert ours.poll(30)
            assert ours.recv().startswith(f"{temporary}/diamond3-")
        finally:
            process.kill()
            process.join()


def folders(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return list(cache.cache_folders())


def test_cache_of_the_user_comes_first(monkeypatch, tmp_path):
    first, second, third, last = folders(monkeypatch, tmp_path)
    assert first == tmp_path / "xdg" / "diamond3"
    assert second == tmp_path / "home" / ".cache" / "diamond3"
    assert third == tmp_path / f"diamond3-{os.geteuid()}"
    assert last.parent == tmp_path
    assert {folder.stat().st_mode & 0o777 for folder in (first, second, third, last)} == {0o700}


def test_folder_that_others_can_write_to_is_not_trusted(monkeypatch, tmp_path):
    taken = tmp_path / "xdg" / "diamond3"
    taken.mkdir(parents=True)
    taken.chmod(0o777)
    assert taken not in folders(monkeypatch, tmp_path)


def test_link_is_not_trusted(monkeypatch, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"diamond3-{os.geteuid()}").symlink_to(tmp_path / "elsewhere")
    assert tmp_path / f"diamond3-{os.geteuid()}" not in folders(monkeypatch, tmp_path)


def test_folder_of_somebody_else_is_not_trusted(monkeypatch, tmp_path):
    (tmp_path / "diamond3-12345").mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert not cache.is_private(tmp_path / "diamond3-12345")


def test_nothing_is_made_in_the_home_of_somebody_else(monkeypatch, tmp_path):
    """Ours here, but somebody else's for the user we pretend to be."""
    if os.geteuid() == 0:
        os.chown(tmp_path, 54321, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    folders(monkeypatch, tmp_path)
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "xdg").exists()


# What can be wrong with the installation


def write_metadata(folder, version):
    information = folder / f"diamond-{version}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: diamond\nVersion: {version}\n"
    )


def test_unknown_version_is_refused_in_one_sentence(tmp_path):
    write_metadata(tmp_path, "9.9")
    process = python("from diamond3.cli import main; main(['-v'])", tmp_path, path=[tmp_path])
    out, errors = process.communicate(timeout=600)
    assert out == ""
    assert errors.count("\n") == 1
    assert f"Diamond 9.9 in {tmp_path} is not 4.0.515" in errors
    assert "pip install diamond==4.0.515" in errors


def test_missing_diamond_is_told_in_one_sentence(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(installed.metadata, "distribution", missing)
    with pytest.raises(DiamondError, match=r"not installed .* pip install diamond==4.0.515"):
        installed.find_diamond()


def test_registered_diamond_without_its_files_is_refused(tmp_path):
    write_metadata(tmp_path, installed.KNOWN_VERSION)
    process = python("import diamond3; diamond3.activate()", tmp_path, path=[tmp_path])
    assert "package folder is missing" in process.communicate(timeout=600)[1]


def test_missing_translator_is_told_in_one_sentence(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(installed.metadata, "version", missing)
    with pytest.raises(DiamondError, match=r"fissix.* pip install fissix"):
        installed.fissix_version()


@pytest.mark.parametrize("before", ["import diamond", "import diamond.server"])
def test_python_2_diamond_imported_before_is_told(filled_cache, before):
    code = f"""
try:
    {before}
except (ImportError, SyntaxError):
    pass
import diamond3
try:
    diamond3.activate()
except diamond3.DiamondError as error:
    print(error)
"""
    told = output(python(code, filled_cache))
    assert "call diamond3.activate() before the first import of diamond" in told


def test_no_folder_for_the_translation_is_told(monkeypatch):
    def none_left():
        raise OSError("No space left on device")
        yield

    monkeypatch.setattr(cache, "cache_folders", none_left)
    with pytest.raises(DiamondError, match=r"No space left on device.*XDG_CACHE_HOME"):
        translation.translated(installed.find_diamond())
