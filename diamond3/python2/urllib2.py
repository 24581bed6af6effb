"""urllib2: what is posted and answered is text."""

import codecs
import urllib.request
from typing import Any

from diamond3.python2 import BYTES_AS_TEXT, as_bytes, rest_of

__getattr__ = rest_of(urllib.request)


class Answer(codecs.getreader(BYTES_AS_TEXT["encoding"])):  # type: ignore[misc]
    """A file of text, with all else that an answer has."""

    def __init__(self, response: Any) -> None:
        super().__init__(response, BYTES_AS_TEXT["errors"])


class Request(urllib.request.Request):
    def __init__(self, url: str, data: Any = None, *arguments: Any, **options: Any) -> None:
        super().__init__(url, data if data is None else as_bytes(data), *arguments, **options)


def urlopen(url: Any, data: Any = None, *arguments: Any, **options: Any) -> Answer:
    body = data if data is None else as_bytes(data)
    return Answer(urllib.request.urlopen(url, body, *arguments, **options))
