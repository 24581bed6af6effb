"""What goes wrong in the lab, in sentences for the person at the terminal."""

from __future__ import annotations

from hops.errors import Problem


class LabError(Problem):
    """A program is missing, or does not run."""


class PortTaken(LabError):
    """A server could not listen on its port, because another program does."""
