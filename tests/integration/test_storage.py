"""What carbon and whisper do with Stability series under the configuration in graphite/."""

import configparser
import re
import socket
import struct
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import whisper

from lab.graphite import EmbeddedGraphite, configuration

pytestmark = pytest.mark.integration

FOLDER = Path(__file__).resolve().parents[2] / "graphite"

PREFIX = "servers.scanhost.StabilityCollector.Harvard.Northwest."

TEN_MINUTES, HOUR, DAY = 600, 3600, 86400
YEAR = 365 * DAY

# Carbon's own, for series that no section matches.
GRAPHITES_DEFAULTS = ""


def settings():
    """Those of graphite/carbon.conf, but for the ports of a Graphite for everybody."""
    parser = configparser.ConfigParser()
    parser.optionxform = str
    parser.read(FOLDER / "carbon.conf")
    ports = ("_PORT", "_INTERFACE")
    return {name: text for name, text in parser["cache"].items() if not name.endswith(ports)}


@contextmanager
def running(folder, environment, aggregation):
    """A Graphite with graphite/*.conf, but for the text of storage-aggregation.conf."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "STORAGE_AGGREGATION", aggregation)
        with EmbeddedGraphite(
            folder,
            environment,
            carbon_settings=settings(),
            storage_schemas=(FOLDER / "storage-schemas.conf").read_text(),
        ) as graphite:
            yield graphite


@pytest.fixture(scope="module")
def graphite(graphite_environment, tmp_path_factory):
    """A Graphite with graphite/*.conf for all tests; each uses series of its own."""
    aggregation = (FOLDER / "storage-aggregation.conf").read_text()
    folder = tmp_path_factory.mktemp("graphite")
    with running(folder, graphite_environment, aggregation) as graphite:
        yield graphite


@pytest.fixture
def scanner(request):
    """The path of a scanner that only this test has."""
    return PREFIX + re.sub(r"\W", "_", request.node.name)


def send(graphite, series, *points):
    """Sends the points, (epoch, value)."""
    lines = "".join(f"{series} {value} {epoch}\n" for epoch, value in points)
    with socket.create_connection(("127.0.0.1", graphite.line_port)) as connection:
        connection.sendall(lines.encode())


def eventually(question, wanted):
    """Asks until the answer is the wanted one."""
    deadline = time.monotonic() + 600
    while (answer := question()) != wanted:
        assert time.monotonic() < deadline, f"still {answer!r} instead of {wanted!r}"
        time.sleep(0.02)


def file_of(graphite, series):
    return graphite.whisper_dir.joinpath(*series.split(".")).with_suffix(".wsp")


def stored(path, step):
    """{slot: value} in the archive with that step; empty while the file is not yet there."""
    found = {}
    # The header is written before the slots are made.
    if path.exists() and path.stat().st_size > 100_000:
        [archive] = [
            each
            for each in whisper.info(str(path))["archives"]
            if each["secondsPerPoint"] == step
        ]
        with path.open("rb") as file:
            file.seek(archive["offset"])
            content = file.read(archive["size"])
        for slot, value in struct.iter_unpack(whisper.pointFormat, content):
            if slot:
                found[slot] = value
    return found


def slot(epoch, step):
    return epoch - epoch % step


def ago(seconds, now):
    """That long before `now`, at ten past an hour."""
    return slot(now - seconds, DAY) + 7 * HOUR + TEN_MINUTES + 10


def test_a_daily_point_is_in_every_archive_that_reaches_back_to_it(graphite, scanner):
    series = f"{scanner}.32.SNR.mean.8"
    now = int(time.time())
    days = {ago(age * DAY, now): 333.6 + age / 100 for age in range(1, 6)}
    years = {ago(age, now): 300.5 + age / YEAR / 8 for age in (400 * DAY, 2 * YEAR, 4 * YEAR)}
    many = {ago(age * YEAR, now): 280.25 + age / 128 for age in (6, 10, 24)}
    send(graphite, series, *many.items(), *years.items(), *days.items())

    path = file_of(graphite, series)
    for step, kept in (
        (TEN_MINUTES, days),
        (DAY, {**many, **years, **days}),
    ):
        wanted = {slot(epoch, step): value for epoch, value in kept.items()}
        eventually(lambda step=step: stored(path, step), wanted)


def test_whisper_reads_each_age_from_the_archive_for_it(graphite, scanner):
    series = f"{scanner}.32.SNR.mean.8"
    now = int(time.time())
    ages = {3 * DAY: TEN_MINUTES, 3 * YEAR: DAY, 20 * YEAR: DAY}
    send(graphite, series, *((ago(age, now), age / DAY) for age in ages))
    path = file_of(graphite, series)
    for age, step in ages.items():
        first = slot(ago(age, now), step)
        eventually(lambda step=step, first=first: first in stored(path, step), True)
        (start, _, found), values = whisper.fetch(str(path), first - 1, first)
        assert (start, found, values) == (first, step, [age / DAY])


def test_with_graphites_defaults_a_daily_point_is_lost_after_the_first_archive(
    graphite_environment, tmp_path, scanner
):
    series = f"{scanner}.32.SNR.mean.8"
    now = int(time.time())
    points = {ago(age * DAY, now): 333.6 + age for age in range(1, 6)}
    with running(tmp_path, graphite_environment, GRAPHITES_DEFAULTS) as graphite:
        send(graphite, series, *points.items())
        path = file_of(graphite, series)
        eventually(lambda: len(stored(path, TEN_MINUTES)), 5)
    # Carbon has stopped, and so has written all that it would.
    assert whisper.info(str(path))["xFilesFactor"] == 0.5
    assert stored(path, DAY) == {}


def test_two_scans_twenty_minutes_apart_are_both_kept(graphite, scanner):
    series = f"{scanner}.32.SNR.mean.8"
    first = ago(DAY, int(time.time()))
    send(graphite, series, (first, 333.6), (first + 20 * 60, 331.2))
    wanted = {slot(first, TEN_MINUTES): 333.6, slot(first, TEN_MINUTES) + 20 * 60: 331.2}
    eventually(lambda: stored(file_of(graphite, series), TEN_MINUTES), wanted)


@pytest.mark.parametrize(
    ("column", "of_both"), [("min.8", 331.0), ("max.8", 334.0), ("mean.8", 332.5), ("sd.16", 332.5)]
)
def test_two_scans_in_a_day_are_rolled_up_by_their_column(graphite, scanner, column, of_both):
    series = f"{scanner}.32.SNR.{column}"
    first = ago(DAY, int(time.time()))
    send(graphite, series, (first, 334.0), (first + 20 * 60, 331.0))
    path = file_of(graphite, series)
    eventually(lambda: stored(path, DAY), {slot(first, DAY): of_both})


@pytest.mark.parametrize(
    ("name", "of_all"),
    [
        ("ingested", 3.0),
        ("rejected", 3.0),
        ("waiting", 7.0),
        ("unconfirmed", 7.0),
        ("oldest_waiting_seconds", 7.0),
        ("seconds_since_last_scan", 7.0),
    ],
)
def test_the_collectors_own_numbers_are_rolled_up_from_minutes(graphite, scanner, name, of_all):
    series = f"{scanner}.ingest.{name}"
    first = ago(DAY, int(time.time()))
    points = {first: 2.0, first + 60: 7.0, first + 120: 3.0}
    send(graphite, series, *points.items())
    path = file_of(graphite, series)
    minutes = {slot(epoch, 60): value for epoch, value in points.items()}
    eventually(lambda: stored(path, 60), minutes)
    eventually(lambda: stored(path, HOUR), {slot(first, HOUR): of_all})


def test_of_two_scans_in_a_day_that_come_after_a_year_the_later_stays(graphite, scanner):
    series = f"{scanner}.32.SNR.mean.8"
    first = ago(400 * DAY, int(time.time()))
    send(graphite, series, (first, 334.0), (first + 2 * HOUR, 331.0))
    eventually(lambda: stored(file_of(graphite, series), DAY), {slot(first, DAY): 331.0})


def test_what_is_judged_is_kept_by_the_hour_and_then_by_the_day(graphite, scanner):
    series = f"{scanner}.control.32.SNR.mean.sigmas"
    first = ago(DAY, int(time.time()))
    send(graphite, series, (first, -4.5), (first + 20 * 60, -3.5), (first + 2 * HOUR, 0.25))
    path = file_of(graphite, series)
    hours = {slot(first, HOUR): -3.5, slot(first, HOUR) + 2 * HOUR: 0.25}
    eventually(lambda: stored(path, HOUR), hours)
    eventually(lambda: stored(path, DAY), {slot(first, DAY): 0.25})
    assert path.stat().st_size == 16 + 2 * 12 + 12 * (8760 + 9125)


def test_the_first_report_of_a_coil_makes_all_its_series_at_once(graphite, scanner):
    epoch = ago(DAY, int(time.time()))
    series = [f"{scanner}.32.S.c{each}.{number}" for each in range(28) for number in range(1, 17)]
    with socket.create_connection(("127.0.0.1", graphite.line_port)) as connection:
        connection.sendall("".join(f"{each} 1 {epoch}\n" for each in series).encode())
    folder = graphite.whisper_dir.joinpath(*scanner.split("."))
    eventually(lambda: len(list(folder.rglob("*.wsp"))), 448)


def test_a_series_takes_its_whole_place_on_the_disk_from_the_start(graphite, scanner):
    series = f"{scanner}.32.SNR.mean.8"
    send(graphite, series, (ago(DAY, int(time.time())), 333.6))
    path = file_of(graphite, series)
    eventually(lambda: len(stored(path, DAY)), 1)
    assert path.stat().st_size == 16 + 2 * 12 + 12 * (52560 + 9125)
    assert path.stat().st_blocks * 512 >= path.stat().st_size
