"""Ports of loopback that are free, and stay so."""

from __future__ import annotations

import random
import socket
from typing import NamedTuple

from lab.errors import LabError

LOOPBACK = "127.0.0.1"


class Ports(NamedTuple):
    """The TCP ports of one Graphite, all on loopback."""

    line: int
    pickle: int
    query: int
    web: int


def choose_ports(web: int | None = None, line: int | None = None) -> Ports:
    """Four free ports, but for those that are given."""
    while True:
        query, free_line, pickle, free_web = block = free_block(4)
        if web not in block and line not in block:
            return Ports(line or free_line, pickle, query, web or free_web)


def free_block(size: int) -> range:
    """So many free ports in a row.

    They lie below those that the system hands out to outgoing connections, so that they are
    still free when a server is stopped and started again. And they come in blocks: carbon
    shares the ports where it receives points with any other carbon, which would get a part of
    them, but not its query port, which is therefore the first. Who has that, has the block.
    """
    while True:
        block = range(start := random.randrange(20000, 32768 - size, size), start + size)
        if all(map(is_free, block)):
            return block


def require_free(port: int, server: str) -> None:
    """Raises LabError where the port of loopback that is meant for a server is taken."""
    if not is_free(port):
        raise LabError(
            f"Port {port} of {LOOPBACK}, meant for {server}, is taken: stop the program that "
            "listens there or choose another port."
        )


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
