"""`hops sizing`: its numbers against files that whisper itself makes."""

import configparser
import json
from pathlib import Path

import pytest
import whisper
from commands import hops

from hops.sizing import (
    CHOICES,
    JUDGED_RETENTION,
    SERIES_A_SLICE,
    Archive,
    file_bytes,
    parse_retention,
    points_read,
    size_of,
    sparse_bytes,
)
from stability_report import points, read

PROJECT = Path(__file__).resolve().parents[2]
YEAR = 365 * 86400
# Noon, so that a scan a day is far from the ends of its slots.
FIRST_SCAN = 1_700_000_000 - 1_700_000_000 % 86400 + 43200

RETENTIONS = [*CHOICES, "60:1440,1h:5y", "1min:30days,1hour:2y", "5m:2w"]


def sizing(*arguments):
    return hops("sizing", *arguments)


def whispers(retention):
    """The archives as whisper reads the same words."""
    return [whisper.parseRetentionDef(part) for part in retention.split(",")]


@pytest.mark.parametrize("retention", RETENTIONS)
def test_reads_a_retention_as_whisper_does(retention):
    archives = parse_retention(retention)
    assert [(each.step, each.points) for each in archives] == whispers(retention)


@pytest.mark.parametrize("retention", RETENTIONS)
@pytest.mark.parametrize("how", [{}, {"sparse": True}, {"useFallocate": True}])
def test_a_file_has_the_size_of_one_that_whisper_makes(retention, how, tmp_path):
    path = tmp_path / "series.wsp"
    whisper.create(str(path), whispers(retention), xFilesFactor=0, **how)
    assert file_bytes(parse_retention(retention)) == path.stat().st_size


@pytest.mark.parametrize("retention", CHOICES)
@pytest.mark.parametrize("days", [1, 30, 500])
def test_a_sparse_file_takes_what_a_scan_a_day_writes_to(retention, days, tmp_path):
    path = tmp_path / "series.wsp"
    whisper.create(str(path), whispers(retention), xFilesFactor=0, sparse=True)
    for day in range(days):
        now = FIRST_SCAN + day * 86400
        whisper.update(str(path), 333.6, now, now=now)
    assert sparse_bytes(parse_retention(retention), days) == path.stat().st_blocks * 512


@pytest.mark.parametrize(
    ("retention", "years", "read"),
    [
        ("10m:1y,1d:25y", 1, 52560),
        ("10m:1y,1d:25y", 5, 1825),
        ("10m:1y,1h:5y,1d:25y", 1, 52560),
        ("10m:1y,1h:5y,1d:25y", 5, 43800),
        ("10m:1y,1h:5y,1d:25y", 10, 3650),
        ("1h:2y", 10, 17520),
    ],
)
def test_a_graph_reads_what_whisper_fetches(retention, years, read, tmp_path):
    path = tmp_path / "series.wsp"
    whisper.create(str(path), whispers(retention), xFilesFactor=0, sparse=True)
    now = FIRST_SCAN
    whisper.update(str(path), 333.6, now, now=now)
    _, values = whisper.fetch(str(path), now - years * YEAR, now, now=now)
    assert len(values) == read
    assert points_read(parse_retention(retention), years * YEAR) == read


@pytest.mark.parametrize(
    ("retention", "wrong"),
    [
        ("10m", "a step and a time as in 10m:1y"),
        ("", "a step and a time as in 10m:1y"),
        ("10m:1y;1h:5y", "a step and a time as in 10m:1y"),
        ("10m:1x", "Invalid unit 'x'"),
        ("0m:1y", "a step of nothing"),
        ("0:5", "a step of nothing"),
        ("0:5,1h:1y", "a step of nothing"),
        ("1h:10m", "no slot"),
        ("10m:1y,1d:1h", "must cover larger time intervals"),
        ("7m:1d,10m:1y", "must evenly divide"),
        ("10m:1y,10m:2y", "two archives with the same precision"),
        ("10m:5y,1h:1y", "must cover larger time intervals"),
        ("1m:30m,1h:1y", "at least enough points to consolidate"),
        ("1s:25y", "more than 4 GiB"),
    ],
)
def test_what_whisper_would_refuse_is_one_sentence(retention, wrong):
    with pytest.raises(ValueError, match=wrong):
        parse_retention(retention)
    done = sizing("--scanners=1", "--coils=1", "--slices=1", "--retention", retention)
    assert done.exit_code == 2
    assert wrong in done.output


def test_counts_the_series_of_a_report():
    [report, *_] = sorted((PROJECT / "sample_data/reports").glob("Stability_2026030*.txt"))
    assert len(list(points(read(str(report))))) == 16 * SERIES_A_SLICE


def test_the_default_is_the_retention_of_the_configuration():
    schemas = configparser.ConfigParser()
    schemas.read(PROJECT / "graphite/storage-schemas.conf")
    assert next(iter(CHOICES)) == schemas["stability"]["retentions"]
    assert schemas["stability_control"]["retentions"] == JUDGED_RETENTION


def test_says_what_all_of_it_takes():
    done = sizing("--scanners", "2", "--coils", "2", "--slices", "16")
    assert done.exit_code == 0
    assert "1,792 series" in done.output
    assert "All 1,792 series: 1.33 GB on disk" in done.output
    assert "664 series more with 1h:1y,1d:25y, 142.53 MB" in done.output
    assert all(choice in done.output for choice in CHOICES)


def test_tells_programs_the_same():
    done = sizing("--scanners=2", "--coils=2", "--slices=16", "--retention=1h:25y", "--json")
    answer = json.loads(done.output)
    assert answer["series"] == 1792
    assert answer["bytes"] == 1792 * (16 + 12 + 12 * 219_000)
    assert [each["retention"] for each in answer["choices"]] == list(CHOICES)
    # Six quantities: eleven series and sixteen slices each; four of the coil.
    judged = 4 * (6 * (11 + 16) + 4)
    assert answer["judged"]["series"] == judged
    assert answer["judged"]["bytes"] == judged * (16 + 2 * 12 + 12 * (8760 + 9125))


@pytest.mark.parametrize("wrong", ["0", "-1", "many"])
def test_refuses_what_is_no_number_of_scanners(wrong):
    assert sizing(f"--scanners={wrong}", "--coils=1", "--slices=1").exit_code == 2


@pytest.mark.parametrize(
    ("count", "text"),
    [(999, "999 bytes"), (1000, "1.00 kB"), (999_600, "999.60 kB"), (2_268_442_624, "2.27 GB")],
)
def test_sizes_are_short(count, text):
    assert size_of(count) == text


def test_archives_come_finest_first():
    assert parse_retention("1d:25y,1h:5y") == [Archive(3600, 43800), Archive(86400, 9125)]
