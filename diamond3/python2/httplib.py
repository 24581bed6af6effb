"""httplib: what is answered is text, and headers have names in small letters."""

import http.client
from typing import Any

from diamond3.python2 import rest_of
from diamond3.python2.urllib2 import Answer

__getattr__ = rest_of(http.client)


class Response(Answer):
    """An answer."""

    def getheaders(self) -> list[tuple[str, str]]:
        """Names and values."""
        return [(name.lower(), value) for name, value in self.stream.getheaders()]


class _Answered:
    def getresponse(self) -> Response:
        """The answer to the last request."""
        asked: Any = super()
        return Response(asked.getresponse())


class HTTPConnection(_Answered, http.client.HTTPConnection):
    """Asks for one thing after the other."""


class HTTPSConnection(_Answered, http.client.HTTPSConnection):
    """The same, encrypted."""
