"""A rule for the translator: modules that Python 3 has under another name, or with another meaning.

fissix has such a rule too, but it also renames every use of the module, which breaks Diamond
where a local variable already has the new name (`queue`). Here the old name stays.
"""

from typing import Any

from fissix.fixer_base import BaseFix
from fissix.fixer_util import Name

from diamond3.python2 import MEANT, RENAMED

NEW_NAMES = {
    **RENAMED,
    **{name: f"diamond3.python2.{name}" for name in MEANT},
    # No replacement, only something to import: fixes.py gives it what Diamond asks for.
    "pkg_resources": "importlib.metadata",
}


class FixMovedModules(BaseFix):  # type: ignore[misc]
    """`import Old` becomes `import new as Old`, and `from Old import` becomes `from new import`."""

    BM_compatible = True
    # Before the rule for neighbours: where file names ignore case, that one would take
    # Diamond's own handler/queue.py for Queue.
    run_order = 1
    PATTERN = "import_name< 'import' any > | import_from< 'from' any 'import' any* >"

    def transform(self, node: Any, results: dict[str, Any]) -> None:
        """Write each name as one piece of text, which no later rule looks into."""
        module = node.children[1]
        if node.children[0].value == "from":
            self._replace(module, "{new}")
        elif module.type == self.syms.dotted_as_names:
            for each in module.children[::2]:
                self._import(each)
        else:
            self._import(module)

    def _import(self, module: Any) -> None:
        if module.type == self.syms.dotted_as_name:
            self._replace(module.children[0], "{new}")
        elif "." not in str(module):  # whose first part is the name that is used
            self._replace(module, "{new} as {old}")

    def _replace(self, module: Any, text: str) -> None:
        old = str(module).strip()
        if old in NEW_NAMES:
            new = text.format(new=NEW_NAMES[old], old=old)
            module.replace(Name(new, prefix=module.prefix))
