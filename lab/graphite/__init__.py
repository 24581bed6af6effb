"""A whole Graphite in a folder: carbon-cache and graphite-web, without root, on loopback only.

`find_environment` says where the two are installed, `EmbeddedGraphite` runs them from there.
"""

from lab.graphite.embedded import EmbeddedGraphite
from lab.graphite.environment import Environment, find_environment

__all__ = ["EmbeddedGraphite", "Environment", "find_environment"]
