"""A rule for the translator: modules that Python 3 has under another name.

fissix has such a rule too, but it also renames every use of the module, which breaks Diamond
where a local variable already has the new name (`queue`). Here the old name stays.
"""

from typing import Any

from fissix.fixer_base import BaseFix
from fissix.fixer_util import Name

# The last is no replacement, only something to import: fixes.py gives it what Diamond asks for.
NEW_NAMES = {
    "Queue": "queue",
    "urllib2": "urllib.request",
    "pkg_resources": "importlib.metadata",
}


class FixMovedModules(BaseFix):  # type: ignore[misc]
    """`import Old` becomes `import new as Old`."""

    BM_compatible = True
    # Before the rule for neighbours: where file names ignore case, that one would take
    # Diamond's own handler/queue.py for Queue.
    run_order = 1
    PATTERN = "import_name< 'import' module=({}) >".format("|".join(map(repr, NEW_NAMES)))

    def transform(self, node: Any, results: dict[str, Any]) -> Any:
        """Write the statement as one piece of text, which no later rule looks into."""
        old = results["module"][0].value
        return Name(f"import {NEW_NAMES[old]} as {old}", prefix=node.prefix)
