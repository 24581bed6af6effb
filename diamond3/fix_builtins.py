"""A rule for the translator: built-in names that are gone, or mean something else."""

from typing import Any

from fissix.fixer_base import BaseFix
from fissix.fixer_util import touch_import

from diamond3.python2 import BUILTINS


class FixBuiltins(BaseFix):  # type: ignore[misc]
    """A module that uses one imports it; a name of its own in a narrower place stays its own."""

    BM_compatible = True
    PATTERN = "|".join(map(repr, BUILTINS))

    def transform(self, node: Any, results: dict[str, Any]) -> None:
        """Leave the name alone."""
        touch_import("diamond3.python2", node.value, node)
