"""VictoriaMetrics gets what carbon gets, set up as docs/how-to/use-victoriametrics.md says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from statistics import mean
from urllib.parse import urlencode

import pytest
from beside import real_report
from delivery import PREFIX, Bay, count, missing, site_of, wait_until
from programs import ROOT, run
from render import Server
from stores import VictoriaMetrics as StandIn

from lab.diamond import DiamondSite
from lab.graphite import EmbeddedGraphite
from lab.ports import choose_ports
from lab.processes import Daemon
from sample_data.scanners import NORTH

pytestmark = pytest.mark.integration

SAMPLES = sorted((ROOT / "sample_data" / "reports").glob("*.txt"))
PAGE = (ROOT / "docs" / "how-to" / "use-victoriametrics.md").read_text(encoding="utf-8")
SERIES = f"{PREFIX}.{NORTH.replace('/', '.')}.*.*.*.*"
STOP_PATIENCE = 60
DAY = 86400

# From metric path to epoch to the values there.
Kept = dict[str, dict[int, list[float]]]


def block(language: str, word: str) -> str:
    """The block of the page in which a word is."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if word in text]
    return str(found)


class VictoriaMetrics:
    """One of a test's own, empty at first, with the options of the page.

    Attributes: `line_port`, where it takes Graphite's lines; `address`, where it is asked; `log`.
    """

    def __init__(self, folder: Path) -> None:
        ports = choose_ports(None)
        self.line_port = ports.line
        self.address = f"127.0.0.1:{ports.web}"
        self.log = folder / "victoria-metrics.log"
        options = re.search('"(.*)"', block("ini", "ARGS"))
        assert options
        here = {
            "/var/lib/victoria-metrics": str(folder / "victoria-metrics"),
            "127.0.0.1:2103": f"127.0.0.1:{self.line_port}",
            "127.0.0.1:8428": self.address,
        }
        self._command = ["victoria-metrics", *replaced(options[1], here).split()]
        self._web = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __enter__(self) -> VictoriaMetrics:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        try:
            wait_until(self._answers, self.log)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_PATIENCE)
        self._process.kill()
        self._process.wait()

    def ask(self, path: str, **query: str) -> str:
        """What it answers."""
        url = f"http://{self.address}{path}?{urlencode(query)}"
        with self._web.open(url, timeout=STOP_PATIENCE) as answer:
            return str(answer.read().decode())

    def kept(self) -> Kept:
        """All that it has of the scanner's coils."""
        self.ask("/internal/force_flush")
        found: Kept = defaultdict(lambda: defaultdict(list))
        for line in self.ask("/api/v1/export", **{"match[]": selector(SERIES)}).splitlines():
            series = json.loads(line)
            for milliseconds, value in zip(series["timestamps"], series["values"]):
                assert milliseconds % 1000 == 0
                found[series["metric"]["__name__"]][milliseconds // 1000].append(value)
        return found

    def received(self) -> int:
        """How many points have come, whether they are kept or not."""
        (points,) = re.findall(
            r'^vm_rows_inserted_total{type="graphite"} (\d+)$', self.ask("/metrics"), re.MULTILINE
        )
        return int(points)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        with suppress(OSError):
            return self.ask("/health") == "OK"
        return False


def selector(pattern: str) -> str:
    return f'{{__graphite__="{pattern}"}}'


def replaced(text: str, here: Mapping[str, str]) -> str:
    for place, ours in here.items():
        assert place in text
        text = text.replace(place, ours)
    return text


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[VictoriaMetrics]:
    if not shutil.which("victoria-metrics"):
        pytest.skip("there is no VictoriaMetrics: on Debian, apt-get install victoria-metrics")
    with VictoriaMetrics(tmp_path) as running:
        yield running


@pytest.fixture
def bay(tmp_path: Path) -> Bay:
    return Bay(tmp_path)


def put(bay: Bay, *reports: Path) -> None:
    """Puts reports into the scanner's folder, as they are."""
    for report in reports:
        bay.note(Path(shutil.copy2(report, bay.folder)))


def site(folder: Path, bay: Bay, port: int, **settings: object) -> DiamondSite:
    return DiamondSite(
        folder / "diamond",
        {NORTH: bay.folder},
        {32: "32", 64: "64"},
        port,
        **{"interval": 5, "timezone": "UTC", "settle_seconds": 0, **settings},
    )


def check_that_all_comes_back(bay: Bay, victoria: VictoriaMetrics, folder: Path) -> None:
    diamond = site(folder, bay, victoria.line_port)
    assert diamond.run_once().wait() == 0
    assert bay.archived() == bay.sent
    check_that_all_is_kept(bay, victoria, diamond)


def check_that_all_is_kept(bay: Bay, victoria: VictoriaMetrics, diamond: DiamondSite) -> None:
    """And nothing else."""
    wanted = count(bay.wanted)
    wait_until(lambda: sum(map(len, victoria.kept().values())) >= wanted, diamond.log)
    assert victoria.kept() == {
        path: {epoch: [value] for epoch, value in values.items()}
        for path, values in bay.wanted.items()
    }


def test_every_number_of_the_samples_comes_back_as_it_is_in_the_report(
    bay: Bay, victoria: VictoriaMetrics, tmp_path: Path
) -> None:
    put(bay, *SAMPLES)
    check_that_all_comes_back(bay, victoria, tmp_path)


def test_every_number_of_a_real_report_comes_back_as_it_is_in_the_report(
    bay: Bay, victoria: VictoriaMetrics, tmp_path: Path
) -> None:
    put(bay, Path(real_report()))
    assert len(bay.wanted) == 448
    check_that_all_comes_back(bay, victoria, tmp_path)


def test_a_report_that_is_sent_twice_is_there_once(
    bay: Bay, victoria: VictoriaMetrics, tmp_path: Path
) -> None:
    put(bay, SAMPLES[0])
    check_that_all_comes_back(bay, victoria, tmp_path)
    put(bay, SAMPLES[0])
    diamond = site(tmp_path, bay, victoria.line_port)
    assert diamond.run_once().wait() == 0
    # The few that the collector sends of itself are there, too.
    wait_until(lambda: victoria.received() >= 2 * count(bay.wanted), diamond.log)
    check_that_all_is_kept(bay, victoria, diamond)


def test_the_query_of_the_page_shows_the_mean_snr_of_each_day(
    bay: Bay, victoria: VictoriaMetrics, tmp_path: Path
) -> None:
    put(bay, *SAMPLES)
    check_that_all_comes_back(bay, victoria, tmp_path)
    answer = json.loads(typed(block("text", "query_range"), victoria, tmp_path))
    (series,) = answer["data"]["result"]
    of_days = defaultdict(list)
    for path, values in bay.wanted.items():
        if ".32.SNR.mean." in path:
            for epoch, value in values.items():
                of_days[epoch - epoch % DAY + DAY].append(value)
    means = {midnight: pytest.approx(mean(values)) for midnight, values in of_days.items()}
    assert {midnight: float(value) for midnight, value in series["values"]} == means


def test_with_it_as_graphite_url_reports_stay_and_the_log_says_what_to_do(
    bay: Bay, victoria: VictoriaMetrics, tmp_path: Path
) -> None:
    put(bay, *SAMPLES)
    url = f"http://{victoria.address}"
    diamond = Daemon(site(tmp_path, bay, victoria.line_port, graphite_url=url))
    diamond.start()
    try:
        wait_until(
            lambda: re.search(
                r"reports? published, and kept until Graphite shows all: put graphite_url "
                r"right; .* answered 400 Bad Request$",
                diamond.site.log.read_text(),
                re.MULTILINE,
            ),
            diamond.site.log,
        )
    finally:
        diamond.stop()
    assert bay.archived() == {}
    assert {path.name for path in bay.folder.iterdir()} == bay.sent.keys()


def test_a_later_one_that_answers_as_a_graphite_confirms_every_report(
    bay: Bay, victoria: VictoriaMetrics, later: str, tmp_path: Path
) -> None:
    put(bay, *SAMPLES)
    diamond = site(tmp_path, bay, victoria.line_port, graphite_url=later, confirm_seconds=0)
    assert diamond.run_once().wait() == 0
    assert bay.archived() == bay.sent
    check_that_all_is_kept(bay, victoria, diamond)
    run([sys.executable, "-m", "hops", "audit", "-c", str(diamond.conf)])


@pytest.fixture
def later(victoria: VictoriaMetrics) -> Iterator[str]:
    """The address of what answers as one with a render API, from what this one has."""

    def points() -> dict[str, dict[int, float]]:
        return {
            path: {epoch: values[-1] for epoch, values in of_path.items()}
            for path, of_path in victoria.kept().items()
        }

    server = Server()
    server.answer = StandIn(points)
    yield server.url
    server.end()


def test_beside_a_graphite_it_gets_the_same_points_and_what_it_lacks_can_be_sent_again(
    bay: Bay, victoria: VictoriaMetrics, graphite: EmbeddedGraphite, tmp_path: Path
) -> None:
    put(bay, *SAMPLES)
    diamond = site_of(tmp_path / "diamond", [bay], graphite, {})
    send_also_to(victoria, diamond)
    assert diamond.run_once().wait() == 0
    assert bay.archived() == bay.sent
    assert missing(bay, graphite) == []
    check_that_all_is_kept(bay, victoria, diamond)

    wait_until(lambda: not lacking(bay, victoria, tmp_path), victoria.log)
    path, epochs = next(iter(bay.wanted.items()))
    victoria.ask("/api/v1/admin/tsdb/delete_series", **{"match[]": selector(path)})
    lines = [line.split() for line in lacking(bay, victoria, tmp_path)]
    assert {name for name, _, _ in lines} == {path.partition(".StabilityCollector.")[2]}
    assert {int(epoch): float(value) for _, value, epoch in lines} == epochs

    days = ["--location", NORTH, "--from", "2026-03-01", "--yes"]
    run([sys.executable, "-m", "hops", "reingest", "-c", str(diamond.conf), *days])
    assert diamond.run_once().wait() == 0
    assert bay.archived() == bay.sent
    check_that_all_is_kept(bay, victoria, diamond)
    wait_until(lambda: not lacking(bay, victoria, tmp_path), victoria.log)


def send_also_to(victoria: VictoriaMetrics, diamond: DiamondSite) -> None:
    """Changes Diamond's configuration as the page says."""
    handlers = block("ini", "handlers =")
    settings = replaced(block("ini", "host ="), {"port = 2103": f"port = {victoria.line_port}"})
    text = re.sub("^handlers = .*\n", handlers, diamond.conf.read_text(), count=1, flags=re.M)
    text = replaced(
        text, {"[[default]]\n[[G": f"[[default]]\n[[MultiGraphiteHandler]]\n{settings}[[G"}
    )
    diamond.conf.write_text(text)


def lacking(bay: Bay, victoria: VictoriaMetrics, folder: Path) -> list[str]:
    """What the page's check prints; what has just come is not shown to it at once."""
    here = {
        "stability_report.py": str(ROOT / "stability_report.py"),
        "--location Harvard/Northwest/Bay1": f"--location {NORTH}",
        "America/New_York": "UTC",
        "/mnt/scanner/bay1": str(bay.folder),
    }
    return typed(replaced(block("text", "comm"), here), victoria, folder).splitlines()


def typed(commands: str, victoria: VictoriaMetrics, folder: Path) -> str:
    """What the page's commands print about our scanner in our VictoriaMetrics."""
    here = {
        "127.0.0.1:8428": victoria.address,
        ".Harvard.Northwest.Bay1.": f".{NORTH.replace('/', '.')}.",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", replaced(commands, here)],
        cwd=folder,
        env={**os.environ, "no_proxy": "127.0.0.1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout
