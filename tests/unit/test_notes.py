"""`hops note` and `hops notes`: what they refuse, and times."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from commands import Done, hops

COLLECTOR = """\
enabled = True
graphite_url = {url}
timezone = {timezone}
[scanners]
Harvard/Bay1 = /mnt/scanner/bay1
[coils]
32 = 32
"""


class Forgetful(BaseHTTPRequestHandler):
    """Takes every event and shows none, as no real Graphite does on command."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"[]")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def forgetful() -> Iterator[str]:
    """The address of a Graphite that forgets events."""
    with HTTPServer(("127.0.0.1", 0), Forgetful) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(
    folder: Path, *arguments: str, url: str = "http://127.0.0.1:1", timezone: str = "UTC"
) -> Done:
    settings = COLLECTOR.format(url=url, timezone=timezone)
    (folder / "StabilityCollector.conf").write_text(settings)
    conf = folder / "diamond.conf"
    conf.write_text(f"[server]\ncollectors_config_path = {folder}\n")
    return hops(*arguments, "-c", conf)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--location", "Harvard/Bay2", "text"], "there are: Harvard/Bay1"),
        (["text"], "Missing option '--location'"),
        (["--location", "Harvard/Bay1"], "Missing argument"),
        (["--location", "Harvard/Bay1", ""], "a note says something"),
        (["--location", "Harvard/Bay1", " \t "], "a note says something"),
        (["--location", "Harvard/Bay1", "one\ntwo"], "one line of text"),
        (["--location", "Harvard/Bay1", "one\x1b[2J"], "one line of text"),
        (["--location", "Harvard/Bay1", "x" * 256], "255 characters at most"),
        (["--location", "Harvard/Bay1", "--at", "yesterday", "text"], "expected a day as in"),
        (["--location", "Harvard/Bay1", "--at", "1969-12-31", "text"], "expected a day as in"),
        (["--location", "Harvard/Bay1", "--at", "2105-01-01", "text"], "is in the future"),
        (["--location", "Harvard/Bay1", "--at", "9999-12-31", "text"], "expected a day as in"),
        (["--location", "Harvard/Bay1", "--at", "2105-01-01T07:00", "text"], "is in the future"),
    ],
)
def test_a_note_that_is_none_is_refused(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = run(tmp_path, "note", *arguments)
    assert done.exit_code == 2
    assert sentence in " ".join(done.stderr.split())


def test_the_future_is_that_of_the_scanners_clocks(tmp_path: Path) -> None:
    soon = datetime.now(timezone.utc) + timedelta(hours=3)
    note = ["note", "--location", "Harvard/Bay1", "--at", f"{soon:%Y-%m-%dT%H:%M:%S}", "text"]
    assert run(tmp_path, *note).exit_code == 2
    # Nobody answers there, but it is past in Kiritimati, 14 hours ahead.
    done = run(tmp_path, *note, timezone="Pacific/Kiritimati")
    assert done.exit_code == 1
    assert "does not answer" in done.stderr


def test_without_an_address_of_graphite_it_says_where_to_name_it(tmp_path: Path) -> None:
    for command in (["note", "--location", "Harvard/Bay1", "text"], ["notes"]):
        done = run(tmp_path, *command, url="")
        assert done.exit_code == 1
        assert "graphite_url is empty: name graphite-web's address" in done.stderr


def test_a_note_that_graphite_does_not_show_is_no_note(tmp_path: Path, forgetful: str) -> None:
    done = run(tmp_path, "note", "--location", "Harvard/Bay1", "text", url=forgetful)
    assert done.exit_code == 1
    assert "took the note, but does not show it" in done.stderr
    assert "Noted" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--location", "Harvard/Bay2"], "there are: Harvard/Bay1"),
        (["--from", "2026-02-01", "--until", "2026-01-01"], "the first day comes first"),
        (["--until", "9999-12-31"], "9999 is not from 1971 to 2105"),
        (["--from", "0001-01-01"], "1 is not from 1971 to 2105"),
        (["--from", "yesterday"], "expected a day as in 2026-06-30"),
    ],
)
def test_notes_are_asked_for_as_they_can_be(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = run(tmp_path, "notes", *arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
