"""Every query of the dashboards and alert rules, asked of a real Graphite."""

from __future__ import annotations

import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_page import Page, ask
from whisper_files import store

from grafana.build import HERE, build
from grafana.variables import Site
from hops.quantities import FIT, QUANTITIES, WATCHED
from lab.diamond import PREFIX
from lab.graphite import EmbeddedGraphite, Environment

pytestmark = pytest.mark.integration

Json = dict[str, Any]
Points = Iterator[tuple[str, int, float]]
# {series: {seconds: value}}
Series = dict[str, dict[int, float]]

HOUR, DAY = 3600, 86400
MINUTES = [(60, 30 * DAY // 60)]
NOW = int(time.time()) // HOUR * HOUR
SCANS = [NOW - 5 * HOUR - ago * DAY for ago in reversed(range(40))]
SLICES = range(1, 4)

WEAK = "Example.South.Bay2.32"  # out of control in the newest scan
NEW = "Example.North.Bay1.64"  # is learning
TAKEN_BACK = "Example.North.Bay1.32"  # a note was written late: its limits are -1 before it
COILS = [TAKEN_BACK, NEW, "Example.South.Bay2.8", WEAK]
SILENT = "Example.East.Bay3"  # has no coils, and a collector that ended yesterday
LOCATIONS = ["Example.North.Bay1", "Example.South.Bay2", SILENT]
NOTE = {"what": "Coil plug cleaned", "tags": ["service", "Example.South.Bay2"], "when": SCANS[20]}


# -- the Graphite ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graphite(graphite_environment: Environment) -> Iterator[EmbeddedGraphite]:
    with tempfile.TemporaryDirectory() as name:
        running = EmbeddedGraphite(Path(name), graphite_environment)
        store(running.whisper_dir, [*reports(), *judged(), *of_carbon(), *elsewhere()])
        store(running.whisper_dir, of_the_collector(), MINUTES)
        with running:
            request = urllib.request.Request(f"{running.url}/events/", json.dumps(NOTE).encode())
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
            yield running


def reports() -> Points:
    for coil in COILS:
        columns = {column for each in (*QUANTITIES, *FIT) for column in each.columns}
        for column in ("SI.sdpct", "SIfit.P2Ppct", *columns):
            for number in SLICES:
                for index, epoch in enumerate(SCANS):
                    yield f"{PREFIX}.{coil}.{column}.{number}", epoch, 100 * number + index


def judged() -> Points:
    """What a judge has stored; the newest scan of the weak coil is beyond every limit."""
    for coil in COILS:
        location, _, name = coil.rpartition(".")
        of_coil = f"{PREFIX}.{location}.control.{name}"
        for hour in range(48):
            then = NOW - hour * HOUR
            yield f"{of_coil}.seconds_since_last_scan", then, then - SCANS[-1]
            yield f"{of_coil}.days_to_learn", then, 7 if coil == NEW else 0
            yield f"{of_coil}.out_of_control", then, 4 if coil == WEAK else 0
            yield f"{of_coil}.slow_changes", then, 5 if coil == WEAK else 0
        for quantity in QUANTITIES:
            for epoch in SCANS:
                is_out = coil == WEAK and epoch == SCANS[-1]
                side = (int(quantity.bad) or 1) * is_out
                for what, value in judgement(coil, side, epoch).items():
                    yield f"{of_coil}.{quantity.column}.{what}", epoch, value


NO_SLOPE = {"slope": 0, "slope_margin": 0}


def judgement(coil: str, side: int, epoch: int) -> dict[str, float]:
    """Of a scan that is 10 below (-1) its centre line of 50, above it (1) or on it."""
    value = 50 + 10 * side
    if coil == NEW:
        return {"value": value, "sigmas": 0, "ewma_sigmas": 0, "slices.1": 0, **NO_SLOPE}
    limits = {"centre": 50.0, "lower": 44.0, "upper": 56.0}
    if coil == TAKEN_BACK and epoch < SCANS[20]:
        limits = dict.fromkeys((*limits, "beyond"), -1.0)
    found = {"value": value, "sigmas": 5 * side, "limit": 59, "over_limit": value - 59, **limits}
    found |= {"ewma": value, "ewma_sigmas": 6 * side, **NO_SLOPE}
    found |= {f"slices.{number}": 5 * side for number in SLICES}
    return {**found, "beyond": value, "ewma_beyond": value} if side else found


def of_the_collector() -> Points:
    names = ("ingested", "rejected", "waiting", "unconfirmed", "unreadable")
    seconds = ("stuck_seconds", "oldest_waiting_seconds", "seconds_since_last_scan")
    for location in LOCATIONS:
        for hour in range(20 if location == SILENT else 0, 60):
            for name in (*names, *seconds):
                is_old = location == SILENT and name == "seconds_since_last_scan"
                yield f"{PREFIX}.{location}.ingest.{name}", NOW - hour * HOUR, 9 * DAY * is_old


def of_carbon() -> Points:
    names = ("metricsReceived", "committedPoints", "creates", "droppedCreates", "errors")
    for name in (*names, "cache.size", "cache.overflow"):
        yield f"carbon.agents.here-a.{name}", NOW - HOUR, 1
    of_go_carbon = ("tcp.metricsReceived", "persister.committedPoints", "persister.created")
    for name in (*of_go_carbon, "tcp.errors", "cache.size", "cache.overflow"):
        yield f"carbon.agents.there.{name}", NOW - HOUR, 1


def elsewhere() -> Points:
    """Locations of other levels, under other prefixes."""
    for location in ("Bay1", "Site.Bay1", "Site.Building.Floor.Bay1"):
        path = f"other{location.count('.')}.host.StabilityCollector.{location}"
        yield f"{path}.32.SNR.mean.1", SCANS[-1], 7
        yield f"{path}.control.32.SNR.mean.sigmas", SCANS[-1], -7
        yield f"{path}.control.32.SNR.mean.value", SCANS[-1], 7
        yield f"{path}.ingest.unconfirmed", NOW - HOUR, 7


# -- the pages ---------------------------------------------------------------------------------


def opened(name: str, url: str, built_for: Site | None = None, **chosen: Any) -> Page:
    board = json.loads(build(built_for or Site())[f"dashboards/{name}.json"])
    return Page(board, url, NOW - 90 * DAY, NOW, **chosen)


def scanner_of(url: str, coil: str) -> Page:
    names = dict(zip(("site", "building", "scanner", "coil"), coil.split(".")))
    return opened("scanner", url, **{**names, "coil": [names["coil"]]})


def answers(page: Page) -> dict[str, Series]:
    """{title: series} of every panel."""
    return {
        panel["title"]: {
            name: points
            for series in page.answers(panel, choices)
            for name, points in series.items()
        }
        for panel, choices in page.panels()
    }


@pytest.mark.parametrize("name", ["fleet", "ingest", "scanner"])
def test_every_panel_has_data(graphite: EmbeddedGraphite, name: str) -> None:
    page = scanner_of(graphite.url, WEAK) if name == "scanner" else opened(name, graphite.url)
    for title, series in answers(page).items():
        assert series, title
        assert all(series.values()), title


def test_carbon_and_go_carbon_are_lines_of_the_same_panels(graphite: EmbeddedGraphite) -> None:
    shown = answers(opened("ingest", graphite.url))
    for title in ("Points received", "Points written", "Series created", "Points in the cache"):
        assert set(shown[title]) == {"here-a", "there"}, title


def test_a_control_chart_is_drawn_from_the_stored_series(graphite: EmbeddedGraphite) -> None:
    shown = answers(scanner_of(graphite.url, WEAK))
    for title, value in (("SNR", 40), ("Ghost level", 60), ("Drift", 60), ("Fluctuation", 60)):
        chart = shown[title]
        average = {"ewma", "ewma_beyond"}
        assert set(chart) == {"value", "centre", "lower", "upper", *average, "beyond", "limit"}
        assert chart["ewma_beyond"] == chart["beyond"]
        assert set(chart["value"]) == set(chart["centre"]) == set(SCANS)
        assert (chart["lower"][SCANS[0]], chart["upper"][SCANS[0]]) == (44, 56)
        # A dot lies on the point that it is about.
        assert chart["beyond"] == {SCANS[-1]: value} == {SCANS[-1]: chart["value"][SCANS[-1]]}


def test_limits_that_were_taken_back_are_not_drawn(graphite: EmbeddedGraphite) -> None:
    chart = answers(scanner_of(graphite.url, TAKEN_BACK))["SNR"]
    assert set(chart["value"]) == set(SCANS)
    assert set(chart["centre"]) == set(chart["lower"]) == set(chart["upper"]) == set(SCANS[20:])
    assert not chart["beyond"]


def test_a_coil_that_learns_has_values_and_no_limits(graphite: EmbeddedGraphite) -> None:
    shown = answers(scanner_of(graphite.url, NEW))
    assert set(shown["SNR"]) == {"value"}
    assert list(shown["State"]["Days to learn"].values()) == [7]


def test_slices_are_in_their_order_at_the_times_of_the_scans(graphite: EmbeddedGraphite) -> None:
    shown = answers(scanner_of(graphite.url, WEAK))
    bands = shown["SNR, slice by slice"]
    assert list(bands) == [str(number) for number in SLICES]
    assert set(bands["1"]) == set(SCANS)
    assert bands["3"][SCANS[-1]] == -5
    raw = shown["SNR of each slice"]
    assert (list(raw), raw["2"][SCANS[1]]) == (list(bands), 201)


def test_chosen_slices_are_shown_and_averaged_alone(graphite: EmbeddedGraphite) -> None:
    page = scanner_of(graphite.url, WEAK)
    page.values["slice"] = ["1", "3"]
    shown = answers(page)
    assert list(shown["SNR, slice by slice"]) == ["1", "3"]
    assert shown["Fit p0"]["Fit p0"][SCANS[0]] == 200


def test_the_fleet_is_a_table_of_the_newest_values(graphite: EmbeddedGraphite) -> None:
    page = opened("fleet", graphite.url)
    table = answers(page)["Scanners and coils"]
    cells = {}
    for name, points in table.items():
        place = json.loads(name)
        (cells[place["row"], place["column"]],) = points.values()
    choices = "var-site={}&var-building={}&var-scanner={}&var-coil={}"
    rows = {coil: choices.format(*coil.split(".")) for coil in COILS}
    assert {row for row, _ in cells} == set(rows.values())
    assert cells[rows[WEAK], "out_of_control"] == 4
    assert cells[rows[WEAK], "SNR.mean.value"] == 40
    assert cells[rows[WEAK], "SNR.mean.sigmas"] == -5
    assert cells[rows[WEAK], "ghost.mean.sigmas"] == 5
    assert cells[rows[NEW], "days_to_learn"] == 7
    assert cells[rows[NEW], "seconds_since_last_scan"] == 5 * HOUR
    (panel,) = [one for one, _ in page.panels() if one["type"] == "table"]
    columns = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    assert columns - {"Scanner and coil"} <= {column for _, column in cells}


def test_a_single_coil_is_counted_too(graphite: EmbeddedGraphite) -> None:
    page = opened("fleet", graphite.url, scanner="Bay2", coil="32")
    assert [set(each.values()) for each in answers(page)["Coils out of control"].values()] == [{4}]


# -- choices and notes ---------------------------------------------------------------------------


def test_choices_are_offered_without_a_click(graphite: EmbeddedGraphite) -> None:
    fleet = opened("fleet", graphite.url)
    assert fleet.options["scanner"] == ["Bay1", "Bay2"]
    scanner = opened("scanner", graphite.url)
    chosen = [scanner.values[name] for name in ("site", "building", "scanner", "coil", "slice")]
    assert chosen == ["Example", "North", "Bay1", ["32"], "*"]
    assert scanner.options["slice"] == [str(number) for number in SLICES]


def test_each_choice_offers_what_those_before_it_leave(graphite: EmbeddedGraphite) -> None:
    page = opened("scanner", graphite.url, building="South")
    assert page.options["building"] == ["North", "South"]
    assert page.options["scanner"] == ["Bay2"]
    assert page.options["coil"] == ["8", "32"]


def test_a_location_without_coils_is_a_choice_of_the_ingest_page_alone(
    graphite: EmbeddedGraphite,
) -> None:
    assert "Bay3" in opened("ingest", graphite.url).options["scanner"]
    assert "Bay3" not in opened("fleet", graphite.url).options["scanner"]


def test_notes_of_the_chosen_scanner_are_shown(graphite: EmbeddedGraphite) -> None:
    for coil, found in ((WEAK, 1), (NEW, 0)):
        page = scanner_of(graphite.url, coil)
        here, everywhere = page.dashboard["annotations"]["list"]
        assert len(page.notes(here)) == found
        (note,) = page.notes(everywhere)
        assert (note["what"], note["when"], note["tags"]) == (
            NOTE["what"],
            NOTE["when"],
            NOTE["tags"],
        )


@pytest.mark.parametrize(
    "levels", [("scanner",), ("site", "scanner"), ("site", "building", "floor", "scanner")]
)
def test_locations_of_other_levels_and_prefixes_are_found(
    graphite: EmbeddedGraphite, levels: tuple[str, ...]
) -> None:
    site = Site(f"other{len(levels) - 1}.*", levels)
    page = opened("fleet", graphite.url, site)
    parts = (
        ["Bay1"]
        if len(levels) == 1
        else ["Site", *["Building", "Floor"][: len(levels) - 2], "Bay1"]
    )
    assert [page.options[level] for level in levels] == [[part] for part in parts]
    choices = [f"var-{level}={part}" for level, part in zip((*levels, "coil"), [*parts, "32"])]
    rows = {json.loads(name)["row"] for name in answers(page)["Scanners and coils"]}
    assert rows == {"&".join(choices)}
    rules = rules_of(build(site)["provisioning/alerting/hops.yaml"])
    assert firing(graphite.url, rules["hops-snr-mean"]) == {f"{'.'.join(parts)}.32"}
    assert firing(graphite.url, rules["hops-unconfirmed"]) == {".".join(parts)}


# -- alerts --------------------------------------------------------------------------------------


def rules_of(text: str) -> dict[str, Json]:
    groups = yaml.safe_load(text)["groups"]
    return {rule["uid"]: rule for group in groups for rule in group["rules"]}


RULES = rules_of((HERE / "provisioning/alerting/hops.yaml").read_text(encoding="utf-8"))


def asked(url: str, rule: Json) -> list[Json]:
    """The series that the rule's query finds, as Grafana's backend asks for them."""
    step = rule["data"][0]
    series: list[Json] = ask(
        f"{url}/render",
        target=f'aliasSub({step["model"]["target"]},"(^.*$)","\\1 A")',
        format="json",
        until=NOW,
        maxDataPoints=500,
        **{"from": NOW - step["relativeTimeRange"]["from"]},
    )
    return series


def firing(url: str, rule: Json) -> set[str]:
    """The coils or locations that it fires for."""
    reducer = rule["data"][1]["model"]["settings"]
    evaluator = rule["data"][2]["model"]["conditions"][0]["evaluator"]
    (limit,) = evaluator["params"]
    found = set()
    for one in asked(url, rule):
        values = [value for value, _ in one["datapoints"]]
        if reducer["mode"] == "dropNN":
            values = [value for value in values if value is not None]
        elif values and values[-1] is None:
            values[-1] = reducer["replaceWithValue"]
        if values and (values[-1] < limit if evaluator["type"] == "lt" else values[-1] > limit):
            found.add(place_of(one))
    return found


def place_of(series: Json) -> str:
    """As the rules' texts take it out of the path in the label `name`."""
    path = series["tags"]["name"].partition("StabilityCollector.")[2]
    location, is_judged, rest = path.partition(".control.")
    return f"{location}.{rest.split('.')[0]}" if is_judged else path.partition(".ingest.")[0]


@pytest.mark.parametrize("slowly", ["", "-ewma"])
@pytest.mark.parametrize("column", [quantity.column for quantity in WATCHED])
def test_a_rule_fires_for_the_coil_that_is_out_of_control_or_changes_slowly(
    graphite: EmbeddedGraphite, column: str, slowly: str
) -> None:
    rule = RULES[f"hops-{column.replace('.', '-').lower()}{slowly}"]
    assert {place_of(one) for one in asked(graphite.url, rule)} == set(COILS)
    assert firing(graphite.url, rule) == {WEAK}


def test_the_sites_own_limit_is_alarmed_for_each_quantity(graphite: EmbeddedGraphite) -> None:
    series = asked(graphite.url, RULES["hops-own-limit"])
    assert len(series) == len(QUANTITIES) * (len(COILS) - 1)
    assert firing(graphite.url, RULES["hops-own-limit"]) == {WEAK}


def test_a_collector_that_ended_yesterday_is_told_of(graphite: EmbeddedGraphite) -> None:
    assert firing(graphite.url, RULES["hops-silence"]) == {SILENT}
    assert firing(graphite.url, RULES["hops-judge-silence"]) == set()


def test_a_scanner_without_a_scan_is_told_of(graphite: EmbeddedGraphite) -> None:
    assert firing(graphite.url, RULES["hops-no-scan"]) == {SILENT}


@pytest.mark.parametrize(
    "uid", ["hops-rejected", "hops-unconfirmed", "hops-unreadable", "hops-stuck"]
)
def test_rules_on_ingest_ask_for_what_the_collector_says(
    graphite: EmbeddedGraphite, uid: str
) -> None:
    assert {"Example.North.Bay1", "Example.South.Bay2"} <= {
        place_of(one) for one in asked(graphite.url, RULES[uid])
    }
    assert firing(graphite.url, RULES[uid]) == set()


@pytest.mark.parametrize("uid", RULES)
def test_series_of_a_rule_differ_in_their_labels(graphite: EmbeddedGraphite, uid: str) -> None:
    """Grafana takes Graphite's tags for labels, and alerts for each set of labels once."""
    tags = [tuple(sorted(one["tags"].items())) for one in asked(graphite.url, RULES[uid])]
    assert tags
    assert len(tags) == len(set(tags))
