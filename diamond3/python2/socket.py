"""socket: a stream of text."""

import socket as bytewise
from typing import Any

from diamond3.python2 import BYTES_AS_TEXT, as_bytes, as_text, rest_of

__getattr__ = rest_of(bytewise)


class socket(bytewise.socket):
    """Sends text, or bytes; receives text. `recvfrom` gives a datagram's bytes."""

    def send(self, data: Any, flags: int = 0) -> int:
        return super().send(as_bytes(data), flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        super().sendall(as_bytes(data), flags)

    def sendto(self, data: Any, *where: Any) -> int:
        return super().sendto(as_bytes(data), *where)

    def recv(self, size: int, flags: int = 0) -> Any:
        return as_text(super().recv(size, flags))

    def makefile(self, mode: str = "r", bufsize: int = -1) -> Any:  # type: ignore[override]
        make: Any = super().makefile
        return make(mode.replace("b", ""), newline="", **BYTES_AS_TEXT)


def create_connection(*arguments: Any, **options: Any) -> socket:
    plain = bytewise.create_connection(*arguments, **options)
    timeout = plain.gettimeout()
    connected = socket(fileno=plain.detach())
    connected.settimeout(timeout)
    return connected
