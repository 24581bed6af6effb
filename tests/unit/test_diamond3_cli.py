"""The command line: its errors in one sentence, its pid file, its change of user."""

import grp
import multiprocessing
import os
import pwd
import subprocess
import sys

import pytest

from diamond3.accounts import Account
from diamond3.cli import main
from diamond3.errors import DiamondError
from diamond3.pidfile import PidFile


def configuration(tmp_path, server):
    configfile = tmp_path / "diamond.conf"
    configfile.write_text(f"[server]\n{server}\n")
    return str(configfile)


def sentence(capsys, *arguments):
    """The error of a command that fails."""
    assert main(arguments) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith("diamond3: ")
    assert errors.count("\n") == 1
    return errors


def test_version_is_diamonds_and_ours(capsys):
    assert main(["-v"]) == 0
    assert capsys.readouterr().out.startswith("Diamond 4.0.515, diamond3 ")


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "diamond3 -c conf/diamond.conf -f -l" in capsys.readouterr().out


def test_configuration_that_is_missing(capsys, tmp_path):
    told = sentence(capsys, "-c", str(tmp_path / "none.conf"))
    assert f"cannot read the configuration {tmp_path}/none.conf" in told


def test_configuration_that_is_a_folder(capsys, tmp_path):
    assert "cannot read the configuration" in sentence(capsys, "-c", str(tmp_path))


def test_configuration_that_has_an_error(capsys, tmp_path):
    told = sentence(capsys, "-c", configuration(tmp_path, "no equals sign"))
    assert "cannot understand the configuration" in told
    assert "line" in told


def test_configuration_that_is_no_text(capsys, tmp_path):
    (tmp_path / "diamond.conf").write_bytes(b"[server]\nuser = \xff\n")
    told = sentence(capsys, "-c", str(tmp_path / "diamond.conf"))
    assert "cannot understand the configuration" in told


def test_configuration_without_a_server(capsys, tmp_path):
    (tmp_path / "diamond.conf").write_text("[collectors]\n")
    assert "no [server] section" in sentence(capsys, "-c", str(tmp_path / "diamond.conf"))


def test_unknown_user(capsys, tmp_path):
    configfile = configuration(tmp_path, "user = nobody-by-this-name")
    assert "no user 'nobody-by-this-name'" in sentence(capsys, "-c", configfile)


def test_unknown_group(capsys, tmp_path):
    configfile = configuration(tmp_path, "user =\ngroup =")
    assert "no group 'none-such'" in sentence(capsys, "-c", configfile, "-g", "none-such")


def test_no_pid_file(capsys, tmp_path):
    assert "name one, or use --skip-pidfile" in sentence(
        capsys, "-c", configuration(tmp_path, "user =")
    )


def test_pid_file_in_a_folder_that_is_missing(capsys, tmp_path):
    pid_file = tmp_path / "none" / "diamond.pid"
    told = sentence(capsys, "-c", configuration(tmp_path, ""), "-p", str(pid_file))
    assert f"the pid file {pid_file} cannot be used (No such file" in told


def test_running_daemon(capsys, tmp_path):
    pid_file = tmp_path / "diamond.pid"
    pid_file.write_text(f"{os.getppid()}\n")
    told = sentence(capsys, "-c", configuration(tmp_path, f"pid_file = {pid_file}"), "-f")
    assert f"already running as process {os.getppid()}" in told
    assert pid_file.exists()


# The pid file


def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    "text", ["", "no number", "-1", "0", "9" * 30, os.getpid, ended_process]
)
def test_pid_file_of_no_running_daemon_is_removed(tmp_path, text):
    path = tmp_path / "diamond.pid"
    path.write_text(str(text()) if callable(text) else text)
    PidFile(str(path)).refuse_second_daemon()
    assert not path.exists()


def test_process_of_another_user_is_running(tmp_path, monkeypatch):
    def not_permitted(pid, signum):
        raise PermissionError

    (tmp_path / "diamond.pid").write_text("1\n")
    monkeypatch.setattr(os, "kill", not_permitted)
    with pytest.raises(DiamondError, match="already running as process 1,"):
        PidFile(str(tmp_path / "diamond.pid")).refuse_second_daemon()


def test_pid_file_is_written_and_removed(tmp_path):
    pid_file = PidFile(str(tmp_path / "diamond.pid"))
    pid_file.write(12345678, Account())
    pid_file.write(12, Account())
    assert (tmp_path / "diamond.pid").read_text() == "12\n"
    pid_file.remove()
    pid_file.remove()
    assert not (tmp_path / "diamond.pid").exists()


def test_pid_file_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "diamond.pid").symlink_to(tmp_path / "precious")
    with pytest.raises(DiamondError, match="cannot be used"):
        PidFile(str(tmp_path / "diamond.pid")).write(12, Account())
    assert not (tmp_path / "precious").exists()


def test_pid_file_that_may_not_be_removed_is_left(tmp_path, caplog):
    (tmp_path / "diamond.pid").mkdir()
    PidFile(str(tmp_path / "diamond.pid")).remove()
    assert "cannot be removed" in caplog.text


# The user


def test_no_names_mean_no_change():
    identity = os.getuid(), os.getgid(), os.getgroups()
    Account.named("", "").become()
    assert (os.getuid(), os.getgid(), os.getgroups()) == identity


def test_user_brings_its_own_group():
    user = pwd.getpwnam("nobody")
    assert Account.named("nobody", "").gid == user.pw_gid
    other = grp.getgrgid(0).gr_name
    assert Account.named("nobody", other).gid == 0


def _identity_after_becoming(user, connection):
    try:
        Account.named(user, "").become()
        connection.send((os.getuid(), os.getgid(), os.getgroups(), os.environ["HOME"]))
    except DiamondError as error:
        connection.send(str(error))


def identity_after_becoming(user):
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_identity_after_becoming, args=(user, theirs))
    process.start()
    try:
        assert ours.poll(30)
        return ours.recv()
    finally:
        process.kill()
        process.join()


def test_only_root_becomes_another_user_and_does_so_entirely():
    identity = identity_after_becoming("nobody")
    nobody = pwd.getpwnam("nobody")
    groups = os.getgrouplist("nobody", nobody.pw_gid)
    if os.geteuid() == 0:
        assert identity == (nobody.pw_uid, nobody.pw_gid, groups, nobody.pw_dir)
    else:
        assert "start diamond3 as root" in identity
