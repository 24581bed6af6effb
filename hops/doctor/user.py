"""As whom the doctor looks."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

from diamond3.accounts import Account
from hops.doctor.finding import OK, WARNING, Finding


def me() -> str:
    """The name of the present user."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # as in a container
        return f"user {os.geteuid()}"


def check(account: Account) -> Finding:
    """Whether what is found holds for the user whom Diamond runs as."""
    wanted = account.user.pw_name if account.user else ""
    if not wanted:
        text = f"the folders were tested as {me()}: [server] names no user, so Diamond runs as "
        return Finding("user", OK, text + "whoever starts it: let that user ask the doctor")
    if wanted == me() or os.geteuid() == 0:
        return Finding("user", OK, f"the folders were tested as {wanted}, who Diamond runs as")
    # With its path, as sudo has a PATH of its own.
    hops = Path(sys.executable).with_name("hops")
    return Finding(
        "user",
        WARNING,
        f"the folders were tested as {me()}, and Diamond runs as {wanted}",
        f"ask as that user or as root: sudo -u {wanted} {hops} doctor",
    )


def become(account: Account) -> None:
    """Becomes that user, where we may."""
    if account.user and os.geteuid() == 0:
        account.become()
