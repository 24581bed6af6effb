"""Modules and operations with the meaning that they had in Python 2, where bytes were text.

A translated module that imports one of the modules here gets it in place of Python 3's, see
`fix_moved_modules`. What it then reads is text, and text is what it may write.
"""

import builtins
import functools
import itertools
import math
from types import ModuleType
from typing import Any, Callable, Union

BUILTINS = {
    *("basestring", "cmp", "file", "filter", "long", "map", "raw_input", "reduce", "round"),
    *("xrange", "zip"),
}
RENAMED = {
    "ConfigParser": "configparser",
    "HTMLParser": "html.parser",
    "Queue": "queue",
    "StringIO": "io",
    "cPickle": "pickle",
    "cStringIO": "io",
    "cookielib": "http.cookiejar",
    "urlparse": "urllib.parse",
    "xml.etree.cElementTree": "xml.etree.ElementTree",
    "xmlrpclib": "xmlrpc.client",
}
# Read and wrote bytes as text: here is one of each.
MEANT = ("base64", "httplib", "socket", "string", "subprocess", "urllib", "urllib2")

# Takes any bytes to text and back.
BYTES_AS_TEXT = {"encoding": "utf-8", "errors": "surrogateescape"}


def as_bytes(data: Union[str, bytes]) -> bytes:
    """What was written as text."""
    return data.encode(**BYTES_AS_TEXT) if isinstance(data, str) else data


def as_text(data: bytes) -> str:
    """What is read as text."""
    return data.decode(**BYTES_AS_TEXT)


def rest_of(*modules: ModuleType) -> Callable[[str], Any]:
    """A module's `__getattr__`, for all that Python 3's modules have unchanged."""

    def get(name: str) -> Any:
        for module in modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"Python 3 has no {name!r} in {modules[0].__name__!r}")

    return get


# -- built-in names ------------------------------------------------------------------------

basestring, file, long, raw_input, xrange = str, open, int, input, range
reduce = functools.reduce


def cmp(one: Any, other: Any) -> int:
    """-1, 0 or 1 as one is less than, equal to or more than the other."""
    return int(one > other) - int(one < other)


def filter(function: Any, items: Any) -> Any:
    """Those of the items, as a list, or as text or a tuple if they are one."""
    found = builtins.filter(function, items)
    if isinstance(items, str):
        return "".join(found)
    return tuple(found) if isinstance(items, tuple) else list(found)


def map(function: Any, *items: Any) -> list[Any]:
    """A list; None takes the items as they are."""
    if function is None:
        return list(*items) if len(items) == 1 else list(itertools.zip_longest(*items))
    return list(builtins.map(function, *items))


def zip(*items: Any) -> list[Any]:
    """A list."""
    return list(builtins.zip(*items))


def round(number: Any, digits: int = 0) -> float:
    """Halves away from zero, to a float, and inf and nan as they are."""
    if not math.isfinite(number):
        return float(number)
    if digits:
        return float(builtins.round(float(number), digits))
    whole = math.trunc(number)
    if abs(number - whole) == 0.5:
        return float(whole + math.copysign(1.0, number))
    return float(builtins.round(number))


def divide(dividend: Any, divisor: Any) -> Any:
    """`/`, which gave a whole number for two."""
    if isinstance(dividend, int) and isinstance(divisor, int):
        return dividend // divisor
    return dividend / divisor
