"""httplib: what is answered is text, and headers have names in small letters."""

import http.client
from typing import Any

from diamond3.python2 import rest_of
from diamond3.python2.urllib2 import Answer

__getattr__ = rest_of(http.client)


class Response(Answer):
    def getheaders(self) -> list[tuple[str, str]]:
        return [(name.lower(), value) for name, value in self.stream.getheaders()]


class _Answered:
    def getresponse(self) -> Response:
        asked: Any = super()
        return Response(asked.getresponse())


class HTTPConnection(_Answered, http.client.HTTPConnection):
    pass


class HTTPSConnection(_Answered, http.client.HTTPSConnection):
    pass
