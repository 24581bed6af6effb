"""What is made of a graphite-web that does not answer as it should."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hops import graphiteweb
from hops.errors import Problem
from hops.graphiteweb import Event, GraphiteWeb

NOTE = Event(1536570550, "gradient coil replaced", frozenset({"service"}))


@pytest.fixture(autouse=True)
def no_nap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphiteweb, "NAP", 0)


class Server(HTTPServer):
    """Answers 500 at first, and then that there is nothing."""

    def __init__(self, failures: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.failures = failures
        self.requests = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.requests += 1
        self.send_response(500 if self.server.requests <= self.server.failures else 200)
        self.end_headers()
        self.wfile.write(b"[]")

    do_POST = do_GET

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def failing(failures: int) -> Iterator[tuple[Server, GraphiteWeb]]:
    with Server(failures) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server, GraphiteWeb.at(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def test_a_question_is_asked_again_when_graphite_stumbles_over_a_series_in_the_making() -> None:
    with failing(1) as (_, graphite):
        assert graphite.points("a.*.*.*", [1536570550]) == {1536570550: {}}
    with failing(1) as (_, graphite):
        assert graphite.series("a.b", 1536570550, 1536570560) == {}


def test_a_graphite_that_keeps_answering_500_is_told_of() -> None:
    with failing(2) as (server, graphite), pytest.raises(Problem, match="answered 500"):
        graphite.series("a.b", 1536570550, 1536570560)
    assert server.requests == 2


def test_a_note_is_never_made_twice() -> None:
    with failing(1) as (server, graphite), pytest.raises(Problem, match="answered 500"):
        graphite.add_event(NOTE)
    assert server.requests == 1
