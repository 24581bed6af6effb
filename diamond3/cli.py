"""The command `diamond3`: what the command `diamond` is on Python 2."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, Optional

from diamond3 import activate, daemon, logs, parts
from diamond3.accounts import Account
from diamond3.configuration import server_settings
from diamond3.errors import DiamondError
from diamond3.installed import find_diamond, our_version
from diamond3.once import run_once
from diamond3.parts import Parts
from diamond3.pidfile import PidFile
from diamond3.server import tell

log = logging.getLogger("diamond")

EXAMPLES = """\
examples:
  diamond3 -c conf/diamond.conf -f -l          stay in the terminal, log to it
  diamond3 -c conf/diamond.conf -r StabilityCollector
                                               one run of one collector, then exit
  diamond3                                     detach and run as a daemon
  pkill -HUP diamond3                          read the configuration again, in every process
  kill -TERM $(cat /var/run/diamond.pid)       stop
"""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command; the exit code."""
    options = argument_parser().parse_args(arguments)
    try:
        if options.version:
            print(f"Diamond {find_diamond().version}, diamond3 {our_version()}")
            return 0
        return _start(options)
    except DiamondError as error:
        if log.hasHandlers():
            log.critical(error)
        print(f"diamond3: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as a shell has it


def argument_parser() -> argparse.ArgumentParser:
    """What the command line may have."""
    parser = argparse.ArgumentParser(
        prog="diamond3",
        description="Run the Diamond metrics daemon on Python 3.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "-c",
        "--configfile",
        metavar="FILE",
        default="/etc/diamond/diamond.conf",
        help="configuration file (default: %(default)s)",
    )
    add("-f", "--foreground", action="store_true", help="stay in the foreground, write no pid file")
    add("-l", "--log-stdout", action="store_true", help="log everything to standard output")
    add("-p", "--pidfile", metavar="FILE", help="pid file (default: pid_file of [server])")
    add(
        "-r",
        "--run",
        metavar="COLLECTOR",
        help="run this collector once, enabled or not; exit with 1 if anything went wrong",
    )
    add("-u", "--user", help="user to run as (default: user of [server])")
    add("-g", "--group", help="group to run as (default: group of [server])")
    add("--skip-pidfile", action="store_true", help="neither check nor write the pid file")
    add("--skip-change-user", action="store_true", help="go on as the present user")
    add("--skip-fork", action="store_true", help="do not detach")
    add("-v", "--version", action="store_true", help="print the versions and exit")
    return parser


def _start(options: argparse.Namespace) -> int:
    configfile = os.path.abspath(options.configfile)
    settings = server_settings(configfile)
    account = _account(options, settings)
    if options.run is not None:
        _prepare(options, configfile, account)
        return run_once(configfile, options.run)

    pid_file = _pid_file(options, settings)
    if pid_file:
        pid_file.refuse_second_daemon()
    if options.foreground:
        _prepare(options, configfile, account)
        return daemon.serve(configfile, _checked(configfile))
    return _start_daemon(options, configfile, account, pid_file)


def _start_daemon(
    options: argparse.Namespace, configfile: str, account: Account, pid_file: Optional[PidFile]
) -> int:
    def announce(pid: int) -> None:
        if pid_file:
            pid_file.write(pid, account)

    try:
        announce(os.getpid())  # while we may still create the file
        _prepare(options, configfile, account)
        found = _checked(configfile)  # while we may still say what is wrong
        if not options.skip_fork:
            daemon.detach(announce)
        return daemon.serve(configfile, found)
    finally:
        if pid_file:
            pid_file.remove()


def _prepare(options: argparse.Namespace, configfile: str, account: Account) -> None:
    """Set up what both a daemon and a single run need."""
    if options.log_stdout:
        logs.to_stdout()
    else:
        logs.configure(configfile)  # while we may still open the log
    account.become()
    logs.refuse_a_folder_that_is_not_ours()
    activate()  # as the user who will read the translation from now on


def _checked(configfile: str) -> Parts:
    found = parts.load(configfile)
    parts.check(found)
    if not found.enabled:
        tell(
            f"no collector is switched on in {configfile} or in its collectors_config_path; set "
            "enabled = True in the .conf of one, and reload"
        )
    return found


def _account(options: argparse.Namespace, settings: Any) -> Account:
    if options.skip_change_user:
        return Account()
    return Account.named(
        options.user or settings.get("user", ""), options.group or settings.get("group", "")
    )


def _pid_file(options: argparse.Namespace, settings: Any) -> Optional[PidFile]:
    if options.skip_pidfile:
        return None
    path = options.pidfile or settings.get("pid_file", "")
    if not path:
        raise DiamondError(
            "there is no pid file in -p or in `pid_file` of [server]; "
            "name one, or use --skip-pidfile"
        )
    return PidFile(os.path.abspath(path))
