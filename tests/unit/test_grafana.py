"""A Grafana is found, started with our dashboards, and stopped; a stand-in plays its part."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from lab import grafana, server
from lab.errors import LabError
from lab.grafana import Grafana, GrafanaMissing, find_grafana

GRAPHITE = "http://127.0.0.1:1"

# Of a grafana: takes its settings from the environment, listens, says that it is well.
STAND_IN = """\
#!{python}
import http.server, json, os, signal, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
        self.wfile.write(json.dumps({{"arguments": sys.argv, **os.environ}}).encode())
{more}
address = os.environ["GF_SERVER_HTTP_ADDR"], int(os.environ["GF_SERVER_HTTP_PORT"])
http.server.HTTPServer(address, Page).serve_forever()
"""


def stand_in(home: Path, name: str = "grafana", more: str = "") -> Path:
    executable = home / "bin" / name
    executable.parent.mkdir(parents=True)
    executable.write_text(STAND_IN.format(python=sys.executable, more=more))
    executable.chmod(0o755)
    return home


def health(running: Grafana) -> dict[str, str]:
    with urllib.request.urlopen(f"{running.url}/api/health") as answer:
        said: dict[str, str] = json.load(answer)
        return said


def is_listening(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def test_without_a_grafana_it_is_said_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GrafanaMissing, match=r"on the PATH: download .*grafana\.com"):
        find_grafana()
    with pytest.raises(GrafanaMissing, match="--grafana-home"):
        find_grafana(tmp_path)


@pytest.mark.parametrize(("name", "verb"), [("grafana", ["server"]), ("grafana-server", [])])
def test_a_grafana_on_the_path_is_found_with_its_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, verb: list[str]
) -> None:
    home = stand_in(tmp_path / "unpacked", name)
    monkeypatch.setenv("PATH", str(home / "bin"))
    executable = str(home / "bin" / name)
    packaged = [executable, *verb, "--homepath", "/usr/share/grafana"]
    assert find_grafana().command == packaged
    (home / "conf").mkdir()
    (home / "conf" / "defaults.ini").touch()
    assert find_grafana().command == [executable, *verb, "--homepath", str(home)]


def test_it_runs_on_loopback_with_our_provisioning_and_its_data_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GF_SERVER_HTTP_ADDR", "0.0.0.0")
    program = find_grafana(stand_in(tmp_path / "home"))
    with Grafana(tmp_path / "data", program, GRAPHITE) as running:
        said = health(running)
    assert said["arguments"][1:] == ["server", "--homepath", str(tmp_path / "home")]
    assert said["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert said["HOPS_GRAPHITE_URL"] == GRAPHITE
    assert Path(said["HOPS_GRAFANA_DIR"], "dashboards", "fleet.json").is_file()
    assert Path(said["GF_PATHS_PROVISIONING"], "datasources", "hops.yaml").is_file()
    assert Path(said["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file()
    assert (said["GF_AUTH_ANONYMOUS_ENABLED"], said["GF_AUTH_ANONYMOUS_ORG_ROLE"]) == (
        "true",
        "Viewer",
    )
    for name in ("GF_PATHS_DATA", "GF_PATHS_LOGS", "GF_PATHS_PLUGINS"):
        assert said[name].startswith(str(tmp_path / "data"))
    assert not is_listening(running.url)


def test_one_that_will_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    program = find_grafana(stand_in(tmp_path / "home", more=stubborn))
    impatient = tmp_path / "guard.py"
    text = grafana.GUARD.read_text().replace("PATIENCE = 20", "PATIENCE = 0.5")
    impatient.write_text(text)
    monkeypatch.setattr(grafana, "GUARD", impatient)
    with Grafana(tmp_path / "data", program, GRAPHITE) as running:
        assert is_listening(running.url)
    assert not is_listening(running.url)
    running.stop()


def test_it_ends_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    home = stand_in(tmp_path / "home")
    starter = (
        "import sys, time; from pathlib import Path; from lab.grafana import *\n"
        f"running = Grafana(Path({str(tmp_path / 'data')!r}), "
        f"find_grafana(Path({str(home)!r})), {GRAPHITE!r})\n"
        "running.start(); print(running.url, flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        url = process.stdout.readline().strip()
        assert is_listening(url)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    while is_listening(url):
        time.sleep(0.02)


def test_one_that_ends_as_it_starts_is_an_error_that_names_its_log(tmp_path: Path) -> None:
    program = find_grafana(stand_in(tmp_path / "home", more="sys.exit('no database')"))
    running = Grafana(tmp_path / "data", program, GRAPHITE)
    with pytest.raises(LabError, match=r"grafana\.log"):
        running.start()
    assert "no database" in (tmp_path / "data" / "grafana.log").read_text()


def test_one_that_does_not_become_well_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "START_PATIENCE", 1)
    ill = "Page.do_GET = lambda page: page.send_error(503)"
    program = find_grafana(stand_in(tmp_path / "home", more=ill))
    running = Grafana(tmp_path / "data", program, GRAPHITE)
    with pytest.raises(LabError, match="did not come up"):
        running.start()
    assert not is_listening(running.url)


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    program = find_grafana(stand_in(tmp_path / "home"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        running = Grafana(tmp_path / "data", program, GRAPHITE, port=other.getsockname()[1])
        with pytest.raises(LabError, match="choose another"):
            running.start()
