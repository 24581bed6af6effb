"""`hops` with what answers like a Graphite, but not in all: VictoriaMetrics, carbonapi."""

from __future__ import annotations

import json
import re
import socketserver
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Done, hops
from render import Server
from stores import Carbonapi, VictoriaMetrics

import stability_graphite
from hops.doctor import graphite as doctor
from hops.doctor import probe
from hops.doctor.finding import Finding
from hops.graphiteweb import GraphiteWeb
from lab.diamond import DiamondSite

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "sample_data" / "reports").glob("*.txt"))
LOCATION = "Harvard/Northwest/Bay1"
PREFIX = "servers.demo.StabilityCollector.Harvard.Northwest.Bay1"
# Scans of the two coils, by GNU date.
FIRST, SECOND = 1772435052, 1772521111
DAY = 86400

Points = dict[str, dict[int, float]]


class Carbon(socketserver.ThreadingTCPServer):
    """Keeps the `points` that it gets as lines, with the digits that VictoriaMetrics keeps."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Lines)
        self.points: Points = defaultdict(dict)


class Lines(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            path, value, epoch = line.decode().split()
            kept = float(f"{float(value):.12g}")
            self.server.points[path][int(epoch)] = kept  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def carbon() -> Iterator[Carbon]:
    with Carbon() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    server = Server()  # type: ignore[no-untyped-call]
    yield server
    server.end()  # type: ignore[no-untyped-call]


class Site:
    """A scanner, and where its reports go."""

    def __init__(self, folder: Path, carbon: Carbon, server: Any) -> None:
        self.bay1 = folder / "bay1"
        self.bay1.mkdir()
        site = DiamondSite(
            folder,
            {LOCATION: self.bay1},
            {32: "32", 64: "64"},
            carbon.server_address[1],
            graphite_url=server.url,
            timezone="UTC",
            settle_seconds=0,
            confirm_seconds=0,
        )
        self.conf = site.conf

    def hops(self, *arguments: object) -> Done:
        return hops(*arguments, "-c", self.conf)

    def told(self, *arguments: object) -> Any:
        """What it tells programs."""
        done = self.hops(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def finding(self, check: str, *arguments: str) -> dict[str, str]:
        findings = self.told("doctor", *arguments)["findings"]
        return dict(next(each for each in findings if each["check"] == check))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, carbon: Carbon, server: Any) -> Site:
    """With VictoriaMetrics, which has the sample reports; the tests here go on from each other."""
    site = Site(tmp_path_factory.mktemp("site"), carbon, server)
    server.answer = VictoriaMetrics(carbon.points)
    taken = site.hops("backfill", ROOT / "sample_data/reports", "--location", LOCATION, "--yes")
    assert taken.exit_code == 0, taken.output
    assert len(list((site.bay1 / "Ingested").iterdir())) == len(SAMPLES)
    return site


@pytest.fixture
def victoria(site: Site, carbon: Carbon, server: Any) -> Site:
    server.answer = VictoriaMetrics(carbon.points)
    return site


@pytest.fixture
def coarse(site: Site, carbon: Carbon, server: Any) -> Site:
    """The same, with slots so long that the years which are judged have few."""
    server.answer = VictoriaMetrics(carbon.points, step=DAY)
    return site


# -- VictoriaMetrics -----------------------------------------------------------------------


def test_victoriametrics_takes_confirms_and_shows_every_report(victoria: Site) -> None:
    [scanner] = victoria.told("audit")["scanners"]
    assert [(coil["reports"], coil["values"] == coil["stored"]) for coil in scanner["coils"]] == [
        (3, True),
        (2, True),
    ]
    assert victoria.told("status")["scanners"][0]["archived"] == len(SAMPLES)


def test_what_victoriametrics_lacks_is_missing_and_not_too_old(
    victoria: Site, carbon: Carbon
) -> None:
    # A whole report, the only one of its coil on that day, and one value of another.
    lost = [(path, epoch) for path, values in carbon.points.items() for epoch in values
            if path.startswith(f"{PREFIX}.32.") and epoch == FIRST]
    lost.append((f"{PREFIX}.64.SNR.mean.8", SECOND))
    values = [carbon.points[path].pop(epoch) for path, epoch in lost]
    coils = victoria.told("audit")["scanners"][0]["coils"]
    assert [(coil["missing"], coil["expired"]) for coil in coils] == [(448, 0), (1, 0)]
    for (path, epoch), value in zip(lost, values):
        carbon.points[path][epoch] = value


def test_an_answer_that_is_too_long_is_had_in_pieces(
    victoria: Site, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphite = GraphiteWeb.at(server.url)
    period = (f"{PREFIX}.32.SNR.mean.*", FIRST - 20 * DAY, FIRST + 20 * DAY)
    whole = graphite.series(*period)
    assert len(whole) == 16
    monkeypatch.setattr(stability_graphite, "_MAX_ANSWER", 500_000)
    before = len(server.requests)
    assert graphite.series(*period) == whole
    assert len(server.requests) > before + 2


def test_doctor_says_of_victoriametrics_what_is_so(victoria: Site) -> None:
    assert victoria.finding("clock")["state"] == "ok"
    assert "does not limit new series" in victoria.finding("creates")["text"]
    findings = victoria.told("doctor", "--probe")["findings"]
    states = {each["check"]: each["state"] for each in findings}
    assert [states[each] for each in ("series", "probe", "retention")] == ["ok"] * 3
    assert "slots of 10 minutes" in victoria.finding("series")["text"]


def test_doctor_names_the_option_that_victoriametrics_lacks(
    victoria: Site, carbon: Carbon, server: Any
) -> None:
    server.answer = VictoriaMetrics(carbon.points, step=10)
    found = victoria.finding("series")
    assert found["state"] == "failed"
    assert "-search.graphiteStorageStep=10m" in found["todo"]


def test_what_is_judged_in_victoriametrics_is_judged_once(coarse: Site, carbon: Carbon) -> None:
    assert all(each["points"] for each in coarse.told("judge")["coils"])
    deadline = time.monotonic() + 600
    while any(each["points"] for each in coarse.told("judge")["coils"]):  # till all has come
        assert time.monotonic() < deadline
    assert len(carbon.points[f"{PREFIX}.control.32.SNR.mean.value"]) == 3


def test_notes_are_kept_beside_the_configuration_where_a_store_has_no_events(
    coarse: Site,
) -> None:
    note = ["note", "--location", LOCATION, "--at", "2026-03-03", "Coil changed"]
    done = coarse.hops(*note)
    assert "service-notes" in done.stdout
    assert "has no events" in done.stdout
    [listed] = coarse.told("notes")
    assert (listed["note"], listed["location"]) == ("Coil changed", LOCATION)
    page = coarse.conf.with_name("page.png")
    report = ["report", "--location", LOCATION, "--coil", "32", "--from", "2026-01-01", "-o", page]
    told = coarse.told(*report)
    assert [each["note"] for each in told["notes"]] == ["Coil changed"]
    assert told["without_notes"] is None
    # What the judge learns from begins anew with it.
    learning = {each["coil"]: each["days_to_learn"] for each in coarse.told("judge")["coils"]}
    assert learning == {"32": 19, "64": 20}


# -- carbonapi -----------------------------------------------------------------------------


def test_a_line_that_is_no_note_is_named(site: Site, carbon: Carbon, server: Any) -> None:
    server.answer = Carbonapi(carbon.points)
    file = site.conf.with_name("service-notes")
    kept = file.read_text() if file.exists() else ""
    # As by a person: a blank line, and no end of the last.
    file.write_text('\n{"what": "Moved", "tags": ["service"], "when": 1700000000}')
    assert site.hops("note", "--location", LOCATION, "Back").exit_code == 0
    assert [each["note"] for each in site.told("notes")] == ["Moved", "Back"]
    file.write_text("Moved the scanner\n")
    done = site.hops("notes")
    assert done.exit_code == 1
    assert "Line 1 of" in done.stderr
    assert "is no note" in done.stderr
    file.write_text(kept)


def test_notes_are_kept_where_carbonapi_answers_with_a_text(
    site: Site, carbon: Carbon, server: Any
) -> None:
    server.answer = Carbonapi(carbon.points)
    assert site.hops("note", "--location", LOCATION, "Phantom changed").exit_code == 0
    assert site.told("notes")[-1]["note"] == "Phantom changed"


def test_the_probe_names_what_hides_new_series(
    site: Site, carbon: Carbon, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "PATIENCE", 1)
    server.answer = store = Carbonapi(carbon.points)
    found = site.finding("probe", "--probe")
    assert found["state"] == "failed"
    assert "by its name" in found["text"]
    assert "graphite/go-carbon/" in found["todo"]
    store.look()


def test_doctor_reads_what_go_carbon_tells_of_itself(server: Any) -> None:
    now = int(time.time()) - 120
    told = {"carbon.agents.graphite1.persister.created": {now: 896.0}}

    def creates() -> Finding:
        server.answer = Carbonapi(told, step=60)
        findings = doctor.check(GraphiteWeb.at(server.url))
        return next(each for each in findings if each.check == "creates")

    assert creates().state == "ok"
    assert "896 new series" in creates().text
    told["carbon.agents.graphite1.cache.overflow"] = {now: 12.0}
    assert creates().state == "warning"
    assert "12 points were lost" in creates().text
    assert "max-size" in creates().todo


def test_no_page_or_alert_asks_what_carbonapi_refuses() -> None:
    store = Carbonapi({})
    asked = 0
    for file in sorted((ROOT / "grafana").rglob("*.*")):
        if file.suffix in (".json", ".yaml", ".yml"):
            for target in re.findall(r"""["']?target["']?: *(.+)""", file.read_text()):
                status, _, _ = store(
                    {"path": "/render", "target": target, "targets": [], "from": 1, "until": 2}
                )
                assert status == 200, f"{file.name}: {target}"
                asked += 1
    assert asked > 20
