"""`hops audit`, `hops status` and `hops reingest` on a whole road."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import socket
import struct
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import whisper
from commands import Done, hops
from delivery import PATIENCE, points_of

from lab.diamond import PREFIX, DiamondSite
from lab.graphite import EmbeddedGraphite, Environment
from sample_data.files import generate
from sample_data.scanners import example_scanners
from sample_data.schedule import Scan

pytestmark = pytest.mark.integration

SCHEMAS = Path(__file__).resolve().parents[2] / "graphite" / "storage-schemas.conf"
TODAY = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
[SCANNER, _] = example_scanners(TODAY.date())
[COIL_32, COIL_64] = SCANNER.coils
NUMBERS = itertools.count(1)


class Bay:
    """A scanner's folder, and the site that it belongs to; Graphite has nothing of it yet."""

    def __init__(self, folder: Path, graphite: EmbeddedGraphite) -> None:
        self.location = f"Example/North/Bay{next(NUMBERS)}"
        self.folder = folder / SCANNER.folder
        self.graphite = graphite
        self.coils = {32: "32", 64: "64"}
        self.site = self.configure()

    def configure(self, **settings: object) -> DiamondSite:
        """Writes Diamond's configuration, with further `settings` of the collector."""
        return DiamondSite(
            self.folder.parent / "diamond",
            {self.location: self.folder},
            self.coils,
            self.graphite.line_port,
            timezone="UTC",
            settle_seconds=0,
            graphite_url=self.graphite.url,
            confirm_seconds=1,
            **settings,
        )

    def scan(self, days_ago: int, clock: str, coil: object = COIL_32) -> Path:
        """Writes the report of a scan, of 112 values."""
        moment = TODAY - timedelta(days=days_ago) + _time(clock)
        scan = Scan(SCANNER, coil, moment, slices=4)  # type: ignore[arg-type]
        [path] = generate(self.folder.parent, [scan])
        return path

    def ingest(self) -> None:
        """Runs the collector once over all that waits."""
        assert self.site.run_once().wait(PATIENCE) == 0, self.site.log.read_text()

    def hops(self, command: str, *options: str) -> Done:
        return hops(command, "-c", self.site.conf, *options)

    def numbers(self, path: Path) -> dict[str, float]:
        """The numbers of a report by metric path, read in the tests' own way."""
        text = path.read_text()
        return {name: number for name, _, number in points_of(path.name, text, self.location)}

    def audit(self, *options: str) -> dict[str, dict[str, int]]:
        """What is not 0 of what is told of each report that is not fully stored."""
        done = self.hops("audit", "--json", *options)
        assert done.stdout, done.stderr
        [scanner] = json.loads(done.stdout)["scanners"]
        states = ("missing", "expired", "rounded", "shared", "unexplained")
        found = {
            one["name"]: {state: one[state] for state in states if one[state]}
            for one in scanner["reports"]
        }
        wrong = {state for one in found.values() for state in one} - {"rounded", "shared"}
        assert done.exit_code == int(bool(wrong))
        return found

    def send(self, points: dict[str, float], epoch: int, form: str = "r") -> None:
        """Sends points in this form to carbon, by itself."""
        lines = "".join(
            f"{path} {number!r} {epoch}\n" if form == "r" else f"{path} {number:{form}} {epoch}\n"
            for path, number in points.items()
        )
        with socket.create_connection(("127.0.0.1", self.graphite.line_port)) as connection:
            connection.sendall(lines.encode())

    def whisper(self, path: str) -> Path:
        return self.graphite.whisper_dir / f"{path.replace('.', '/')}.wsp"


def _time(clock: str) -> timedelta:
    hours, minutes = map(int, clock.split(":"))
    return timedelta(hours=hours, minutes=minutes)


def epoch_of(path: Path) -> int:
    return next(epoch for _, epoch, _ in points_of(path.name, path.read_text()))


def differing(one: dict[str, float], other: dict[str, float]) -> int:
    return sum(other[path] != number for path, number in one.items())


def rounded(points: dict[str, float]) -> dict[str, float]:
    return {path: float(f"{number:.2f}") for path, number in points.items()}


def eventually(question: Callable[[], object], wanted: object) -> None:
    deadline = time.monotonic() + 600
    while (answer := question()) != wanted:
        assert time.monotonic() < deadline, f"still {answer!r} instead of {wanted!r}"
        time.sleep(0.2)


def punch(file: Path, epoch: int) -> None:
    """Takes the point of `epoch` out of the finest archive of a whisper file."""
    finest = whisper.info(str(file))["archives"][0]
    slot = epoch - epoch % finest["secondsPerPoint"]
    with file.open("r+b") as stream:
        stream.seek(finest["offset"])
        content = stream.read(finest["size"])
        places = [at for at in range(0, len(content), 12)
                  if struct.unpack_from("!L", content, at)[0] == slot]
        [place] = places
        stream.seek(finest["offset"] + place)
        stream.write(bytes(12))


@pytest.fixture(scope="module")
def graphite(
    graphite_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedGraphite]:
    folder = tmp_path_factory.mktemp("graphite")
    with EmbeddedGraphite(
        folder, graphite_environment, storage_schemas=SCHEMAS.read_text()
    ) as running:
        yield running


@pytest.fixture
def bay(tmp_path: Path, graphite: EmbeddedGraphite) -> Bay:
    graphite.start()  # as the last test has killed a part of it
    return Bay(tmp_path, graphite)


def test_what_graphite_lost_is_found_sent_again_and_there(bay: Bay) -> None:
    coil = f"{PREFIX}.{bay.location.replace('/', '.')}.32"
    good, with_hole, wrong, old = (bay.scan(days, "07:03") for days in (7, 6, 5, 4))
    earlier, later = bay.scan(3, "07:01"), bay.scan(3, "07:06")
    bare = bay.scan(2, "07:03", COIL_64)
    reports = [good, with_hole, wrong, old, earlier, later, bare]
    words = {path: bay.numbers(path) for path in reports}
    bay.ingest()
    assert len(list(bay.folder.glob("Ingested/*"))) == len(reports)
    epochs = {path: epoch_of(bay.folder / "Ingested" / path.name) for path in reports}
    shared = {earlier.name: {"shared": differing(words[earlier], words[later])}}
    assert bay.audit() == shared
    done = bay.hops("status")
    assert (done.exit_code, done.stderr) == (0, "")
    numbers_told = r"waiting +0\n +unconfirmed +0, \d+ seconds ago\n +rejected +0\n +archived +7\n"
    assert re.search(numbers_told, done.stdout)

    punch(bay.whisper(f"{coil}.SNR.mean.2"), epochs[with_hole])
    bay.whisper(next(iter(words[bare]))).unlink()
    bay.send({f"{coil}.ghost.max.3": 7.125}, epochs[wrong])
    bay.send(words[old], epochs[old], ".2f")
    known = {
        **shared,
        old.name: {"rounded": differing(words[old], rounded(words[old]))},
    }
    eventually(
        bay.audit,
        {
            **known,
            with_hole.name: {"missing": 1},
            wrong.name: {"unexplained": 1},
            bare.name: {"missing": 1},
        },
    )
    told = bay.hops("audit").stdout
    assert "(ghost.max.3: " in told
    assert "7.125 in Graphite)" in told
    assert f"shared with '{later.name}' ('{later.name}' has it)" in told

    lost = {with_hole.name, wrong.name, bare.name}
    dry = bay.hops("reingest", "--location", bay.location, "--missing")
    assert dry.exit_code == 0
    assert "--yes moves them" in dry.stdout
    assert set(re.findall(r"Stability_\w+\.txt", dry.stdout)) == lost
    assert [path.name for path in bay.folder.iterdir()] == ["Ingested"]
    done = bay.hops("reingest", "--location", bay.location, "--missing", "--yes")
    assert done.exit_code == 0, done.stderr
    assert {path.name for path in bay.folder.glob("*.txt")} == lost

    bay.ingest()
    assert bay.audit() == known


def test_series_of_different_retention_are_asked_where_each_has_its_points(bay: Bay) -> None:
    """As where the first reports came under carbon's default schema: not all series are alike."""
    path = bay.scan(0, "00:01")
    words = bay.numbers(path)
    epoch = epoch_of(path)
    other = next(name for name in words if ".SNR.mean.2" in name)
    file = bay.whisper(other)
    file.parent.mkdir(parents=True)
    whisper.create(str(file), [(60, 1440 * 2), (300, 8640), (3600, 26280)])
    bay.ingest()
    assert bay.audit() == {}
    punch(file, epoch)
    assert bay.audit() == {path.name: {"missing": 1}}


def test_a_coil_of_two_numbers_of_channels_is_one_and_who_has_the_slot_is_told(bay: Bay) -> None:
    """Ten minutes are a slot."""
    bay.coils[48] = "64"
    bay.site = bay.configure()
    earlier, later = bay.scan(2, "07:01", COIL_64), bay.scan(2, "07:06", COIL_64)
    text = later.read_text().replace("64 channels", "48 channels")
    stamp = later.stat().st_mtime
    later.write_text(text)
    os.utime(later, (stamp, stamp))
    words = {
        each.name: {
            path.replace(".48.", ".64."): number for path, number in bay.numbers(each).items()
        }
        for each in (earlier, later)
    }
    bay.ingest()
    shared = differing(words[earlier.name], words[later.name])
    assert bay.audit() == {earlier.name: {"shared": shared}}
    [scanner] = json.loads(bay.hops("audit", "--json").stdout)["scanners"]
    [report] = scanner["reports"]
    assert report["slot_is_of"] == later.name
    assert [coil["coil"] for coil in scanner["coils"]] == ["64"]


def test_a_report_without_all_sections_is_named(bay: Bay) -> None:
    path = bay.scan(2, "07:03")
    bay.ingest()
    archived = bay.folder / "Ingested" / path.name
    text = archived.read_text()
    archived.write_text(text[: text.index("Stability ghost")])
    done = bay.hops("audit")
    assert done.exit_code == 0
    assert f"published as it is, without ghost, fit: '{path.name}'" in done.stdout
    [scanner] = json.loads(bay.hops("audit", "--json").stdout)["scanners"]
    assert scanner["without_sections"] == [{"name": path.name, "lacks": ["ghost", "fit"]}]


def test_each_age_has_its_own_slots(bay: Bay) -> None:
    """Ten minutes for a year, then hours: of a scan, and of two that were rolled up to one."""
    close = [bay.scan(350, "07:02"), bay.scan(350, "07:22")]
    rolled_up = [bay.scan(380, "07:02"), bay.scan(380, "07:22")]
    alone = bay.scan(379, "07:02")
    ancient = bay.scan(26 * 365, "07:02")
    last: dict[str, float] = {}
    for path in [*close, alone, ancient]:
        last = bay.numbers(path)
        bay.send(last, epoch_of(path))
    one, other = map(bay.numbers, rolled_up)
    average = {path: (one[path] + other[path]) / 2 for path in one}
    bay.send(average, epoch_of(rolled_up[0]))
    (bay.folder / "Ingested").mkdir()
    for path in bay.folder.glob("*.txt"):
        path.rename(path.parent / "Ingested" / path.name)
    wanted = {
        **{path.name: {} for path in rolled_up},
        ancient.name: {"expired": len(last)},
    }
    for path, points in zip(rolled_up, (one, other)):
        as_rounded = sum(
            average[name] != number and average[name] == float(f"{number:.2f}")
            for name, number in points.items()
        )
        wanted[path.name] = {"shared": differing(points, average) - as_rounded}
        if as_rounded:
            wanted[path.name]["rounded"] = as_rounded
    eventually(bay.audit, wanted)
    # Sent again it would wait for ever.
    assert "no such report" in bay.hops("reingest", "--location", bay.location, "--missing").stdout
    # A day is asked for with its neighbours, which may share its slots.
    day = f"{TODAY - timedelta(days=380):%Y-%m-%d}"
    del wanted[ancient.name]
    assert bay.audit("--from", day, "--until", day) == wanted


def test_what_is_rounded_or_held_back_on_purpose_lacks_nothing(bay: Bay) -> None:
    bay.configure(precision=2, metrics_blacklist=r".*\.ghost\.")
    path = bay.scan(2, "07:03")
    kept = [name for name in bay.numbers(path) if ".ghost." not in name]
    bay.ingest()
    [scanner] = json.loads(bay.hops("audit", "--json").stdout)["scanners"]
    assert scanner["reports"] == []
    assert [(coil["values"], coil["stored"]) for coil in scanner["coils"]] == [(len(kept),) * 2]
    bay.configure()
    done = bay.audit()[path.name]
    assert done["missing"] == len(bay.numbers(bay.folder / "Ingested" / path.name)) - len(kept)
    assert done["rounded"] > 0


def test_a_diamond_that_is_silent_is_a_problem(bay: Bay) -> None:
    archive = bay.folder / "Ingested"
    archive.mkdir(parents=True)
    done = bay.hops("status")
    assert done.exit_code == 0, "what has just been archived is a word, too"
    assert "unconfirmed  unknown" in done.stdout
    earlier = time.time() - 2 * 3600
    os.utime(archive, (earlier, earlier))
    done = bay.hops("status")
    assert done.exit_code == 1
    assert "Diamond has said nothing of this scanner in the last 30 days" in done.stdout
    about = f"{PREFIX}.{bay.location.replace('/', '.')}.ingest.unconfirmed"
    for hours, reports in ((50, 5.0), (30, 3.0)):
        bay.send({about: reports}, int(time.time()) - hours * 3600)
    eventually(lambda: "3, 30 hours ago" in bay.hops("status").stdout, True)
    done = bay.hops("status")
    assert done.exit_code == 1
    assert "Diamond has said nothing of this scanner for 30 hours" in done.stdout
    bay.send({about: 1.0}, int(time.time()))
    eventually(lambda: bay.hops("status").exit_code, 0)


def test_what_cannot_be_compared_is_told(bay: Bay) -> None:
    archived = bay.folder / "Ingested"
    path = bay.scan(2, "07:03")
    bay.ingest()
    text = (archived / path.name).read_text()
    shutil.copy(archived / path.name, archived / f"{path.stem}.duplicate.txt")
    (archived / f"{path.stem}.1.txt").write_text(text[: len(text) // 2])
    (archived / "Stability_20269999T000000.txt").write_text(text)
    (archived / "Stability_20260101T000000.txt").symlink_to(path.name)
    of_20 = text.replace("32 channels", "20 channels")
    (archived / "Stability_20260102T000000.txt").write_text(of_20)
    (archived / "notes.txt").write_text("no report")
    done = bay.hops("audit", "--json")
    assert done.exit_code == 1
    [scanner] = json.loads(done.stdout)["scanners"]
    assert [coil["reports"] for coil in scanner["coils"]] == [2]
    assert scanner["reports"] == []
    assert {one["name"]: one["reason"][:20] for one in scanner["unusable"]} == {
        f"{path.stem}.1.txt": "is no good report: l",
        "Stability_20269999T000000.txt": "is no good report: e",
        "Stability_20260101T000000.txt": "cannot be read: it i",
    }
    assert scanner["coils_not_configured"] == [{"channels": 20, "reports": 1}]
    assert "1 report of a coil of 20 channels not compared" in bay.hops("audit").stdout
    bay.graphite.web.kill()
    done = bay.hops("audit")
    assert done.exit_code == 1
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr
