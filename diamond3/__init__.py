"""Run the published Diamond, a Python 2 program, on Python 3.

    import diamond3

    diamond3.activate()
    import diamond.collector

The installed package stays as it is: a translation of it is kept in a cache and imported instead.
"""

import importlib
import sys

from diamond3.errors import DiamondError
from diamond3.installed import find_diamond
from diamond3.translation import translated

__all__ = ["DiamondError", "activate"]


def activate() -> None:
    """Make `import diamond` mean the translated package; a second call changes nothing.

    The first call on a machine translates Diamond, which takes about a second.

    Raises:
        DiamondError: Diamond is missing, unknown, already imported, or cannot be translated.
    """
    if getattr(sys.modules.get("diamond"), "__diamond3__", False):
        return
    _refuse_if_imported()
    folder = str(translated(find_diamond()))
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    importlib.import_module("diamond")


def _refuse_if_imported() -> None:
    diamond = sys.modules.get("diamond")
    if diamond is not None:
        raise DiamondError(
            f"another 'diamond' has already been imported from {diamond.__file__}; "
            "call diamond3.activate() before the first import of diamond"
        )
