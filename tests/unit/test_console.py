"""What commands print, on narrow terminals and without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import hops

from hops.console import console, error_console
from hops.errors import Problem

REPORTS = Path(__file__).resolve().parents[2] / "sample_data" / "reports"
COMMANDS = [
    ("sizing", "--scanners", "1", "--coils", "2", "--slices", "16"),
    ("check", REPORTS),
    ("check", REPORTS / "Stability_20260302T070412.txt"),
]


def words(text: str) -> set[str]:
    return {word.strip(",:") for word in text.split() if word[0].isalnum()}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("width", [80, 60, 45])
def test_no_name_and_no_number_is_broken_where_there_is_little_room(
    command: tuple[object, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = hops(*command).stdout
    assert max(map(len, whole.splitlines())) > 80
    monkeypatch.setattr(console, "_width", width)
    narrow = hops(*command).stdout
    assert words(whole) <= words(narrow)
    longest = max(map(len, narrow.split()))
    assert max(map(len, narrow.splitlines())) <= max(width, longest + 8)


def test_an_error_is_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_console, "_width", 40)
    problem = Problem("'/mnt/scanner/bay1' cannot be read: mount the share.")
    assert problem.format_message() == ("'/mnt/scanner/bay1' cannot be\n    read: mount the share.")
    assert problem.message == "'/mnt/scanner/bay1' cannot be read: mount the share."
