"""Which Python a source is written in."""

import ast
import importlib
import importlib.util
import warnings
from collections.abc import Iterator
from typing import Any, Optional

from diamond3.python2 import MEANT, RENAMED

BUILTINS = {
    *("basestring", "buffer", "cmp", "execfile", "file", "intern", "long", "raw_input", "reduce"),
    *("reload", "unichr", "unicode", "xrange"),
}
METHODS = {"has_key", "iteritems", "iterkeys", "itervalues"}
MODULES = {*RENAMED, *(name for name in MEANT if importlib.util.find_spec(name) is None)}

# Whoever catches one of these asks which Python there is, and has an answer for each.
ASKS = {"AttributeError", "ImportError", "ModuleNotFoundError", "NameError"}


def is_python3(source: bytes) -> bool:
    """Whether Python 3 can compile it, and it uses nothing that only Python 2 knew."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes like "\." in plain strings
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    bound = set(_bound(tree))
    return not _needs_python2(tree, bound)


def _bound(tree: ast.AST) -> Iterator[str]:
    """Names that it gives a meaning itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def _needs_python2(node: ast.AST, bound: set[str]) -> bool:
    ways: list[list[ast.stmt]] = []
    if isinstance(node, ast.Try) and any(map(_asks, node.handlers)):
        ways = [node.body, *(handler.body for handler in node.handlers)]
    elif isinstance(node, ast.If) and "version" in ast.dump(node.test):
        ways = [node.body, node.orelse]
    if ways:  # of which Python 3 can go another
        return all(any(_needs_python2(each, bound) for each in way) for way in ways)
    return _is_python2(node, bound) or any(
        _needs_python2(child, bound) for child in ast.iter_child_nodes(node)
    )


def _asks(handler: ast.ExceptHandler) -> bool:
    names = {node.id for node in ast.walk(handler.type or handler) if isinstance(node, ast.Name)}
    return handler.type is not None and bool(names & ASKS)


def _is_python2(node: Any, bound: set[str]) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return _names_its_error(node.type)
    if isinstance(node, ast.Name):
        return node.id in BUILTINS - bound
    if isinstance(node, ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else None
        return node.attr in METHODS - bound or (owner not in bound and _lacks(owner, node.attr))
    if isinstance(node, ast.Import):
        return any(alias.name in MODULES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.module in MODULES or any(_lacks(node.module, a.name) for a in node.names)
    return False


def _names_its_error(kinds: Optional[ast.expr]) -> bool:
    """Whether it is of Python 2's `except IOError, e`, which Python 3.14 reads as two errors."""
    if not isinstance(kinds, ast.Tuple) or not kinds.elts:
        return False
    first, last = kinds.elts[0], kinds.elts[-1]
    has_parentheses = (first.lineno, first.col_offset) != (kinds.lineno, kinds.col_offset)
    is_name = isinstance(last, ast.Name) and last.id[0].islower()
    return not has_parentheses and (is_name or isinstance(last, ast.Tuple))


def _lacks(module: Optional[str], name: str) -> bool:
    """Whether it is a module of which Python 2's has more names than Python 3's."""
    if module not in MEANT or module in MODULES:
        return False
    found = importlib.import_module(module)
    if hasattr(found, name):
        return False
    return not hasattr(found, "__path__") or not importlib.util.find_spec(f"{module}.{name}")
