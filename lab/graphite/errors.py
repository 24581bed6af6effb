"""What goes wrong with the embedded Graphite, in sentences for the person at the terminal."""

from __future__ import annotations


class GraphiteError(Exception):
    """One sentence: what went wrong, where, and what to do about it."""


class PortTaken(GraphiteError):
    """A server could not listen on its port, because another program does."""
