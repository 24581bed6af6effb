"""The user and group that Diamond runs as."""

import grp
import os
import pwd
from dataclasses import dataclass
from typing import Callable, Optional, TypeVar

from diamond3.errors import DiamondError

T = TypeVar("T")


@dataclass(frozen=True)
class Account:
    """Who to become; None: whoever we are."""

    user: Optional[pwd.struct_passwd] = None
    group: Optional[grp.struct_group] = None

    @classmethod
    def named(cls, user: str, group: str) -> "Account":
        """Look up the names; an empty one means: whoever we are.

        Raises:
            DiamondError: there is no such user or group.
        """
        return cls(
            _entry(pwd.getpwnam, "user", user) if user else None,
            _entry(grp.getgrnam, "group", group) if group else None,
        )

    @property
    def uid(self) -> int:
        """The user's number, -1 for whoever we are."""
        return self.user.pw_uid if self.user else -1

    @property
    def gid(self) -> int:
        """The group's number, the user's own group if none is named, -1 for whoever we are."""
        if self.group:
            return self.group.gr_gid
        return self.user.pw_gid if self.user else -1

    def become(self) -> None:
        """Give up the present user and group for these.

        Raises:
            DiamondError: only root may do that.
        """
        try:
            if self.user and os.geteuid() == 0:
                os.initgroups(self.user.pw_name, self.gid)
            if self.gid not in (-1, os.getgid()):
                os.setgid(self.gid)
            if self.uid not in (-1, os.getuid()):
                os.setuid(self.uid)
        except PermissionError as error:
            raise DiamondError(
                f"cannot change to {self} ({error.strerror}); start diamond3 as root, "
                "or leave `user` and `group` of [server] empty"
            ) from None
        if self.user:
            _move_home(self.user)

    def __str__(self) -> str:
        user = self.user.pw_name if self.user else "the present one"
        group = self.group.gr_name if self.group else "its own"
        return f"user {user}, group {group}"


def _entry(look_up: Callable[[str], T], kind: str, name: str) -> T:
    try:
        return look_up(name)
    except KeyError:
        raise DiamondError(
            f"there is no {kind} {name!r} on this machine; correct -{kind[0]} or `{kind}` in "
            "[server]"
        ) from None


def _move_home(user: pwd.struct_passwd) -> None:
    """What is kept in a home must not be looked for in the one of the user we no longer are."""
    os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)
