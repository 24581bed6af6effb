"""The Diamond server as a daemon: detached, obedient to signals, leaving no process behind."""

import logging
import multiprocessing
import os
import signal
import sys
import time
from types import FrameType
from typing import Callable, NoReturn, Optional

from diamond3.errors import DiamondError
from diamond3.parts import Parts
from diamond3.server import STOP_SIGNALS, Server

log = logging.getLogger("diamond")

SECONDS_TO_STOP = 5.0


class _Stopped(SystemExit):
    """A signal asked for the end. Forked processes inherit this and end with it, too."""

    def __init__(self, signum: int) -> None:
        super().__init__(0)
        self.signum = signum


def detach(announce: Callable[[int], None]) -> None:
    """Go on in a process of its own, away from the terminal; the present one exits with 0.

    That exit comes after `announce(pid)`, so whoever started us can rely on the pid file.

    Raises:
        DiamondError: the system refuses another process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    first = _fork()
    if first:
        _, status = os.waitpid(first, 0)
        os._exit(1 if status else 0)
    os.setsid()
    os.umask(0o022)
    # A session leader could get a terminal again, its child cannot.
    second = _fork()
    if second:
        _announce_and_exit(announce, second)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _fork() -> int:
    try:
        return os.fork()
    except OSError as error:
        raise DiamondError(
            f"cannot start the daemon's process ({error.strerror}); "
            "end other processes first, or use --skip-fork"
        ) from None


def _announce_and_exit(announce: Callable[[int], None], pid: int) -> NoReturn:
    try:
        announce(pid)
    except DiamondError as error:
        print(f"diamond3: {error}", file=sys.stderr)
        os.kill(pid, signal.SIGKILL)
        os._exit(1)
    os._exit(0)


def serve(configfile: str, parts: Parts) -> int:
    """Run the server until a signal ends it; the exit code.

    Raises:
        DiamondError: the server failed; if that was unexpected, the log has a traceback.
    """
    # The server listens for SIGHUP once it is up; until then one would kill it, and the
    # process of the handlers, which never does, any time.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for signum in STOP_SIGNALS:
        signal.signal(signum, _stop)
    # The server starts the process of its queue: a stop has to wait until it knows that process.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    server = Server(configfile, parts)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        server.run()
    except _Stopped as stopped:
        log.info("Signal received: %d", stopped.signum)
    except DiamondError:
        raise
    except Exception as error:
        log.critical("Diamond failed", exc_info=True)
        raise DiamondError(
            f"Diamond failed ({type(error).__name__}: {error}); "
            f"correct {configfile}, and see the log for the traceback"
        ) from error
    finally:
        _end(server)
    return 0


def _stop(signum: int, frame: Optional[FrameType]) -> NoReturn:
    _ignore_signals()  # a second one would interrupt the orderly end
    raise _Stopped(signum)


def _ignore_signals() -> None:
    for signum in (*STOP_SIGNALS, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)


def _end(server: Server) -> None:
    _ignore_signals()
    # Collectors and handlers are daemonic processes, the one that owns their queue is not.
    workers = [child for child in multiprocessing.active_children() if child.daemon]
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + SECONDS_TO_STOP
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
    for worker in workers:
        if worker.is_alive():
            log.warning("%s did not stop in time and is killed", worker.name)
            worker.kill()
            worker.join()
    server.manager.shutdown()
