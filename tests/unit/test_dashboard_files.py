"""The committed dashboards and provisioning files are what their code makes, and are sound."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.build import HERE, build, main
from grafana.variables import TAKEN, Site

Json = dict[str, Any]

DASHBOARDS = sorted((HERE / "dashboards").glob("*.json"))
PROVISIONING = sorted((HERE / "provisioning").glob("*/*.yaml"))
NAMES = [path.stem for path in DASHBOARDS]
WIDTH = 24

BUILT_IN = re.compile(r"__\w+")
VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+))")


def load(path: Path) -> Json:
    content: Json = json.loads(path.read_text(encoding="utf-8"))
    return content


def every_panel(board: Json) -> list[Json]:
    return [p for panel in board["panels"] for p in (panel, *panel.get("panels", ()))]


def data_panels(board: Json) -> list[Json]:
    return [panel for panel in every_panel(board) if panel["type"] not in ("row", "alertlist")]


def all_queries() -> list[str]:
    """Of every panel and every rule."""
    panels = [panel for path in DASHBOARDS for panel in data_panels(load(path))]
    of_panels = [target["target"] for panel in panels for target in panel["targets"]]
    return [*of_panels, *(rule["data"][0]["model"]["target"] for rule in rules())]


def rules() -> list[Json]:
    content = yaml.safe_load((HERE / "provisioning/alerting/hops.yaml").read_text(encoding="utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


@pytest.fixture(params=DASHBOARDS, ids=NAMES)
def board(request: pytest.FixtureRequest) -> Json:
    return load(request.param)


def test_the_committed_files_are_what_the_code_makes() -> None:
    committed = {
        path.relative_to(HERE).as_posix(): path.read_text(encoding="utf-8")
        for path in (*DASHBOARDS, *PROVISIONING)
    }
    assert committed == build(Site()), "run python -m grafana.build"


def test_a_site_may_have_another_prefix_and_other_levels(tmp_path: Path) -> None:
    main(["--into", str(tmp_path), "--prefix", "diamond.virtual.*", "--levels", "site,bay"])
    board = load(tmp_path / "dashboards" / "fleet.json")
    variables = {one["name"]: one for one in board["templating"]["list"]}
    assert variables["prefix"]["current"]["value"] == "diamond.virtual.*"
    assert list(variables)[:3] == ["site", "bay", "coil"]
    alerting = (tmp_path / "provisioning" / "alerting" / "hops.yaml").read_text(encoding="utf-8")
    assert "diamond.virtual.*.StabilityCollector.*.*.ingest." in alerting
    assert "diamond.virtual.*.StabilityCollector.*.*.control." in alerting
    assert "servers" not in alerting


@pytest.mark.parametrize("levels", ["", "site,,scanner", "site scanner", "coil", "site,site"])
def test_levels_that_cannot_be_variables_are_refused(
    tmp_path: Path, levels: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--into", str(tmp_path), "--levels", levels])
    assert f"argument --levels: {levels!r}: " in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_no_choice_is_called_like_another(board: Json) -> None:
    names = [variable["name"] for variable in board["templating"]["list"]]
    assert len(names) == len(set(names))
    assert set(names) <= {*TAKEN, *Site().levels}


def test_every_panel_says_what_it_shows_in_which_unit(board: Json) -> None:
    for panel in data_panels(board):
        assert panel["title"]
        assert len(panel["description"]) > 20
        field = panel["fieldConfig"]["defaults"]
        assert field["unit"]
        assert isinstance(field["decimals"], int)


def test_every_panel_bounds_the_points_it_asks_for(board: Json) -> None:
    assert all(0 < panel["maxDataPoints"] <= 10000 for panel in data_panels(board))


def test_no_data_source_is_named(board: Json) -> None:
    for node in (*data_panels(board), *board["annotations"]["list"]):
        assert node["datasource"] == {"type": "graphite", "uid": "${datasource}"}
    for panel in data_panels(board):
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])


def test_ids_and_uids_are_unique(board: Json) -> None:
    ids = [panel["id"] for panel in every_panel(board)]
    assert len(ids) == len(set(ids))
    uids = [load(path)["uid"] for path in DASHBOARDS] + [rule["uid"] for rule in rules()]
    assert len(uids) == len(set(uids))
    # Grafana takes no longer ones.
    assert all(len(uid) <= 40 for uid in uids)


def test_queries_of_a_panel_have_letters_of_their_own(board: Json) -> None:
    for panel in data_panels(board):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(letters) == len(set(letters))


def test_panels_lie_side_by_side_on_the_page(board: Json) -> None:
    pages = [board["panels"], *(panel["panels"] for panel in board["panels"] if "panels" in panel)]
    for page in pages:
        places = [panel["gridPos"] for panel in page]
        assert all(at["x"] >= 0 and at["x"] + at["w"] <= WIDTH for at in places)
        for a, b in combinations(places, 2):
            assert (
                a["x"] + a["w"] <= b["x"]
                or b["x"] + b["w"] <= a["x"]
                or a["y"] + a["h"] <= b["y"]
                or b["y"] + b["h"] <= a["y"]
            )


def test_links_lead_to_dashboards_that_are_there_and_set_variables_that_they_have(
    board: Json,
) -> None:
    boards = {one["uid"]: one for one in map(load, DASHBOARDS)}
    for text in texts(data_panels(board)):
        if text.startswith("/d/"):
            uid, _, query = text.removeprefix("/d/").partition("?")
            has = {one["name"] for one in boards[uid]["templating"]["list"]}
            assert set(re.findall(r"var-(\w+)=", query)) <= has
            assert query.endswith("&${__url_time_range}")


def test_every_variable_that_is_used_is_defined(board: Json) -> None:
    defined = {variable["name"] for variable in board["templating"]["list"]}
    for text in texts(board):
        for braced, bare in VARIABLE.findall(text):
            name = braced or bare
            assert name in defined or BUILT_IN.fullmatch(name) or name.isdigit(), text
    assert {panel.get("repeat", "coil") for panel in board["panels"]} <= defined | {"coil"}


def test_no_choice_depends_on_one_that_depends_on_it(board: Json) -> None:
    settled = {"prefix", "datasource"}
    for variable in board["templating"]["list"]:
        asked = f"{variable['query']} {variable.get('regex', '')}"
        assert {braced or bare for braced, bare in VARIABLE.findall(asked)} <= settled
        settled.add(variable["name"])


def test_overrides_are_of_series_that_the_panel_has(board: Json) -> None:
    for panel in data_panels(board):
        asked = " ".join(target["target"] for target in panel["targets"])
        # In a table they are named by transformations.
        named = {*re.findall(r"[\w.]+", asked), *re.findall(r"'([^']*)'\)", asked)}
        steps = json.dumps(panel.get("transformations", []))
        for override in panel["fieldConfig"]["overrides"]:
            name = override["matcher"]["options"]
            assert name in named or f'"{name}"' in steps


# -- what means the same on every store --------------------------------------------------------

FUNCTIONS = {
    "alias",
    "aliasSub",
    "averageSeries",
    "consolidateBy",
    "group",
    "keepLastValue",
    "removeBelowValue",
    "sortByName",
}


def test_queries_are_paths_and_a_few_functions_that_every_store_has() -> None:
    for query in all_queries():
        code = re.sub(r"'[^']*'", "", query)
        assert set(re.findall(r"(\w+)\(", code)) <= FUNCTIONS, query


def test_a_rule_asks_once_for_all_coils() -> None:
    for rule in rules():
        asked = [step for step in rule["data"] if step["datasourceUid"] != "__expr__"]
        assert len(asked) == 1
        assert ".*.*.*." in asked[0]["model"]["target"]


# -- facts of Grafana that are not seen in a file ----------------------------------------------


def test_no_panel_is_a_heat_map_which_turns_colours_round_and_shows_each_value_a_cell_early(
    board: Json,
) -> None:
    assert all(panel["type"] != "heatmap" for panel in data_panels(board))


def test_in_the_map_of_slices_a_low_snr_is_red_the_usual_pale_and_a_high_one_no_fault() -> None:
    board = load(HERE / "dashboards" / "scanner.json")
    (panel,) = [each for each in data_panels(board) if each["type"] == "state-timeline"]
    field = panel["fieldConfig"]["defaults"]
    assert field["color"] == {"mode": "thresholds"}
    colors = [bytes.fromhex(step["color"][1:]) for step in field["thresholds"]["steps"]]
    limits = [step["value"] for step in field["thresholds"]["steps"]]
    usual = next(i for i, limit in enumerate(limits) if limit is not None and -5 < limit < 0)
    for red, green, blue in colors[:usual]:
        assert red > 2 * max(green, blue) or red > green + 100
    assert min(colors[usual]) > 200
    assert all(blue > red for red, _, blue in colors[usual + 1 :])


def test_what_is_shown_once_is_asked_for_as_one_point_so_that_none_is_lost(board: Json) -> None:
    """Grafana's `reduce` puts the rows below a series without values into wrong places."""
    for panel in data_panels(board):
        assert all(step["id"] != "reduce" for step in panel.get("transformations", []))
        if panel["type"] in ("stat", "table"):
            assert panel["maxDataPoints"] == 1
            assert all("'last')" in target["target"] for target in panel["targets"])


def test_the_fleet_has_room_for_forty_coils() -> None:
    """A row of a table is 36 pixels high, whatever is set, and so is its heading below a title of
    32; a unit of the grid is 30, and 8 between two."""
    board = load(HERE / "dashboards" / "fleet.json")
    (panel,) = [each for each in data_panels(board) if each["type"] == "table"]
    assert panel["gridPos"]["h"] * 38 - 8 >= 32 + 41 * 36


def test_the_data_source_has_time_for_a_slow_disk() -> None:
    text = (HERE / "provisioning/datasources/hops.yaml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["datasources"]
    assert source["jsonData"]["timeout"] >= 60


def test_links_between_the_pages_keep_time_and_choices(board: Json) -> None:
    for link in board["links"]:
        assert link["keepTime"]
        # A page of one scanner cannot show several.
        assert link["includeVars"] != ("hops-scanner" in link["url"])
    assert len(board["links"]) == len(DASHBOARDS) - 1


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["uid"])
def test_no_text_of_a_rule_takes_a_label_or_a_value_for_granted(rule: Json) -> None:
    """In a state of no data or of an error there is none, and Grafana sends the raw template."""
    for text in texts([rule["annotations"], rule["labels"]]):
        depth: list[str] = []
        for action in re.findall(r"{{\s*(.*?)\s*}}", text):
            if action.startswith(("if ", "with ")):
                depth.append(action.split()[1])
            elif action == "else":
                depth[-1] = ""
            elif action == "end":
                depth.pop()
            elif used := re.search(r"\.(Labels|Values)\.\w+", action):
                assert used[0] in depth, text
            elif ".Value" in action:
                assert ".Values.B" in depth, text
        assert not depth


@pytest.mark.parametrize("path", PROVISIONING, ids=lambda path: path.parent.name)
def test_provisioning_files_are_yaml_of_the_first_version(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["apiVersion"] == 1


def test_only_the_two_known_variables_of_the_environment_are_expanded() -> None:
    used = {
        name
        for path in PROVISIONING
        for text in texts(yaml.safe_load(path.read_text(encoding="utf-8")))
        for name in re.findall(r"\$\{?(\w*)", text)
    }
    assert used == {"HOPS_GRAPHITE_URL", "HOPS_GRAFANA_DIR"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["uid"])
def test_alert_rules_lead_from_the_query_to_the_condition(rule: Json) -> None:
    steps = {step["refId"]: step for step in rule["data"]}
    provided = yaml.safe_load(
        (HERE / "provisioning/datasources/hops.yaml").read_text(encoding="utf-8")
    )["datasources"]
    known = {"__expr__", *(one["uid"] for one in provided)}
    asked: set[str] = set()
    for letter, step in steps.items():
        assert step["datasourceUid"] in known
        assert step["model"]["refId"] == letter
        if step["datasourceUid"] == "__expr__":
            assert step["model"]["expression"] in asked
        asked.add(letter)
    assert rule["condition"] in asked
    assert rule["annotations"]["summary"]
    assert len(rule["annotations"]["description"]) > 80
