"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass

OK = "ok"
WARNING = "warning"
FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One line of the answer."""

    check: str
    """What was looked at, in a word or two."""
    state: str
    """OK, WARNING (reports come through, but not as well as they could) or FAILED."""
    text: str
    """What was seen."""
    todo: str = ""
    """What to do about it, if it is not OK."""
