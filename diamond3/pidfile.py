"""The file with the daemon's process number, which keeps a second daemon from starting."""

import logging
import os
import sys
from dataclasses import dataclass

from diamond3.accounts import Account
from diamond3.errors import DiamondError

log = logging.getLogger("diamond")


@dataclass(frozen=True)
class PidFile:
    """A pid file at `path`."""

    path: str

    def refuse_second_daemon(self) -> None:
        """Check that no daemon runs; the pid file of one that died is removed.

        Raises:
            DiamondError: one does run, or the file cannot be read or removed.
        """
        try:
            with open(self.path, encoding="ascii", errors="replace") as file:
                text = file.read().strip()
            if _is_running(text):
                raise DiamondError(
                    f"Diamond is already running as process {text}, says {self.path}; "
                    "stop it first, or remove that file if the process is another program"
                )
            os.unlink(self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unusable(error) from None
        print(f"diamond3: removed {self.path}, left by a daemon that died", file=sys.stderr)

    def write(self, pid: int, owner: Account) -> None:
        """Write `pid`, for `owner` to rewrite and remove.

        Raises:
            DiamondError: the file cannot be written.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        try:
            with open(os.open(self.path, flags, 0o644), "w", encoding="ascii") as file:
                file.write(f"{pid}\n")
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), owner.uid, owner.gid)
        except OSError as error:
            raise self._unusable(error) from None

    def remove(self) -> None:
        """Remove the file; an owner who may not do that in its folder leaves it behind."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning(
                "The pid file %s cannot be removed (%s); the next start will do it",
                self.path,
                error.strerror,
            )

    def _unusable(self, error: OSError) -> DiamondError:
        return DiamondError(
            f"the pid file {self.path} cannot be used ({error.strerror}); create its folder, "
            "choose another file with -p or `pid_file` in [server], or use --skip-pidfile"
        )


def _is_running(text: str) -> bool:
    """Whether `text` is the number of a process, other than ours, that runs now.

    Ours it is in a container, where the numbers start anew each time.
    """
    if not text.isdigit() or int(text) in (0, os.getpid()):
        return False
    try:
        os.kill(int(text), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is another user's
        return True
    return True
