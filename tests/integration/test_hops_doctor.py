"""`hops init` and `hops doctor` beside a real Diamond and a real Graphite."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import whisper
from mounts import mounted
from programs import ROOT

from hops.graphiteweb import GraphiteWeb
from lab.graphite import EmbeddedGraphite, configuration

pytestmark = pytest.mark.integration

REPORT = ROOT / "sample_data/reports/Stability_20260302T070412.txt"
LOCATION = "Harvard/Northwest/Bay1"
PATIENCE = 600
# Carbon's own for what no section matches, and its example file's for all.
NO_AGGREGATION, A_DAY_OF_MINUTES = "", "[default]\npattern = .*\nretentions = 60s:1d\n"


@contextmanager
def running(folder: Path, environment: Any, aggregation: str, schemas: str) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "STORAGE_AGGREGATION", aggregation)
        with EmbeddedGraphite(
            folder,
            environment,
            carbon_settings={"CARBON_METRIC_INTERVAL": "1"},
            storage_schemas=schemas,
        ) as graphite:
            yield graphite


@pytest.fixture(scope="module")
def graphite(
    graphite_environment: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedGraphite]:
    """A Graphite with graphite/*.conf."""
    aggregation, schemas = (
        (ROOT / "graphite" / f"storage-{name}.conf").read_text()
        for name in ("aggregation", "schemas")
    )
    folder = tmp_path_factory.mktemp("graphite")
    with running(folder, graphite_environment, aggregation, schemas) as graphite:
        web = GraphiteWeb.at(graphite.url)
        deadline = time.monotonic() + PATIENCE
        while not web.expand("carbon.agents.*.droppedCreates"):
            assert time.monotonic() < deadline, "carbon says nothing of itself"
            time.sleep(0.1)
        yield graphite


@pytest.fixture
def bay1(tmp_path: Path) -> Path:
    folder = tmp_path / "bay1"
    folder.mkdir()
    shutil.copy2(REPORT, folder)
    written = time.time() - 3600
    os.utime(folder / REPORT.name, (written, written))
    return folder


def init(
    folder: Path, bay1: Path, graphite: EmbeddedGraphite, location: str = LOCATION
) -> Path:
    """Configures a site with `hops init`; its diamond.conf."""
    run(
        *("init", str(folder), f"--scanner={location}={bay1}", "--coil=32"),
        *(f"--carbon=127.0.0.1:{graphite.line_port}", f"--graphite-url={graphite.url}"),
        "--timezone=America/New_York",
    )
    return folder / "diamond.conf"


def hops(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hops", *arguments]


def run(*arguments: str, status: int = 0) -> str:
    done = subprocess.run(hops(*arguments), stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == status, done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
    return done.stdout.decode()


def found_by(conf: Path, *options: str, status: int = 0) -> dict[str, dict[str, str]]:
    answer = json.loads(run("doctor", "-c", str(conf), "--json", *options, status=status))
    return {each["check"]: each for each in answer["findings"]}


def states(findings: dict[str, dict[str, str]], *checks: str) -> list[str]:
    return [findings[check]["state"] for check in checks]


def test_from_nothing_to_an_archived_report(
    tmp_path: Path, bay1: Path, graphite: EmbeddedGraphite
) -> None:
    # The other tests need not look at all series of a report.
    location = "Harvard/Northwest/Bay2"
    conf = init(tmp_path / "etc", bay1, graphite, location)
    findings = found_by(conf, "--probe")
    assert {each["state"] for each in findings.values()} == {"ok"}, findings
    steps = "10 minutes until a year ago, 1 day until ten years ago"
    assert steps in findings["retention"]["text"]
    assert "rolled up to 1 day" in findings["xFilesFactor"]["text"]

    once = [sys.executable, "-m", "diamond3", "-c", str(conf), "--run", "StabilityCollector"]
    subprocess.run(once, check=True)
    assert (bay1 / "Ingested" / REPORT.name).read_bytes() == REPORT.read_bytes()
    findings = found_by(conf)
    assert {each["state"] for each in findings.values()} == {"ok"}, findings
    series = findings["series"]
    assert f"{location}, coil 32 has one slot for each: {steps}" in series["text"]


def test_pickles_go_the_same_way(tmp_path: Path, bay1: Path, graphite: EmbeddedGraphite) -> None:
    conf = init(tmp_path / "etc", bay1, graphite)
    lines, pickles = "graphite.GraphiteHandler", "graphitepickle.GraphitePickleHandler"
    conf.write_text(conf.read_text().replace(lines, pickles))
    handler = conf.parent / "handlers/GraphiteHandler.conf"
    text = handler.read_text().replace(str(graphite.line_port), str(graphite.pickle_port))
    (handler.parent / "GraphitePickleHandler.conf").write_text(text)
    findings = found_by(conf, "--probe")
    assert states(findings, "GraphitePickleHandler", "probe", "xFilesFactor") == ["ok"] * 3


def test_a_probe_is_sent_only_if_asked_for(
    tmp_path: Path, bay1: Path, graphite: EmbeddedGraphite
) -> None:
    conf = init(tmp_path / "etc", bay1, graphite)
    web = GraphiteWeb.at(graphite.url)
    pattern = "servers.*.StabilityCollector.Harvard.Northwest.Bay1.ingest.probe.*"
    before = web.expand(pattern)
    findings = found_by(conf)
    assert findings["probe"]["text"].startswith("none was sent: hops doctor --probe shows")
    assert web.expand(pattern) == before
    findings = found_by(conf, "--probe")
    assert "3 points came through" in findings["probe"]["text"]
    assert "not tested" not in [each["text"] for each in findings.values()]
    assert len(web.expand(pattern)) == len(before) + 1


def test_an_archive_that_is_a_mount_of_its_own_is_found(
    tmp_path: Path, bay1: Path, graphite: EmbeddedGraphite
) -> None:
    conf = init(tmp_path / "etc", bay1, graphite)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (bay1 / "Ingested").mkdir()
    with mounted(elsewhere, bay1 / "Ingested"):
        found = found_by(conf, status=1)[f"Ingested of {LOCATION}"]
    assert found["state"] == "failed"
    assert "another file system, or a mount of its own" in found["text"]


def test_a_graphite_that_does_not_run_is_found(
    tmp_path: Path, bay1: Path, graphite: EmbeddedGraphite
) -> None:
    conf = init(tmp_path / "etc", bay1, graphite)
    graphite.web.stop()
    try:
        findings = found_by(conf, "--probe", status=1)
    finally:
        graphite.web.start()
    assert states(findings, "GraphiteHandler", "graphite_url") == ["ok", "failed"]
    assert "Connection refused" in findings["graphite_url"]["text"]
    assert states(findings, "probe", "retention", "xFilesFactor") == ["warning"] * 3
    graphite.carbon.stop()
    try:
        findings = found_by(conf, "--probe", status=1)
    finally:
        graphite.carbon.start()
    assert states(findings, "GraphiteHandler", "graphite_url", "probe") == [
        "failed",
        "ok",
        "warning",
    ]


def test_a_short_retention_is_found(graphite_environment: Any, tmp_path: Path, bay1: Path) -> None:
    folder = tmp_path / "graphite"
    with running(folder, graphite_environment, NO_AGGREGATION, A_DAY_OF_MINUTES) as graphite:
        conf = init(tmp_path / "etc", bay1, graphite)
        findings = found_by(conf, "--probe", status=1)
    retention = findings["retention"]
    assert retention["state"] == "failed"
    assert "1 minute until a day ago; it forgets scans within a year" in retention["text"]


@pytest.mark.parametrize(
    ("retentions", "lost_in"),
    [("10m:1y,1h:5y,1d:25y", "1 hour, 1 day"), ("10s:6h,1m:6d,10m:5y", "1 minute, 10 minutes")],
)
def test_an_xfilesfactor_that_loses_a_scan_a_day_is_found(
    graphite_environment: Any, tmp_path: Path, bay1: Path, retentions: str, lost_in: str
) -> None:
    schemas = f"[all]\npattern = .*\nretentions = {retentions}\n"
    folder = tmp_path / "graphite"
    with running(folder, graphite_environment, NO_AGGREGATION, schemas) as graphite:
        conf = init(tmp_path / "etc", bay1, graphite)
        findings = found_by(conf, "--probe", status=1)
    assert states(findings, "retention", "xFilesFactor") == ["ok", "failed"]
    assert f"rolled up to {lost_in} (max, mean, min)" in findings["xFilesFactor"]["text"]


# -- series that are there already ---------------------------------------------------------

NOW = int(time.time())
DEBIANS = [(60, 1440), (300, 8640), (3600, 26280)]
OURS = [(600, 52560), (86400, 9125)]


def make(
    graphite: EmbeddedGraphite, bay: str, slices: range, archives: Any, factor: float
) -> list[Path]:
    """Series of a coil with a scan of two hours ago, made as carbon would under some schemas."""
    [host] = {path.split(".")[1] for path in GraphiteWeb.at(graphite.url).expand("servers.*")} or {
        "h"
    }
    top = graphite.whisper_dir / f"servers/{host}/StabilityCollector/Harvard/Northwest/{bay}/32"
    paths = [top / f"SNR/mean/{number}.wsp" for number in slices]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        whisper.create(str(path), archives, factor, sparse=True)
        whisper.update_many(str(path), [(NOW - 7200, 1.0)])
    return paths


def known(folder: Path, bay1: Path, graphite: EmbeddedGraphite, bay: str) -> Path:
    """Configures a site with a scanner of its own, whose host Graphite knows; its diamond.conf."""
    conf = init(folder, bay1, graphite)
    for file in conf.parent.rglob("*.conf"):
        file.write_text(file.read_text().replace("Bay1", bay))
    found_by(conf, "--probe")
    return conf


def findings_of(conf: Path, status: int) -> list[dict[str, str]]:
    answer = json.loads(run("doctor", "-c", str(conf), "--json", status=status))
    found: list[dict[str, str]] = answer["findings"]
    return found


@pytest.mark.parametrize("way", ["by asking", "in the files"])
def test_every_series_of_a_coil_is_looked_at_and_one_command_mends_them(
    tmp_path: Path, bay1: Path, graphite: EmbeddedGraphite, way: str
) -> None:
    """The first reports arrived before graphite/*.conf did."""
    bay = f"Mixed{len(way)}"
    conf = known(tmp_path / "etc", bay1, graphite, bay)
    wrapper = carbon_here(tmp_path, graphite) if way == "in the files" else None
    old = make(graphite, bay, range(1, 4), DEBIANS, 0.5)
    make(graphite, bay, range(4, 8), OURS, 0.0)

    def ask(status: int) -> list[dict[str, str]]:
        if wrapper is None:
            return findings_of(conf, status)
        done = subprocess.run(
            [sys.executable, str(wrapper), "doctor", "-c", str(conf), "--json"],
            stdout=subprocess.PIPE,
        )
        assert done.returncode == status
        found: list[dict[str, str]] = json.loads(done.stdout)["findings"]
        return found

    found = ask(1)
    what = f"Harvard/Northwest/{bay}, coil 32"
    texts = {each["text"]: each for each in found}
    assert f"3 of 7 series of {what} are not kept as the others are" in texts
    series = {each["text"]: each["state"] for each in found if each["check"] == "series"}
    assert sorted(text[:11] for text in series) == ["3 of 7 seri", "4 of 7 seri"]
    lossy = [each for each in found if each["check"] == "xFilesFactor of series"]
    assert [each["text"][:11] for each in lossy] == ["3 of 7 seri"]
    assert "hops retention --whisper" in lossy[0]["todo"]

    run("retention", "--whisper", str(graphite.whisper_dir), "--yes")
    found = ask(0)
    assert [each["check"] for each in found].count("series") == 1
    assert {each["state"] for each in found if each["check"] == "series"} == {"ok"}
    assert not {"retentions", "xFilesFactor of series"} & {each["check"] for each in found}
    for path in old:
        assert whisper.fetch(str(path), NOW - 7800, NOW - 7199)[1][-1] == 1.0


def carbon_here(tmp_path: Path, graphite: EmbeddedGraphite) -> Path:
    """A `hops` that finds carbon's configuration where packages have it."""
    conf = tmp_path / "carbon.conf"
    conf.write_text(f"[cache]\nLOCAL_DATA_DIR = {graphite.whisper_dir}/\n")
    wrapper = tmp_path / "here.py"
    wrapper.write_text(
        "from pathlib import Path\n"
        "from hops.cli import main\n"
        "from hops.doctor import carbon\n"
        f"carbon.CONFS = (Path({str(conf)!r}),)\n"
        "main()\n"
    )
    return wrapper


@pytest.mark.parametrize("kind", ["empty", "zeros", "cut short"])
def test_a_broken_whisper_file_is_named(
    tmp_path: Path, bay1: Path, graphite: EmbeddedGraphite, kind: str
) -> None:
    bay = f"Broken_{kind.replace(' ', '_')}"
    conf = known(tmp_path / "etc", bay1, graphite, bay)
    path = make(graphite, bay, range(1, 5), OURS, 0.0)[2]
    size = path.stat().st_size
    path.write_bytes(
        {"empty": b"", "zeros": b"\0" * size, "cut short": path.read_bytes()[:45]}[kind]
    )
    try:
        found = findings_of(conf, 1)
    finally:
        path.unlink()
    [broken] = [each for each in found if each["check"] == "broken series"]
    assert f"{bay}.32.SNR.mean.3 of" in broken["text"]
    assert "move its whisper file away" in broken["todo"]
