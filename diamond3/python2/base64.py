"""base64, from text to text."""

import base64
from typing import Union

from diamond3.python2 import as_bytes, as_text, rest_of

__getattr__ = rest_of(base64)


def b64encode(data: Union[str, bytes]) -> str:
    """In one line."""
    return as_text(base64.b64encode(as_bytes(data)))


def encodestring(data: Union[str, bytes]) -> str:
    """In lines of 76 characters."""
    return as_text(base64.encodebytes(as_bytes(data)))


def b64decode(data: Union[str, bytes]) -> str:
    return as_text(base64.b64decode(as_bytes(data)))


decodestring = b64decode
