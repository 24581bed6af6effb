"""Every query of the dashboards and alert rules, asked of a real Graphite that has two years."""

from __future__ import annotations

import json
import re
import socket
import statistics
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_page import Page, ask
from whisper_files import store

import stability_report
from grafana.build import HERE, build
from grafana.variables import Site
from hops.graphiteweb import GraphiteWeb
from hops.quantities import QUANTITIES
from hops.report.data import Scanner
from hops.report.verdict import judge
from lab.diamond import PREFIX, DiamondSite
from lab.graphite import EmbeddedGraphite, Environment
from sample_data.measure import simulate
from sample_data.report import report_text
from sample_data.samples import sample_reports
from sample_data.scanners import NORTH, SOUTH, example_scanners
from sample_data.schedule import schedule

pytestmark = pytest.mark.integration

Json = dict[str, Any]
# {series: {seconds: value}}
Series = dict[str, dict[int, float]]
# {coil: {day: {column of a report: values by slice}}}
Reports = dict[str, dict[date, dict[str, list[float]]]]

UNTIL = date(2026, 11, 20)
DAY = 86400
# The last second of that day, so that all of its history is asked for.
END = int(datetime(2026, 11, 21, tzinfo=timezone.utc).timestamp()) - 1
YEAR_AGO = END + 1 - 365 * DAY
PATIENCE = 120

WEAK = "Example.South.Bay2.32"  # its coil loses an element in the newest weeks
COILS = [f"{place.replace('/', '.')}.{coil}" for place in (NORTH, SOUTH) for coil in (32, 64)]
CHARTED = [WEAK, "Example.North.Bay1.64"]  # what every chart is computed anew for
NOTE = {
    "what": "Coil plug cleaned",
    "tags": ["service", "Example.South.Bay2"],
    "data": "Element 12 is still weak.",
    "when": END - 20 * DAY,
}
COLUMNS = {
    "SNR": "SNR mean",
    "Ghost level": "ghost mean",
    "Drift": "SI P2P[%]",
    "Fluctuation": "SIfit sd[%]",
    "Signal": "SI mean",
    "Fit p0": "fit p[0]",
    "Fit p1": "fit p[1]",
    "Fit p2": "fit p[2]",
    "Fit chi-square": "fit chisq",
}


# -- the Graphite ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, str, datetime, str]]:
    """(coil, file name, time, text) of every report of two years."""
    return [
        (
            f"{scan.scanner.location.replace('/', '.')}.{scan.coil.channels}",
            scan.file_name,
            scan.time,
            report_text(simulate(scan)),
        )
        for scan in schedule(example_scanners(UNTIL), UNTIL)
    ]


@pytest.fixture(scope="module")
def graphite(
    texts: list[tuple[str, str, datetime, str]], graphite_environment: Environment
) -> Iterator[EmbeddedGraphite]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        running = EmbeddedGraphite(
            folder / "graphite",
            graphite_environment,
            carbon_settings={"CARBON_METRIC_INTERVAL": "1"},
        )
        store(running.whisper_dir, points_of(texts))
        with running:
            run_diamond(folder, running.line_port)
            request = urllib.request.Request(f"{running.url}/events/", json.dumps(NOTE).encode())
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
            wait_for(running.url)
            yield running


def points_of(
    texts: list[tuple[str, str, datetime, str]],
) -> Iterator[tuple[str, int, float]]:
    for coil, name, moment, text in texts:
        seconds = stability_report.timestamp(moment, "UTC")
        for p in stability_report.points(stability_report.parse(text, name)):
            yield f"{PREFIX}.{coil}.{p.section}.{p.column}.{p.slice}", seconds, p.number


def run_diamond(folder: Path, port: int) -> None:
    """The collector's metrics about itself, at a location with three levels and nothing else."""
    bay = folder / "bay"
    bay.mkdir()
    for name, data in list(sample_reports().items())[:1]:
        (bay / name).write_bytes(data)
    site = DiamondSite(
        folder / "diamond", {"Example/East/Bay3": bay}, {32: "32"}, port, settle_seconds=0
    )
    site.run_once().wait(PATIENCE)


def wait_for(url: str) -> None:
    """Until the collector's metrics and carbon's are there."""
    now = int(time.time())
    wanted = {
        f"{PREFIX}.Example.East.Bay3.ingest.waiting": now,
        "carbon.agents.*.cache.size": now,
    }
    deadline = time.monotonic() + PATIENCE
    for target, about in wanted.items():
        since = {"from": about - 7200, "until": about + 7200}
        while not any(
            value is not None
            for one in ask(f"{url}/render", target=target, format="json", **since)
            for value, _ in one["datapoints"]
        ):
            assert time.monotonic() < deadline, target
            time.sleep(0.1)


# -- the pages ---------------------------------------------------------------------------------


def load(name: str) -> Json:
    content: Json = json.loads((HERE / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    return content


def opened(name: str, url: str, since: int = YEAR_AGO, until: int = END, **chosen: Any) -> Page:
    return Page(load(name), url, since, until, **chosen)


@pytest.fixture(scope="module")
def scanner(graphite: EmbeddedGraphite) -> dict[tuple[str, str], Series]:
    """{(title, coil): series} of every panel of the scanners' page, with two coils chosen."""
    page = opened("scanner", graphite.url, path=CHARTED)
    return answers(page)


@pytest.fixture(scope="module")
def fleet(graphite: EmbeddedGraphite) -> dict[tuple[str, str], Series]:
    page = opened("fleet", graphite.url, path=COILS)
    return answers(page)


def answers(page: Page, titles: Collection[str] = ()) -> dict[tuple[str, str], Series]:
    """Of the panels with these titles, or of all."""
    return {
        (panel["title"], choices.get("path", "")): {
            name: points
            for series in page.answers(panel, choices)
            for name, points in series.items()
        }
        for panel, choices in page.panels()
        if not titles or panel["title"] in titles
    }


def newest(points: dict[int, float]) -> float:
    return points[max(points)]


# -- an independent computation ------------------------------------------------------------------


@pytest.fixture(scope="module")
def reports(texts: list[tuple[str, str, datetime, str]]) -> Reports:
    """What the reports say, read with nothing of the project; a day's last report counts."""
    found: Reports = defaultdict(dict)
    for coil, _, moment, text in texts:
        columns: dict[str, list[float]] = defaultdict(list)
        for part in text.split("Stability ")[2:]:
            heading, _, header, *rows = part.strip().split("\n")
            section = heading.split()[0]
            for row in rows:
                for name, cell in zip(header.split("\t")[1:], row.split("\t")[1:]):
                    columns[f"{section} {name}"].append(float(cell))
        found[coil][moment.date()] = columns
    return found


def history(values: dict[date, float], day: date) -> list[float]:
    """The values of the 305 days that ended 60 days before."""
    return [
        values[then] for ago in range(60, 365) if (then := day - timedelta(days=ago)) in values
    ]


def day_of(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, timezone.utc).date()


@pytest.mark.parametrize("title", COLUMNS)
@pytest.mark.parametrize("coil", CHARTED)
def test_control_charts_show_the_reports_and_limits_computed_from_them(
    scanner: dict[tuple[str, str], Series], reports: Reports, title: str, coil: str
) -> None:
    chart = scanner[title, coil]
    values = {
        day: statistics.fmean(columns[COLUMNS[title]]) for day, columns in reports[coil].items()
    }
    shown = {day_of(seconds): value for seconds, value in chart[title].items()}
    wanted = {day: value for day, value in values.items() if day >= day_of(YEAR_AGO)}
    assert shown == pytest.approx(wanted)

    beyond = {}
    days = {day_of(seconds): seconds for seconds in chart["centre line"]}
    assert len(days) >= 365
    for day, seconds in days.items():
        if day > UNTIL:  # a day that has not begun
            continue
        centre = chart["centre line"][seconds]
        past = history(values, day)
        mean, sigma = statistics.fmean(past), statistics.pstdev(past)
        assert centre == pytest.approx(mean)
        assert chart["lower limit"][seconds] == pytest.approx(mean - 3 * sigma)
        assert chart["upper limit"][seconds] == pytest.approx(mean + 3 * sigma)
        low, high = mean - 3 * sigma, mean + 3 * sigma
        is_low_bad = title not in ("Ghost level", "Drift", "Fluctuation", "Fit chi-square")
        is_high_bad = title != "SNR"
        if day in values and (
            (is_low_bad and values[day] < low) or (is_high_bad and values[day] > high)
        ):
            beyond[day] = values[day]
    marked = {day_of(seconds): value for seconds, value in chart["out of control"].items()}
    assert marked == pytest.approx(beyond)


@pytest.mark.parametrize("coil", CHARTED)
def test_hops_report_has_the_limits_of_the_newest_scan(
    graphite: EmbeddedGraphite, scanner: dict[tuple[str, str], Series], coil: str
) -> None:
    location, _, name = coil.rpartition(".")
    two_years = (END - 730 * DAY, END)
    scanner_there = Scanner(GraphiteWeb.at(graphite.url), PREFIX, location.replace(".", "/"))
    data = scanner_there.coil(name, *two_years)
    verdict = judge(data)
    day = verdict.newest // DAY * DAY
    for quantity in QUANTITIES:
        limits = verdict.means[quantity].limits
        assert limits is not None
        (title,) = [one for one in COLUMNS if column_of(one) == quantity.column]
        chart = scanner[title, coil]
        assert chart["centre line"][day] == pytest.approx(limits.centre)
        assert chart["lower limit"][day] == pytest.approx(limits.centre - limits.distance)
        assert chart["upper limit"][day] == pytest.approx(limits.upper)


def column_of(title: str) -> str:
    """As in the metric path."""
    section, column = COLUMNS[title].split()
    return f"{section}.{stability_report.column_name(column)}"


def test_points_are_at_the_slots_of_the_scans(
    scanner: dict[tuple[str, str], Series], texts: list[tuple[str, str, datetime, str]]
) -> None:
    slots = {
        seconds - seconds % 3600
        for coil, _, moment, _ in texts
        if coil == WEAK
        and (seconds := int(moment.replace(tzinfo=timezone.utc).timestamp())) > YEAR_AGO
    }
    assert set(scanner["SNR", WEAK]["SNR"]) == slots


def test_the_failing_element_is_seen_and_nothing_else_is_cried_over(
    graphite: EmbeddedGraphite,
) -> None:
    page = opened("scanner", graphite.url, path=COILS)
    shown = answers(page, titles=("SNR", "SNR, slice by week"))
    since = END - 60 * DAY
    marks = {
        coil: [at for at in shown["SNR", coil]["out of control"] if at > since] for coil in COILS
    }
    assert len(marks.pop(WEAK)) >= 15
    assert set(map(tuple, marks.values())) == {()}
    # In the newest whole week the red band lies about slice 12, and nowhere else.
    for coil in COILS:
        cells = shown["SNR, slice by week", coil]
        low = {int(name) for name, points in cells.items() if points[sorted(points)[-2]] < 93}
        assert low <= set(range(9, 15))
        assert (12 in low) == (coil == WEAK)


def test_the_slice_map_is_each_week_in_percent_of_the_slices_own_history(
    scanner: dict[tuple[str, str], Series], reports: Reports
) -> None:
    cells = scanner["SNR, slice by week", WEAK]
    assert list(cells) == [str(number) for number in range(1, 17)]
    weeks: dict[int, list[float]] = defaultdict(list)
    for day, columns in reports[WEAK].items():
        seconds = int(datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp())
        weeks[seconds - seconds % (7 * DAY)].append(columns["SNR mean"][11])
    means = {week: statistics.fmean(values) for week, values in weeks.items()}
    shown = cells["12"]
    assert len(shown) >= 52
    # Of the week that is not over, the history's newest week is not either.
    for week in sorted(shown)[:-1]:
        past = [means[then] for ago in range(8, 52) if (then := week - ago * 7 * DAY) in means]
        assert shown[week] == pytest.approx(100 * means[week] / statistics.fmean(past))


def test_every_panel_of_the_scanners_page_has_data(
    scanner: dict[tuple[str, str], Series],
) -> None:
    for (title, coil), series in scanner.items():
        empty = {name for name, points in series.items() if not points}
        assert empty <= {"out of control"}, (title, coil)
        assert len(series) >= (16 if "slice" in title else 2), (title, coil)


def test_the_fleet_shows_the_last_scan_and_its_distance_from_the_centre_line(
    fleet: dict[tuple[str, str], Series],
    scanner: dict[tuple[str, str], Series],
    texts: list[tuple[str, str, datetime, str]],
) -> None:
    for coil in CHARTED:
        for title in ("SNR", "Ghost level", "Drift", "Fluctuation"):
            chart = scanner[title, coil]
            value = newest(chart[title])
            assert newest(fleet[title, coil]["last scan"]) == value
            day = max(chart[title]) // DAY * DAY
            sigma = (chart["upper limit"][day] - chart["centre line"][day]) / 3
            distance = (value - chart["centre line"][day]) / sigma
            assert newest(fleet[title, coil]["from centre line"]) == pytest.approx(distance)
        last = max(moment for one, _, moment, _ in texts if one == coil)
        scanned = int(last.replace(tzinfo=timezone.utc).timestamp())
        # To within a slot, which is an hour, at either end.
        assert newest(fleet["Last scan", coil]["ago"]) == pytest.approx(END - scanned, abs=7200)


def test_chosen_slices_are_averaged_alone(graphite: EmbeddedGraphite, reports: Reports) -> None:
    page = opened("scanner", graphite.url, path=[WEAK], slice=["3", "12"])
    panel, choices = next(one for one in page.panels() if one[0]["title"] == "SNR")
    shown = page.answers(panel, choices)[0]["SNR"]
    wanted = [columns["SNR mean"] for columns in reports[WEAK].values()][-1]
    assert newest(shown) == pytest.approx((wanted[2] + wanted[11]) / 2)


# -- choices and notes ---------------------------------------------------------------------------


def test_choices_are_offered_without_a_click(graphite: EmbeddedGraphite) -> None:
    fleet = opened("fleet", graphite.url)
    east = [coil for coil in fleet.options["path"] if ".East." in coil]
    assert fleet.values["path"] == sorted([*COILS, *east])
    scanner = opened("scanner", graphite.url)
    assert scanner.values["path"] == fleet.values["path"][:1]
    assert scanner.values["slice"] == "*"
    assert scanner.options["slice"] == [str(number) for number in range(1, 17)]
    ingest = opened("ingest", graphite.url)
    assert ingest.options["scanner"] == ["Bay3"]


def test_each_choice_offers_what_those_before_it_leave(graphite: EmbeddedGraphite) -> None:
    page = opened("scanner", graphite.url, site=["Example"], building=["North", "South"])
    assert page.options["site"] == ["Example"]
    assert page.options["building"] == ["East", "North", "South"]
    assert page.options["scanner"] == ["Bay1", "Bay2"]
    assert page.options["coil"] == ["32", "64"]
    assert page.options["path"] == sorted(COILS)
    page = opened("scanner", graphite.url, scanner=["Bay1", "Bay2"], coil=["32"])
    assert page.options["path"] == [coil for coil in sorted(COILS) if coil.endswith(".32")]


def test_a_location_without_coils_is_a_choice_of_the_ingest_page_alone(
    graphite: EmbeddedGraphite,
) -> None:
    names = ("Full.Building.Bay1.32.SNR.mean.1", "Empty.Building.Bay2.ingest.waiting")
    with socket.create_connection(("127.0.0.1", graphite.line_port)) as carbon:
        for name in names:
            carbon.sendall(f"other.host.StabilityCollector.{name} 7 {END - DAY}\n".encode())
    deadline = time.monotonic() + PATIENCE
    while True:
        pages = [opened(name, graphite.url, prefix="other.*") for name in ("ingest", "fleet")]
        if all(page.options["site"] for page in pages):
            break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    ingest, fleet = pages
    assert ingest.options["site"] == ["Empty"]
    assert fleet.options["site"] == ["Full"]
    assert fleet.options["path"] == ["Full.Building.Bay1.32"]


def test_notes_of_the_chosen_scanner_are_shown(graphite: EmbeddedGraphite) -> None:
    for coil, found in ((WEAK, 1), (COILS[0], 0)):
        page = opened("scanner", graphite.url, path=[coil])
        assert page.values["location"] == coil.rpartition(".")[0]
        here, everywhere = page.dashboard["annotations"]["list"]
        assert len(page.notes(here)) == found
        (note,) = page.notes(everywhere)
        assert (note["what"], note["when"], note["tags"]) == (
            NOTE["what"],
            NOTE["when"],
            NOTE["tags"],
        )


def test_notes_of_all_scanners_can_be_shown_where_several_are_chosen(
    graphite: EmbeddedGraphite,
) -> None:
    page = opened("scanner", graphite.url, path=[COILS[0], WEAK])
    here, everywhere = page.dashboard["annotations"]["list"]
    assert (len(page.notes(here)), len(page.notes(everywhere))) == (0, 1)


@pytest.mark.parametrize(
    ("location", "levels"),
    [
        ("Bay1", ("scanner",)),
        ("Site/Bay1", ("site", "scanner")),
        ("Site/Building/Floor/Bay1", ("site", "building", "floor", "scanner")),
    ],
)
def test_locations_of_other_levels_and_prefixes_are_found(
    graphite: EmbeddedGraphite, location: str, levels: tuple[str, ...]
) -> None:
    prefix = f"diamond.{location.count('/')}.*"
    path = f"diamond.{location.count('/')}.host.StabilityCollector.{location.replace('/', '.')}"
    with socket.create_connection(("127.0.0.1", graphite.line_port)) as carbon:
        for name in ("32.SNR.mean.1", "32.ghost.mean.1", "ingest.unconfirmed"):
            carbon.sendall(f"{path}.{name} 7 {END - DAY}\n".encode())
    site = build(Site(prefix, levels))
    deadline = time.monotonic() + PATIENCE
    while True:
        page = Page(json.loads(site["dashboards/fleet.json"]), graphite.url, YEAR_AGO, END)
        named = {
            rule["uid"]: names_of(asked(graphite.url, rule))
            for rule in rules_of(site["provisioning/alerting/hops.yaml"])
        }
        # The choices are asked for one after the other, and the series may come in between.
        is_offered = all(page.options[level] for level in (*levels, "path"))
        if is_offered and named["hops-ghost-level"] and named["hops-unconfirmed"]:
            break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    dotted = location.replace("/", ".")
    assert page.values["path"] == [f"{dotted}.32"]
    assert [page.options[level] for level in levels] == [[part] for part in location.split("/")]
    assert newest(answers(page)["SNR", f"{dotted}.32"]["last scan"]) == 7
    assert named["hops-ghost-level"] == [f"{dotted}.32"]


# -- ingest and alerts ---------------------------------------------------------------------------


def test_every_panel_of_the_ingest_page_has_data(graphite: EmbeddedGraphite) -> None:
    now = int(time.time())
    page = opened("ingest", graphite.url, since=now - 7 * DAY, until=now + 3600)
    for (title, _), series in answers(page).items():
        assert any(series.values()), title
        names = set(series)
        assert names == {"Example.East.Bay3"} or "." not in "".join(names), title


def rules_of(text: str) -> list[Json]:
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


RULES = rules_of((HERE / "provisioning/alerting/hops.yaml").read_text(encoding="utf-8"))


def asked(url: str, rule: Json, now: int = END) -> list[Json]:
    """The series that the rule's query finds, as Grafana's backend asks for them."""
    step = rule["data"][0]
    series: list[Json] = ask(
        f"{url}/render",
        target=step["model"]["target"],
        format="json",
        until=now,
        maxDataPoints=500,
        **{"from": now - step["relativeTimeRange"]["from"]},
    )
    return series


def names_of(series: list[Json]) -> list[str]:
    """What the rule's texts call the series: the template's two replacements."""
    names = [re.sub(r"^.*StabilityCollector\.", "", one["tags"]["name"]) for one in series]
    return sorted(re.sub(r"\.(SNR|SI|SIfit|ghost|ingest)\..*", "", name) for name in names)


def firing(series: list[Json], rule: Json) -> set[str]:
    """The series beyond the rule's limit: the last value that is a number, and the comparison."""
    evaluator = rule["data"][2]["model"]["conditions"][0]["evaluator"]
    (limit,) = evaluator["params"]
    found = set()
    for one in series:
        values = [value for value, _ in one["datapoints"] if value is not None]
        if values and (values[-1] < limit if evaluator["type"] == "lt" else values[-1] > limit):
            found.update(names_of([one]))
    return found


def test_rules_on_scans_fire_for_the_coil_that_is_out_of_control(
    graphite: EmbeddedGraphite, fleet: dict[tuple[str, str], Series]
) -> None:
    titles = {
        "SNR out of control": "SNR",
        "Ghost level out of control": "Ghost level",
        "Drift out of control": "Drift",
        "Fluctuation out of control": "Fluctuation",
    }
    rules = {rule["title"]: rule for rule in RULES}
    for rule_title, title in titles.items():
        series = asked(graphite.url, rules[rule_title])
        assert [name for name in names_of(series) if ".East." not in name] == sorted(COILS)
        distances = {coil: newest(fleet[title, coil]["from centre line"]) for coil in COILS}
        out = {c for c, far in distances.items() if (far < -3 if title == "SNR" else far > 3)}
        assert firing(series, rules[rule_title]) == out
    assert WEAK in firing(
        asked(graphite.url, rules["SNR out of control"]), rules["SNR out of control"]
    )


def test_the_rule_on_the_ghost_level_fires_above_its_limit(
    graphite: EmbeddedGraphite, fleet: dict[tuple[str, str], Series]
) -> None:
    (rule,) = [rule for rule in RULES if rule["uid"] == "hops-ghost-level"]
    high = {coil for coil in COILS if newest(fleet["Ghost level", coil]["last scan"]) > 3}
    assert firing(asked(graphite.url, rule), rule) == high == {WEAK}


@pytest.mark.parametrize(("uid", "is_firing"), [("hops-no-scan", True), ("hops-rejected", False)])
def test_rules_on_ingest_look_at_what_the_collector_says(
    graphite: EmbeddedGraphite, uid: str, is_firing: bool
) -> None:
    (rule,) = [rule for rule in RULES if rule["uid"] == uid]
    series = asked(graphite.url, rule, int(time.time()) + 3600)
    assert names_of(series) == ["Example.East.Bay3"]
    assert firing(series, rule) == ({"Example.East.Bay3"} if is_firing else set())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["uid"])
def test_series_of_a_rule_differ_in_their_labels(graphite: EmbeddedGraphite, rule: Json) -> None:
    """Grafana takes Graphite's tags for labels, and alerts for each set of labels once."""
    tags = [tuple(sorted(one["tags"].items())) for one in asked(graphite.url, rule)]
    assert len(tags) == len(set(tags))
