"""Two Diamonds that share the scanners, and one scanner that both look after."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery import (
    Bay,
    check_all_delivered,
    count,
    daemon_of,
    left_behind,
    stored_points,
    wait_until,
)

from lab.graphite import EmbeddedGraphite

pytestmark = pytest.mark.integration

# What is said of a busy machine: by Diamond, of a run that it grants more time after, and by the
# collector, of a Graphite that takes its time.
SLOW = ("Took too long to run", "Graphite has not answered", "points are in Graphite")


class Pair:
    """Two Diamonds of one `hostname`, each with a scanner of its own; `shared` is of both."""

    def __init__(self, folder: Path, graphite: EmbeddedGraphite) -> None:
        self.graphite = graphite
        self.shared = Bay(folder, "Harvard/Northwest/Shared")
        self.own = [Bay(folder, f"Harvard/Northwest/Bay{number}") for number in (1, 2)]
        self.diamonds = [
            daemon_of(folder / f"diamond-{number}", [bay, self.shared], graphite, {})
            for number, bay in enumerate(self.own, 1)
        ]

    @property
    def bays(self) -> list[Bay]:
        return [*self.own, self.shared]

    def scan(self, own: int, shared: int) -> None:
        for bay in self.own:
            bay.scan(own)
        self.shared.scan(shared)

    def start(self) -> None:
        for diamond in self.diamonds:
            diamond.start()

    def wait_until_archived(self, bays: list[Bay]) -> None:
        wait_until(
            lambda: all(bay.ingested() >= len(bay.sent) for bay in bays),
            self.diamonds[1].site.log,
        )

    def archived(self) -> Counter[str]:
        """How often each path was archived, as the logs have it."""
        return Counter(
            path
            for diamond in self.diamonds
            for path in re.findall(r"INFO '(.*?)': 448 points stored", diamond.site.log.read_text())
        )

    def complaints(self) -> list[str]:
        """The lines of both logs that would worry a reader."""
        lines = [
            line for diamond in self.diamonds for line in diamond.site.log.read_text().splitlines()
        ]
        worries = [line for line in lines if " INFO " not in line]
        return [line for line in worries if not any(said in line for said in SLOW)]

    def check_all_delivered(self) -> None:
        for bay in self.bays:
            check_all_delivered(bay, self.graphite)


@pytest.fixture
def pair(
    tmp_path: Path, graphite: EmbeddedGraphite, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pair]:
    # A killed Diamond leaves the folder of its queue's socket behind.
    with tempfile.TemporaryDirectory() as sockets:
        monkeypatch.setenv("TMPDIR", sockets)
        pair = Pair(tmp_path, graphite)
        try:
            yield pair
        finally:
            for diamond in pair.diamonds:
                diamond.stop()
        for diamond in pair.diamonds:
            assert left_behind(diamond.site.conf.parent) == []


def test_each_report_is_delivered_once_also_of_the_scanner_that_both_look_after(
    pair: Pair,
) -> None:
    pair.scan(own=10, shared=60)
    pair.start()
    pair.wait_until_archived(pair.bays)
    pair.scan(own=2, shared=20)
    pair.wait_until_archived(pair.bays)
    sent = {str(bay.folder / name): 1 for bay in pair.bays for name in bay.sent}
    wait_until(lambda: sum(pair.archived().values()) >= len(sent), pair.diamonds[0].site.log)
    assert pair.archived() == sent
    assert pair.complaints() == []
    pair.check_all_delivered()


def test_when_one_is_killed_the_other_finishes_with_the_scanner_of_both(pair: Pair) -> None:
    pair.scan(own=5, shared=40)
    pair.start()
    killed = pair.diamonds[0]
    wait_until(
        lambda: all(is_published(bay, pair.graphite) for bay in (pair.own[0], pair.shared)),
        killed.site.log,
    )
    assert pair.own[0].ingested() < 5
    assert pair.shared.ingested() < 40
    killed.kill()
    pair.wait_until_archived([pair.own[1], pair.shared])
    killed.start()
    pair.wait_until_archived(pair.bays)
    pair.check_all_delivered()


def test_a_bad_report_is_rejected_once_with_one_note(pair: Pair) -> None:
    pair.scan(own=1, shared=2)
    pair.start()
    pair.wait_until_archived(pair.bays)
    folder = pair.shared.folder
    bad = {f"Stability_20260102T07000{number}.txt": b"nonsense\n" for number in range(10)}
    for name, text in bad.items():
        (folder / name).write_bytes(text)
    wait_until(lambda: not list(folder.glob("*.txt")), pair.diamonds[0].site.log)
    pair.scan(own=1, shared=1)  # archived by another run of each
    pair.wait_until_archived(pair.bays)
    notes = {f"{name}.reason.txt" for name in bad}
    assert {path.name for path in folder.glob("Rejected/*")} == {*bad, *notes}
    rejections = [line for line in pair.complaints() if "is no good report and is now" in line]
    assert len(rejections) == len(bad)
    assert pair.complaints() == rejections


def is_published(bay: Bay, graphite: EmbeddedGraphite) -> bool:
    """Whether any point of the newest report is on the disk."""
    newest = {path: {max(values): 0.0} for path, values in bay.wanted.items()}
    return count(stored_points(graphite.whisper_dir, newest)) > 0
