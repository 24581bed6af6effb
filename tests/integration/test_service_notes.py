"""Service notes on their way: `hops note`, Graphite, `hops notes`, `hops report`, dashboards."""

from __future__ import annotations

import json
import socket
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from commands import hops

from hops.graphiteweb import GraphiteWeb
from lab.graphite import EmbeddedGraphite

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
BAY1, BAY2 = "Harvard/Northwest/Bay1", "Mass General/Bay 2"
TAG1, TAG2 = "Harvard.Northwest.Bay1", "Mass_General.Bay_2"
COLLECTOR = f"""\
enabled = True
graphite_url = {{url}}
timezone = America/New_York
hostname = collector1
[scanners]
{BAY1} = /mnt/scanner/bay1
{BAY2} = /mnt/scanner/bay2
[coils]
32 = 32
"""


@pytest.fixture(scope="module")
def graphite(graphite_of_file: EmbeddedGraphite) -> EmbeddedGraphite:
    return graphite_of_file


@pytest.fixture(scope="module")
def conf(graphite: EmbeddedGraphite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "StabilityCollector.conf").write_text(COLLECTOR.format(url=graphite.url))
    conf = folder / "diamond.conf"
    conf.write_text(f"[server]\ncollectors_config_path = {folder}\n")
    return conf


def epochs_of(graphite: EmbeddedGraphite, tag: str, since: int, until: int) -> list[int]:
    """When there are events, as Grafana asks for those of an annotation."""
    query = urllib.parse.urlencode({"from": since, "until": until, "tags": tag})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{graphite.url}/events/get_data?{query}") as answer:
        return [event["when"] for event in json.load(answer)]


def test_a_note_is_shown_by_dashboards_and_listed_by_commands(
    graphite: EmbeddedGraphite, conf: Path, tmp_path: Path
) -> None:
    at = ["--at", "2026-06-30 14:05"]
    done = hops("note", "-c", conf, "--location", BAY1, *at, "  gradient  coil replaced 線圈 ")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        f"Noted in {graphite.url} for {BAY1} at 2026-06-30T14:05:00-04:00: "
        "gradient coil replaced 線圈\n"
    )
    # A day is its noon.
    day = ["--at", "2026-07-01", "--keeps-baseline", "--json"]
    told = json.loads(hops("note", "-c", conf, "--location", BAY2, *day, "coil cleaned").stdout)

    # GNU date: TZ=America/New_York date -d '2026-06-30 14:05' +%s
    first, second = 1782842700, 1782842700 + 86400 - 2 * 3600 - 300
    pages = (ROOT / "grafana" / "dashboards").glob("*.json")
    annotations = [json.loads(page.read_text())["annotations"]["list"] for page in pages]
    asked_for = {tuple(each["target"]["tags"]) for page in annotations for each in page}
    assert asked_for == {("service",), ("$site.$building.$scanner",)}
    assert epochs_of(graphite, "service", first, second) == [first, second]
    # The choices are the parts of the location in a metric path.
    assert epochs_of(graphite, TAG1, first, second) == [first]
    assert epochs_of(graphite, TAG2, first, second) == [second]

    listed = json.loads(hops("notes", "-c", conf, "--json", "--from", "2026-06-01").stdout)[:2]
    assert listed == [
        {
            "time": "2026-06-30T14:05:00-04:00", "epoch": first,
            "location": BAY1, "note": "gradient coil replaced 線圈",
            "keeps_baseline": False,
        },
        {
            "time": "2026-07-01T12:00:00-04:00", "epoch": second,
            "location": BAY2, "note": "coil cleaned",
            "keeps_baseline": True,
        },
    ]
    assert told == listed[1]
    table = hops("notes", "-c", conf, "--location", BAY1).stdout
    assert "2026-06-30T14:05:00-04:00" in table
    assert "gradient coil replaced" in table
    assert "coil cleaned" not in table
    of_that_day = ["--from", "2026-07-01", "--until", "2026-07-01", "--json"]
    [only] = json.loads(hops("notes", "-c", conf, *of_that_day).stdout)
    assert only["note"] == "coil cleaned"
    before = hops("notes", "-c", conf, "--until", "2026-06-29")
    assert (before.exit_code, before.stdout) == (
        0, "No service notes were found; hops note makes them.\n",
    )

    store_a_value(graphite, f"servers.collector1.StabilityCollector.{TAG1}.32.SNR.mean.1", first)
    report = hops(
        "report", "-c", conf, "--location", BAY1, "--until", "2026-07-31",
        "-o", tmp_path / "bay1.pdf",
    )
    assert report.exit_code == 0, report.stderr
    assert f"Service notes of {BAY1}:\n  1  2026-06-30  gradient coil replaced 線圈\n" in (
        report.stdout
    )


def store_a_value(graphite: EmbeddedGraphite, path: str, epoch: int) -> None:
    with socket.create_connection(("127.0.0.1", graphite.line_port)) as connection:
        connection.sendall(f"{path} 300 {epoch}\n".encode())
    web = GraphiteWeb.at(graphite.url)
    deadline = time.monotonic() + 600
    while not web.expand(path):
        assert time.monotonic() < deadline, f"Graphite does not show {path}"
        time.sleep(0.05)


def test_a_note_without_a_time_is_of_now(graphite: EmbeddedGraphite, conf: Path) -> None:
    before = int(time.time())
    assert hops("note", "-c", conf, "--location", BAY1, "rebooted").exit_code == 0
    assert len(epochs_of(graphite, TAG1, before, int(time.time()))) == 1


def test_notes_of_other_programs_are_listed_safely(
    graphite: EmbeddedGraphite, conf: Path
) -> None:
    what = "[red]\x1b[2Jnew\nphantom"
    note = {"what": what, "tags": ["service", "Old.Bay9"], "when": 1_700_000_000}
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    direct.open(f"{graphite.url}/events/", data=json.dumps(note).encode()).close()
    listed = hops("notes", "-c", conf, "--until", "2024-12-31").stdout
    assert r"[red]\x1b[2Jnew phantom" in listed
    assert "Old.Bay9" in listed
    assert "\x1b" not in listed


def test_a_graphite_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "StabilityCollector.conf").write_text(COLLECTOR.format(url="http://127.0.0.1:1"))
    conf = tmp_path / "diamond.conf"
    conf.write_text(f"[server]\ncollectors_config_path = {tmp_path}\n")
    for command in (["note", "--location", BAY1, "text"], ["notes"]):
        done = hops(*command, "-c", conf)
        assert done.exit_code == 1
        assert "http://127.0.0.1:1 does not answer" in done.stderr
        assert done.stderr.count("\n") == 1
