"""A whole Graphite in a folder: carbon-cache and graphite-web, without root, on loopback only.

`find_environment` says where the two are installed, `EmbeddedGraphite` runs them from there.
"""

from hops.graphite.embedded import EmbeddedGraphite
from hops.graphite.environment import Environment, find_environment
from hops.graphite.errors import GraphiteError
from hops.graphite.server import Server

__all__ = ["EmbeddedGraphite", "Environment", "GraphiteError", "Server", "find_environment"]
