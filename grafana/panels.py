"""Panels, as the dictionaries that Grafana's dashboard JSON is made of.

A panel here has everything but its `id` and its place, which `layout` adds, and what Grafana takes
by itself where nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

from hops.times import DAY

Json = dict[str, Any]
# The least value of each colour; None for the lowest.
Steps = Sequence[tuple[Optional[float], str]]

DATASOURCE: Json = {"type": "graphite", "uid": "${datasource}"}

# Points of Graphite's finest slots in a trend: an hour in a year.
TREND_POINTS = 10000
# Of each of some dozen series: an hour in ninety days.
SLICES_POINTS = 2200
# Where only the newest value is shown.
NEWEST = 1

# A line ends where a coil has no limits for so long, and does not lead across.
PAUSE = 14 * DAY

VALUE, CENTRE, LOWER, UPPER, BEYOND = "value", "centre", "lower", "upper", "beyond"
LIMIT, BEYOND_LIMIT = "limit", "beyond_limit"
EWMA, EWMA_BEYOND = "ewma", "ewma_beyond"
CHART = (VALUE, CENTRE, LOWER, UPPER, EWMA, EWMA_BEYOND, BEYOND, LIMIT, BEYOND_LIMIT)


class Shown(NamedTuple):
    """What a panel shows. `unit` is Grafana's name of it."""

    title: str
    description: str
    unit: str
    decimals: int


def trend(
    shown: Shown, queries: Sequence[str], overrides: Sequence[Json] = (), points: int = TREND_POINTS
) -> Json:
    """Series over time: a dot each scan, joined across the days without one."""
    custom = {"showPoints": "always", "pointSize": 4, "spanNulls": True}
    return {
        **_panel("timeseries", shown, queries, points),
        "options": {"tooltip": {"mode": "multi"}},
        **_fields(shown, overrides, color={"mode": "palette-classic"}, custom=custom),
    }


def from_zero(panel: Json, least_top: float) -> Json:
    """The `panel` with an axis that begins at 0 and does not end below `least_top`."""
    defaults = panel["fieldConfig"]["defaults"]
    defaults["min"] = 0
    defaults["custom"]["axisSoftMax"] = least_top
    return panel


def control_chart(shown: Shown, queries: Sequence[str]) -> Json:
    """A trend with the lines of CHART: big dots are beyond a limit, purple ones a slow change."""
    line = {
        "custom.showPoints": "never",
        "custom.lineStyle": {"fill": "dash", "dash": [8, 6]},
        "custom.spanNulls": PAUSE * 1000,
    }
    # On the value's own dot, whose row in the tooltip says the same.
    mark = {
        "color": _fixed("red"),
        "custom.drawStyle": "points",
        "custom.pointSize": 9,
        "custom.hideFrom": {"legend": False, "tooltip": True, "viz": False},
    }
    limits = {**line, "color": _fixed("orange")}
    average = {"color": _fixed("purple"), "custom.lineStyle": {"fill": "solid"}}
    overrides = [
        override(VALUE, {"color": _fixed("blue")}),
        override(CENTRE, {**line, "color": _fixed("#8e8e8e")}),
        override(LOWER, limits),
        override(UPPER, {**limits, "custom.fillBelowTo": LOWER, "custom.fillOpacity": 8}),
        override(EWMA, {**line, **average, "displayName": "moving average"}),
        override(EWMA_BEYOND, {**mark, **average, "displayName": "slow change"}),
        override(BEYOND, mark),
        override(LIMIT, {**line, "color": _fixed("red")}),
        override(BEYOND_LIMIT, {**mark, "displayName": "beyond limit"}),
    ]
    return trend(shown, queries, overrides)


def tiles(
    shown: Shown, queries: Sequence[str], thresholds: Steps, overrides: Sequence[Json] = ()
) -> Json:
    """The newest value of each series in big type, coloured by the `thresholds`."""
    return {
        **_panel("stat", shown, queries, NEWEST),
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "none"},
        **_fields(shown, overrides, **_by_thresholds(thresholds)),
    }


def count_above(panel: Json, limit: float) -> Json:
    """The tile with how many series are above the `limit`."""
    above = {"id": "greater", "options": {"value": limit}}
    kept = {"type": "include", "match": "any", "filters": [{"fieldName": "Value", "config": above}]}
    return _of_all(panel, "count", {"id": "filterByValue", "options": kept})


def sum_of_all(panel: Json) -> Json:
    """The tile with the sum of all series."""
    return _of_all(panel, "sum")


def _of_all(panel: Json, calculation: str, *transformations: Json) -> Json:
    panel["options"]["reduceOptions"] = {"calcs": [calculation], "fields": "/^Value$/"}
    panel["transformations"] = [{"id": "seriesToRows", "options": {}}, *transformations]
    panel["fieldConfig"]["defaults"]["noValue"] = "0"
    return panel


def table(
    shown: Shown,
    queries: Sequence[str],
    columns: Sequence[str],
    row: str,
    overrides: Sequence[Json],
) -> Json:
    """A row for each `row` in the names of the series, which are JSON with `row` and `column`.

    The first of the `columns` says which is worst; others than these are left out.
    """
    corner = "row\\column"
    names = [corner, *columns]
    order = {
        "indexByName": {name: index for index, name in enumerate(names)},
        "renameByName": {corner: row},
    }
    matrix = {
        "rowField": "row",
        "columnField": "column",
        "valueField": "Value",
        "emptyValue": "null",
    }
    return {
        **_panel("table", shown, queries, NEWEST),
        "transformations": [
            {"id": "seriesToRows", "options": {}},
            {"id": "extractFields", "options": {"source": "Metric", "format": "json"}},
            {"id": "groupingToMatrix", "options": matrix},
            {"id": "filterFieldsByName", "options": {"include": {"names": names}}},
            {"id": "sortBy", "options": {"sort": [{"field": columns[0], "desc": True}]}},
            {"id": "organize", "options": order},
        ],
        **_fields(
            shown,
            overrides,
            **_by_thresholds([(None, "transparent")]),
            custom={"minWidth": 60},
            noValue="",
        ),
    }


def bands(shown: Shown, queries: Sequence[str], thresholds: Steps) -> Json:
    """A band for each series, in the colour of its newest scan until the next.

    No heat map: Grafana takes the time of a value for the end of its cell, so that all would stand
    a cell too early, and turns the colours of palettes like RdYlBu round unless `reverse` is set.
    """
    custom = {"fillOpacity": 90, "spanNulls": True}
    return {
        **_panel("state-timeline", shown, queries, SLICES_POINTS),
        "options": {"showValue": "never"},
        **_fields(shown, (), **_by_thresholds(thresholds), custom=custom),
    }


def alert_list(title: str, description: str, labels: str) -> Json:
    """The alerts with these `labels` that fire or are about to."""
    return {
        "type": "alertlist",
        "title": title,
        "description": description,
        "options": {
            "maxItems": 40,
            "sortOrder": 3,
            "alertInstanceLabelFilter": labels,
            "stateFilter": {"firing": True, "pending": True, "noData": True, "error": True},
        },
    }


def override(name: str, properties: Json) -> Json:
    """Other properties for the series called `name`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def colored(thresholds: Steps) -> Json:
    """Properties: colours by `thresholds`."""
    steps = [{"value": value, "color": color} for value, color in thresholds]
    return {"thresholds": {"mode": "absolute", "steps": steps}}


def _panel(kind: str, shown: Shown, queries: Sequence[str], points: int) -> Json:
    return {
        "type": kind,
        "title": shown.title,
        "description": shown.description,
        "datasource": DATASOURCE,
        "maxDataPoints": points,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "target": query,
                "textEditor": True,
            }
            for index, query in enumerate(queries)
        ],
    }


def _fields(shown: Shown, overrides: Sequence[Json], **more: object) -> Json:
    defaults = {"unit": shown.unit, "decimals": shown.decimals, **more}
    return {"fieldConfig": {"defaults": defaults, "overrides": list(overrides)}}


def _by_thresholds(thresholds: Steps) -> Json:
    return {"color": {"mode": "thresholds"}, **colored(thresholds)}


def _fixed(color: str) -> Json:
    return {"mode": "fixed", "fixedColor": color}
