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
    return [panel for panel in every_panel(board) if panel["type"] != "row"]


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
    assert list(variables)[2:5] == ["site", "bay", "coil"]
    alerting = (tmp_path / "provisioning" / "alerting" / "hops.yaml").read_text(encoding="utf-8")
    assert "diamond.virtual.*.StabilityCollector." in alerting
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


def test_every_variable_that_is_used_is_defined_before(board: Json) -> None:
    defined: set[str] = set()

    def check(node: object) -> None:
        for text in texts(node):
            for braced, bare in VARIABLE.findall(text):
                name = braced or bare
                assert name in defined or BUILT_IN.fullmatch(name), (name, text)

    for variable in board["templating"]["list"]:
        check([variable["query"], variable.get("regex", "")])
        defined.add(variable["name"])
    check(board["panels"])
    check(board["annotations"])
    for panel in board["panels"]:
        assert panel.get("repeat", "path") in defined | {"path"}


def test_overrides_are_of_series_that_the_panel_has(board: Json) -> None:
    for panel in data_panels(board):
        queries = " ".join(target["target"] for target in panel["targets"])
        for override in panel["fieldConfig"]["overrides"]:
            assert f"'{override['matcher']['options']}')" in queries


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
