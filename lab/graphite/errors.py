"""What goes wrong with the embedded Graphite, in sentences for the person at the terminal."""

from __future__ import annotations

from hops.errors import Problem


class GraphiteError(Problem):
    """There is no Graphite, or it does not run."""


class PortTaken(GraphiteError):
    """A server could not listen on its port, because another program does."""
