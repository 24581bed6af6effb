"""`hops report` with two years of sample data in a real Graphite."""

import csv
import html
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from operator import itemgetter
from pathlib import Path
from statistics import fmean

import pytest
from commands import hops
from sample_years import (
    LAST_DAY,
    NORTH,
    SOUTH,
    SOUTH_SCANNER,
    configuration,
    graphite_with_years,
    post_event,
)

from hops.graphiteweb import Event, GraphiteWeb
from hops.notes import Notebook
from hops.quantities import QUANTITIES
from hops.report.data import Scanner
from hops.times import Period
from lab.diamond import PREFIX

pytestmark = pytest.mark.integration

# sample_data/README.md: an element near slice 12 fails 68 days before the end, one near slice 4
# from 520 to 445 days before it.
[REPAIRED, FAILING] = SOUTH_SCANNER.history.failures


@pytest.fixture(scope="module")
def graphite(graphite_environment, tmp_path_factory):
    with graphite_with_years(tmp_path_factory.mktemp("graphite"), graphite_environment) as running:
        yield running


@pytest.fixture
def report(graphite, tmp_path, tmp_path_factory, monkeypatch):
    """Runs `hops report` in an empty folder; later options win over those it gives."""
    monkeypatch.chdir(tmp_path)

    def report(*options, url=graphite.url):
        return hops(*arguments(tmp_path_factory.mktemp("diamond"), url, *options))

    return report


def arguments(folder, url, *options):
    conf = configuration(folder, url)
    return ["report", "-c", str(conf), "--until", str(LAST_DAY), "--location", SOUTH, *options]


def run(graphite, folder, *options):
    """The same in a process of its own."""
    command = [sys.executable, "-m", "hops", *arguments(folder, graphite.url, *options)]
    wide = {**os.environ, "COLUMNS": "400"}
    return subprocess.run(command, cwd=folder, env=wide, capture_output=True, text=True)


@pytest.fixture(scope="module")
def years(graphite, tmp_path_factory):
    """A report of both coils as people get it, and its file."""
    folder = tmp_path_factory.mktemp("years")
    return run(graphite, folder, "-o", "report.pdf"), folder / "report.pdf"


@pytest.fixture(scope="module")
def told(graphite, tmp_path_factory):
    """The same as programs get it, and its file."""
    folder = tmp_path_factory.mktemp("told")
    done = run(graphite, folder, "-o", "report.pdf", "--json")
    return json.loads(done.stdout), folder / "report.pdf"


def notebook(graphite):
    return Notebook(GraphiteWeb.at(graphite.url), Path("/nowhere"))


def scanner(graphite, location):
    """What Graphite has of a scanner, whatever machine its collector ran on."""
    return Scanner(notebook(graphite), "servers.*.StabilityCollector", location)


def words_of(done, coil):
    """The headline and the sentences on a coil."""
    [told] = re.findall(rf"coil {coil}: (.*\n(?:  .*\n)*)", done.stdout)
    return told.splitlines()


def test_names_the_failing_element(years):
    done, file = years
    assert (done.returncode, done.stderr) == (1, "")
    headline, *sentences = words_of(done, "32")
    assert headline.startswith("Out of control: ")
    [slices, *_] = [each for each in sentences if "SNR of coil 32, slices" in each]
    first, last, worst = map(int, re.search(r"slices (\d+)-(\d+): .* slice (\d+)", slices).groups())
    assert first <= 12 <= last
    assert worst in (11, 12, 13)
    assert "below its centre line" in slices
    since = re.search(r"since (\S+)\.$", slices)[1]
    assert str(FAILING.since) <= since <= str(FAILING.since + timedelta(days=30))
    content = file.read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", content)) == 4


def test_the_repaired_element_is_named_in_a_report_of_that_time(report):
    then = REPAIRED.repaired - timedelta(days=1)
    done = report("--coil", "32", "--until", str(then), "-o", "then.png")
    [slices, *_] = [each for each in words_of(done, "32") if "SNR of coil 32, slice" in each]
    assert int(re.search(r"in slice (\d+)", slices)[1]) in (3, 4, 5)


def test_makes_a_picture_of_one_coil_only(report, tmp_path):
    assert report("--coil", "32", "-o", "one.png").stdout.endswith("Written: one.png\n")
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    done = report("-o", "all.png")
    assert done.exit_code == 2
    assert "A PNG has one page: choose a --coil, or write a .pdf." in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]


def test_makes_pages_with_the_words_and_what_graphite_has(graphite, report, tmp_path):
    done = report("--html", "pages")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("Written: pages/index.html\n")
    names = [f"{SOUTH.replace('/', '.')}.{coil}.html" for coil in ("32", "64")]
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == [*names, "index.html"]
    text = html.unescape((tmp_path / "pages" / names[0]).read_text())
    assert all(each.strip() in text for each in words_of(done, "32")[1:])
    path = f"servers.*.StabilityCollector.{SOUTH.replace('/', '.')}.32.SNR.mean.*"
    until = int(time.mktime((LAST_DAY + timedelta(days=1)).timetuple()))
    found = GraphiteWeb.at(graphite.url).series(path, until - 20 * 86400, until).values()
    newest = max(epoch for series in found for epoch in series)
    mean = fmean(series[newest] for series in found if newest in series)
    assert f">{mean:.1f}</td>" in text
    assert f">{mean:.1f}</td>" in (tmp_path / "pages" / "index.html").read_text()


def test_the_same_question_gets_the_same_file(years, told):
    files = [years[1], told[1]]
    # A page says on which day it was made.
    days = {date.fromtimestamp(file.stat().st_mtime) for file in files}
    assert len({file.read_bytes() for file in files}) == len(days)


def test_the_baseline_begins_after_the_service_note(graphite):
    [note] = notebook(graphite).about(NORTH)
    assert note.what == "Service visit: gradients and receiver adjusted"


@pytest.mark.parametrize("location", ["Else/Where/Bay8", "Else.Where.Bay9"])
def test_notes_are_tagged_with_the_location_with_slashes_or_dots(graphite, location):
    event = {"what": "  new\nphantom ", "tags": ["service", location], "when": 1_700_000_000}
    post_event(graphite, event)
    found = notebook(graphite)
    slashed = location.replace(".", "/")
    assert found.about(slashed) == [
        Event(1_700_000_000, "new phantom", frozenset({"service", location}))
    ]
    assert found.about("Else/Where") == []


def test_programs_are_told_the_same(years, told):
    (people, _), (told, _) = years, told
    assert told["files"] == ["report.pdf"]
    assert told["out_of_control"]
    for coil in told["coils"]:
        headline, *sentences = words_of(people, coil["coil"])
        assert coil["headline"] == headline
        assert coil["sentences"] == [sentence.strip() for sentence in sentences]
    weak = told["coils"][0]
    assert (weak["location"], weak["coil"], weak["state"]) == (SOUTH, "32", "out of control")
    snr = weak["quantities"][0]
    assert snr["name"] == "SNR"
    assert snr["newest"] < snr["lower_limit"] < snr["centre"] < snr["upper_limit"]


def test_a_baseline_can_be_chosen(report):
    done = report("--coil", "64", "--baseline", "2025-01-01/2025-06-30", "-o", "chosen.pdf")
    # Since then the ghost of the coil has grown by a tenth a year.
    told = words_of(done, "64")
    assert any("Ghost level of coil 64" in each and "above" in each for each in told)


def test_a_month_is_judged_by_the_limits_that_a_long_report_has(report, tmp_path, told):
    month = json.loads(report("-o", "m", "--from", "2026-11-01", "--csv", "--json").stdout)
    assert month["files"] == [
        f"m/stability-Example-South-Bay2-2026-11-01-to-{LAST_DAY}.{kind}" for kind in ("pdf", "csv")
    ]
    years, _ = told
    assert [coil["scans"] for coil in month["coils"]] == [9, 6]
    for short, long in zip(month["coils"], years["coils"]):
        assert short["scans"] < long["scans"]
        assert short["quantities"][0]["centre"] is not None
        for one, other in zip(short["quantities"], long["quantities"]):
            assert {**one, "scans_beyond": 0} == {**other, "scans_beyond": 0}
    with (tmp_path / month["files"][1]).open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    # Of each quantity the mean and sixteen slices.
    assert len(lines) == (9 + 6) * len(QUANTITIES) * 17
    of_newest = [line for line in lines if line["coil"] == "32" and line["slice"] == "mean"]
    newest = max((line for line in of_newest if line["quantity"] == "SNR"), key=itemgetter("time"))
    snr = month["coils"][0]["quantities"][0]
    assert (float(newest["value"]), newest["beyond_limits"]) == (snr["newest"], "1")
    assert float(newest["lower_limit"]) == pytest.approx(snr["lower_limit"])


def test_all_scanners_are_in_one_pdf_in_a_folder(graphite, tmp_path):
    conf = configuration(tmp_path, graphite.url)
    done = subprocess.run(
        [sys.executable, "-m", "hops", "report", "-c", conf, "--month", "2026-11", "-o", "reports"],
        cwd=tmp_path, capture_output=True, text=True,
    )
    assert done.returncode == 1
    assert done.stdout.endswith("Written: reports/stability-2026-11.pdf\n")
    content = (tmp_path / "reports" / "stability-2026-11.pdf").read_bytes()
    assert len(re.findall(rb"/Type /Page\b", content)) == 6
    assert "Else/Bay1: Graphite has nothing of it yet" in done.stdout
    coils = re.findall(r"^(\S+), coil (\d+): (?:No scan for \d+ days\. )?(.*?):", done.stdout, re.M)
    assert {(NORTH, "64", "In control"), (SOUTH, "32", "Out of control")} <= set(coils)
    assert coils[-1] == (NORTH, "64", "In control")


def test_a_short_baseline_gives_no_limits(report):
    done = report("--coil", "64", "--baseline", "2025-01-01/2025-01-31", "-o", "short.pdf")
    assert done.exit_code == 0
    assert words_of(done, "64")[0].endswith("No control limits yet")


def test_a_scanner_whose_collector_moved_to_another_host_is_one(graphite, report):
    moved = "servers.otherhost.StabilityCollector.Moved.Bay1.32.SNR.mean.1"
    series = {f"{PREFIX}.Moved.Bay1.32.SNR.mean.1": 1_760_000_000, moved: 1_770_000_000}
    with socket.create_connection(("127.0.0.1", graphite.line_port)) as connection:
        lines = [f"{path} 300 {epoch}\n" for path, epoch in series.items()]
        connection.sendall("".join(lines).encode())
    found = scanner(graphite, "Moved/Bay1")
    deadline = time.monotonic() + 600
    period = Period(1_750_000_000, 1_780_000_000)
    while len(found.coil("32", period, int(time.time())).scans) != 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found.coils() == ["32"]
    done = report("--location", "Moved/Bay1", "-o", "moved.pdf", "--json")
    assert json.loads(done.stdout)["coils"][0]["scans"] == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--coil", "20"], "Example/South/Bay2 has no coil '20': choose one of 32, 64."),
        (["--location", "Else/Bay1"], "has nothing under servers.*.StabilityCollector.Else.Bay1:"),
        (
            ["--from", "2020-01-01", "--until", "2020-12-31"],
            "Example/South/Bay2, coil 32, 64, has no values from 2020-01-01 to 2020-12-31: choose",
        ),
        (["-o", "no/such/folder/report.pdf"], "cannot be written (No such file or directory)"),
    ],
)
def test_a_problem_is_one_sentence(report, options, sentence):
    done = report("-o", "report.pdf", *options)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://graphite", "graphite_url: expected an address like http:"),
        ("http://127.0.0.1:1", "does not answer: ["),
        ("", "graphite_url is empty: name graphite-web's address there"),
    ],
)
def test_a_graphite_that_is_not_there_is_one_sentence(report, url, sentence):
    done = report("-o", "report.pdf", url=url)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert (done.stderr.count("\n"), done.stdout) == (1, "")


def test_a_scanner_that_is_not_there_is_told_with_those_that_are(report):
    done = report("-o", "report.pdf", "--location", "Example/South/Bay3")
    assert done.exit_code == 2
    assert "there is no scanner 'Example/South/Bay3' under" in done.stderr
    assert f"{NORTH}, {SOUTH}" in done.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["-o", "report.doc"], "expected a folder, or a name in .pdf, .png; pages"),
        (["-o", "r.pdf", "--from", "2026-12-01"], "--from is after --until"),
        (["-o", "r.pdf", "--from", "yesterday"], "expected a day as in 2026-06-30"),
        (["-o", "r.pdf", "--baseline", "2026"], "expected two dates as in 2026-01-01/2026-06-30"),
        (["-o", "r.pdf", "--baseline", "2026-02-01/2026-01-01"], "expected two dates"),
        (["-o", "r.pdf", "--baseline", "0001-01-01/2026-01-01"], "expected two dates"),
        (["-o", "r.pdf", "--from", "0001-01-01"], "1 is not from 1971 to 2105"),
        (["-o", "r.pdf", "--month", "2026-11"], "leave out --from and --until"),
        (["-o", "r.pdf", "--month", "2026-13"], "expected a month as in 2026-11"),
        ([], "There is nothing to write: choose --output or --html."),
    ],
)
def test_wrong_use_is_told(report, options, sentence):
    done = report(*options)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def stranger():
    """A web server that is no Graphite: its address, after `answer` was set."""

    class Handler(BaseHTTPRequestHandler):
        answer = (200, b"")

        def do_GET(self):
            status, body = self.answer
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.handler = Handler
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((200, b"<html>log in</html>"), "something else than the JSON of a Graphite"),
        ((200, b"{}"), "something else than the JSON of a Graphite"),
        ((200, b"[]"), "has nothing under"),  # as VictoriaMetrics says
        ((200, b'{"results": 3}'), "something else than the JSON of a Graphite"),
        ((502, b"bad gateway"), "answered 502 Bad Gateway"),
        ((401, b"who are you?"), "answered 401 Unauthorized"),
    ],
)
def test_what_is_no_graphite_is_one_sentence(report, stranger, answer, sentence):
    stranger.handler.answer = answer
    address = f"http://user:secret@127.0.0.1:{stranger.server_port}"
    done = report("-o", "report.pdf", url=address)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1
