"""The embedded Graphite with real carbon and graphite-web processes."""

import json
import os
import pickle
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import whisper

from lab import ports
from lab.errors import LabError
from lab.graphite import EmbeddedGraphite, embedded

pytestmark = pytest.mark.integration

# Of a real report, and the hour that a whisper file of hours keeps it under.
SCAN = 1536570550
HOUR = SCAN - SCAN % 3600

PREFIX = "servers.scanhost.StabilityCollector.Harvard.Northwest."


@pytest.fixture
def own(graphite_environment, tmp_path):
    """A Graphite of the test's own."""
    with EmbeddedGraphite(tmp_path / "graphite", graphite_environment) as running:
        yield running


@pytest.fixture
def graphite(graphite_of_file):
    """That of all tests, which leave it running."""
    return graphite_of_file


@pytest.fixture
def series(request):
    """A series that only this test has."""
    return f"{PREFIX}{re.sub('[^a-z0-9]', '_', request.node.name)}.32.SNR.mean.8"


def send_lines(graphite, *lines):
    with socket.create_connection(("127.0.0.1", graphite.line_port)) as connection:
        connection.sendall("".join(f"{line}\n" for line in lines).encode())


def send_pickle(graphite, points):
    payload = pickle.dumps(points, protocol=2)
    with socket.create_connection(("127.0.0.1", graphite.pickle_port)) as connection:
        connection.sendall(struct.pack("!L", len(payload)) + payload)


def get(graphite, path, **query):
    address = f"{graphite.url}{path}?{urllib.parse.urlencode(query)}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(address, timeout=60) as answer:
        return answer.read()


def rendered(graphite, series, hour=HOUR):
    """The points that the render API has for one hour: [[value, hour]], or [] without any; None
    where it answers 500, as it does while carbon is making the file."""
    query = {"target": series, "from": hour - 1, "until": hour, "format": "json"}
    try:
        answer = json.loads(get(graphite, "/render", **query))
    except urllib.error.HTTPError as error:
        if error.code != 500:
            raise
        return None
    return answer[0]["datapoints"] if answer else []


def whisper_file(graphite, series):
    return graphite.whisper_dir.joinpath(*series.split(".")).with_suffix(".wsp")


def in_file(graphite, series, hour=HOUR):
    """The value that the whisper file has for one hour, None without one."""
    path = whisper_file(graphite, series)
    # Carbon makes the file before it writes to it, and both take a moment.
    if not path.exists() or path.stat().st_size < 219_000 * 12:
        return None
    _, values = whisper.fetch(str(path), hour - 1, hour)
    return values[0]


def eventually(question, wanted, patience=600):
    """Asks until the answer is the wanted one."""
    deadline = time.monotonic() + patience
    while (answer := question()) != wanted:
        assert time.monotonic() < deadline, f"still {answer!r} instead of {wanted!r}"
        time.sleep(0.02)


def lives(pid):
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_gives_back_what_came_by_line(graphite, series):
    send_lines(graphite, f"{series} 333.6 {SCAN}")
    eventually(lambda: rendered(graphite, series), [[333.6, HOUR]])
    eventually(lambda: in_file(graphite, series), 333.6)


def test_gives_back_what_came_by_pickle(graphite, series):
    send_pickle(graphite, [(series, (SCAN, -0.000123)), (f"{series}0", (SCAN, 7.0))])
    eventually(lambda: rendered(graphite, series), [[-0.000123, HOUR]])
    eventually(lambda: in_file(graphite, f"{series}0"), 7.0)


def test_a_file_of_25_years_takes_few_blocks(graphite, series):
    send_lines(graphite, f"{series} 333.6 {SCAN}")
    eventually(lambda: in_file(graphite, series), 333.6)
    stat = whisper_file(graphite, series).stat()
    assert stat.st_size > 2_500_000
    assert stat.st_blocks * 512 < 50_000


@pytest.mark.parametrize(
    ("column", "method"), [("min", "min"), ("max", "max"), ("mean", "average"), ("sd", "average")]
)
def test_aggregates_each_column_its_own_way(graphite, column, method, series):
    series = series.replace("mean", column)
    send_lines(graphite, f"{series} 1.5 {SCAN}")
    eventually(lambda: in_file(graphite, series), 1.5)
    info = whisper.info(str(whisper_file(graphite, series)))
    assert (info["aggregationMethod"], info["xFilesFactor"]) == (method, 0)


def test_keeps_everything_in_its_folder_and_only_what_was_sent(own, series):
    send_lines(own, f"{series} 1 {SCAN}")
    eventually(lambda: in_file(own, series), 1.0)
    index = json.loads(get(own, "/metrics/index.json"))
    assert index == [series]
    assert {path.name for path in own.folder.iterdir()} == {
        "conf",
        "graphite.db",
        "log",
        "whisper",
    }


def test_listens_on_loopback_only(graphite):
    listening = "0A"
    inodes = {
        os.stat(descriptor).st_ino
        for pid in (graphite.carbon.pid, graphite.web.pid)
        for descriptor in Path(f"/proc/{pid}/fd").iterdir()
    }
    addresses = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[9]) in inodes and (fields[3] == listening or table.startswith("udp")):
                addresses.append(fields[1].partition(":")[0])
    assert addresses == ["0100007F"] * 4


def test_finds_metrics_for_browsers(graphite, series):
    send_lines(graphite, f"{series} 1 {SCAN}")
    eventually(lambda: in_file(graphite, series), 1.0)
    [found] = json.loads(get(graphite, "/metrics/find", query="*"))
    assert found["text"] == "servers"


@pytest.mark.parametrize(
    "path",
    ["/", "/dashboard", "/composer", "/static/js/composer.js", "/static/js/ext/ext-all.js"],
)
def test_shows_its_pages(graphite, path):
    assert get(graphite, path)


def test_draws_pictures(graphite):
    picture = get(graphite, "/render", target="constantLine(1)", format="png")
    assert picture.startswith(b"\x89PNG")


def test_answers_many_at_the_same_time(graphite, series):
    send_lines(graphite, f"{series} 1 {SCAN}")
    eventually(lambda: rendered(graphite, series), [[1.0, HOUR]])
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: rendered(graphite, series), range(100)))
    assert answers == [[[1.0, HOUR]]] * 100


def test_keeps_data_and_events_over_a_restart(own, series):
    event = json.dumps({"what": "new phantom", "tags": ["Bay1"], "when": SCAN}).encode()
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        f"{own.url}/events/", data=event
    ).close()
    send_lines(own, f"{series} 333.6 {SCAN}")
    eventually(lambda: rendered(own, series), [[333.6, HOUR]])
    own.stop()
    own.start()
    assert rendered(own, series) == [[333.6, HOUR]]
    query = {"from": SCAN - 60, "until": SCAN + 60}
    [found] = json.loads(get(own, "/events/get_data", **query))
    assert found["what"] == "new phantom"


def test_writes_what_it_has_received_before_it_stops(own, series):
    for hour in range(3):
        send_lines(own, f"{series} {hour} {SCAN + 3600 * hour}")
        # In memory, where carbon's writer looks for it once a second.
        eventually(
            lambda hour=hour: rendered(own, series, HOUR + 3600 * hour),
            [[hour, HOUR + 3600 * hour]],
        )
    own.carbon.stop()
    assert [in_file(own, series, HOUR + 3600 * hour) for hour in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("name", ["carbon", "web"])
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_either_server_can_go_and_come_back(graphite, name, end, series):
    server = getattr(graphite, name)
    before = server.pid
    address = graphite.url, graphite.line_port
    getattr(server, end)()
    assert server.pid is None
    assert not lives(before)
    server.start()
    assert (graphite.url, graphite.line_port) == address
    send_lines(graphite, f"{series} 2 {SCAN}")
    eventually(lambda: rendered(graphite, series), [[2.0, HOUR]])


def test_comes_back_after_a_server_was_killed_by_somebody_else(graphite, series):
    os.kill(graphite.carbon.pid, signal.SIGKILL)
    eventually(lambda: graphite.carbon.pid, None)
    graphite.start()
    send_lines(graphite, f"{series} 2 {SCAN}")
    eventually(lambda: rendered(graphite, series), [[2.0, HOUR]])


def test_starting_twice_is_starting_once(graphite):
    before = graphite.carbon.pid, graphite.web.pid
    graphite.start()
    graphite.carbon.start()
    assert (graphite.carbon.pid, graphite.web.pid) == before


def test_two_do_not_collide(graphite, graphite_environment, tmp_path, series):
    with EmbeddedGraphite(tmp_path / "other", graphite_environment) as other:
        send_lines(graphite, f"{series} 1 {SCAN}")
        send_lines(other, f"{series} 2 {SCAN}")
        eventually(lambda: rendered(graphite, series), [[1.0, HOUR]])
        eventually(lambda: rendered(other, series), [[2.0, HOUR]])


def test_two_that_want_the_same_ports_share_none(
    graphite, graphite_environment, tmp_path, monkeypatch, series
):
    # As if both had found the same ports free at the same moment.
    choices = iter([graphite._ports, ports.choose_ports()])
    monkeypatch.setattr(embedded, "choose_ports", lambda *ports: next(choices))
    other = EmbeddedGraphite(tmp_path / "other", graphite_environment)
    assert other.line_port == graphite.line_port
    with other:
        assert other.line_port != graphite.line_port
        for hour in range(20):
            send_lines(graphite, f"{series} {hour} {SCAN + 3600 * hour}")
        last = HOUR + 3600 * 19
        eventually(lambda: rendered(graphite, series, last), [[19, last]])
        assert json.loads(get(other, "/metrics/index.json")) == []


def test_takes_the_given_web_port(graphite_environment, tmp_path):
    port = ports.choose_ports().web
    with EmbeddedGraphite(tmp_path, graphite_environment, web_port=port) as graphite:
        assert graphite.url == f"http://127.0.0.1:{port}"
        assert get(graphite, "/metrics/find", query="*") == b"[]"


def test_takes_carbon_settings_and_schemas(graphite_environment, tmp_path):
    graphite = EmbeddedGraphite(
        tmp_path / "100% mine",
        graphite_environment,
        carbon_settings={"CARBON_METRIC_INTERVAL": "1", "CARBON_METRIC_PREFIX": "about"},
        storage_schemas="[all]\npattern = .*\nretentions = 10s:1d\n",
    )
    with graphite:
        eventually(lambda: (graphite.whisper_dir / "about").exists(), True)
    path = next(graphite.whisper_dir.rglob("*.wsp"))
    assert whisper.info(str(path))["archives"][0]["secondsPerPoint"] == 10


def test_production_schemas_are_right_for_stability_series(graphite_environment, tmp_path, series):
    production = Path(__file__).resolve().parents[2] / "graphite" / "storage-schemas.conf"
    with EmbeddedGraphite(
        tmp_path, graphite_environment, storage_schemas=production.read_text()
    ) as graphite:
        send_lines(graphite, f"{series} 1 {SCAN}")
        path = whisper_file(graphite, series)
        eventually(path.exists, True)
    archives = whisper.info(str(path))["archives"]
    assert [(each["secondsPerPoint"], each["retention"] // 86400) for each in archives] == [
        (600, 365),
        (86400, 25 * 365),
    ]


def test_a_taken_web_port_is_one_sentence(graphite_environment, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        graphite = EmbeddedGraphite(tmp_path, graphite_environment, web_port=port)
        with pytest.raises(LabError, match=f"Port {port} .* is taken"):
            graphite.start()
    assert (graphite.carbon.pid, graphite.web.pid) == (None, None)


def test_a_folder_in_use_is_one_sentence(graphite, graphite_environment, series):
    second = EmbeddedGraphite(graphite.folder, graphite_environment)
    with pytest.raises(LabError, match="Another Graphite is running in"):
        second.start()
    assert rendered(graphite, series) == []


def test_a_failing_carbon_is_one_sentence_with_its_log(graphite_environment, tmp_path):
    graphite = EmbeddedGraphite(tmp_path, graphite_environment, storage_schemas="no section\n")
    with pytest.raises(LabError) as failure:
        graphite.start()
    assert "carbon-cache ended as it started" in str(failure.value)
    assert str(graphite.log_dir / "carbon.log") in str(failure.value)
    assert "no section" in str(failure.value)
    assert (graphite.carbon.pid, graphite.web.pid) == (None, None)


def test_a_failing_web_is_one_sentence_with_its_log(graphite_environment, tmp_path):
    (tmp_path / "graphite.db").write_text("this is not a database, but long enough to be looked at")
    graphite = EmbeddedGraphite(tmp_path, graphite_environment)
    with pytest.raises(LabError, match="graphite-web ended as it started") as failure:
        graphite.start()
    assert str(graphite.log_dir / "web.log") in str(failure.value)
    assert (graphite.carbon.pid, graphite.web.pid) == (None, None)


def test_a_folder_that_cannot_be_used_is_one_sentence(graphite_environment, tmp_path):
    (tmp_path / "whisper").write_text("a file where a folder should be")
    graphite = EmbeddedGraphite(tmp_path, graphite_environment)
    with pytest.raises(LabError, match="cannot run in"):
        graphite.start()


def test_leaves_no_process_after_an_exception(graphite_environment, tmp_path):
    pids = []

    def work():
        with EmbeddedGraphite(tmp_path, graphite_environment) as graphite:
            pids.extend([graphite.carbon.pid, graphite.web.pid])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert len(pids) == 2
    assert not any(map(lives, pids))


PARENT = """
import sys
from pathlib import Path
from lab.graphite import EmbeddedGraphite, Environment

folder, python, static = map(Path, sys.argv[1:])
with EmbeddedGraphite(folder, Environment(python, static)) as graphite:
    print(graphite.carbon.pid, graphite.web.pid, graphite.line_port, flush=True)
    sys.stdin.read()
"""


def test_leaves_no_process_when_its_parent_is_killed(graphite_environment, tmp_path):
    environment = graphite_environment
    command = [sys.executable, "-c", PARENT, tmp_path, environment.python, environment.static]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout is not None
            pids = [int(word) for word in parent.stdout.readline().split()[:2]]
            assert all(map(lives, pids))
        finally:
            parent.kill()
    eventually(lambda: any(map(lives, pids)), False)
