"""Panels, as the dictionaries that Grafana's dashboard JSON is made of.

A panel here has everything but its `id` and its place, which `layout` adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]

DATASOURCE: Json = {"type": "graphite", "uid": "${datasource}"}

# Points of Graphite's finest slots in a trend: an hour in a year.
TREND_POINTS = 10000
# Of each of some dozen series.
SLICES_POINTS = 1500
# A value a day in a year.
TILE_POINTS = 400

CENTRE, LOWER, UPPER = "centre line", "lower limit", "upper limit"
OUT = "out of control"


class Shown(NamedTuple):
    """What a panel shows. `unit` is Grafana's name of it."""

    title: str
    description: str
    unit: str
    decimals: int


def trend(
    shown: Shown, queries: Sequence[str], overrides: Sequence[Json] = (), points: int = 0
) -> Json:
    """Series over time: a dot each scan, joined across the days without one."""
    return {
        **_panel("timeseries", shown, queries),
        "maxDataPoints": points or TREND_POINTS,
        "fieldConfig": {
            "defaults": {
                **_field(shown),
                "color": {"mode": "palette-classic"},
                "custom": {
                    "drawStyle": "line",
                    "lineInterpolation": "linear",
                    "lineWidth": 1,
                    "fillOpacity": 0,
                    "gradientMode": "none",
                    "showPoints": "always",
                    "pointSize": 4,
                    "spanNulls": True,
                    "axisPlacement": "auto",
                    "axisLabel": "",
                    "scaleDistribution": {"type": "linear"},
                    "hideFrom": {"legend": False, "tooltip": False, "viz": False},
                    "stacking": {"group": "A", "mode": "none"},
                    "thresholdsStyle": {"mode": "off"},
                },
            },
            "overrides": list(overrides),
        },
        "options": {
            "legend": {
                "showLegend": True,
                "displayMode": "list",
                "placement": "bottom",
                "calcs": [],
            },
            "tooltip": {"mode": "multi", "sort": "none"},
        },
    }


def control_chart(shown: Shown, queries: Sequence[str]) -> Json:
    """A trend with the lines called CENTRE, LOWER and UPPER, and big red dots called OUT."""
    line = {
        "custom.showPoints": "never",
        "custom.lineStyle": {"fill": "dash", "dash": [8, 6]},
    }
    return trend(
        shown,
        queries,
        [
            override(CENTRE, {**line, "color": _fixed("green")}),
            override(LOWER, {**line, "color": _fixed("orange")}),
            override(
                UPPER,
                {
                    **line,
                    "color": _fixed("orange"),
                    "custom.fillBelowTo": LOWER,
                    "custom.fillOpacity": 8,
                },
            ),
            override(
                OUT,
                {"color": _fixed("red"), "custom.drawStyle": "points", "custom.pointSize": 10},
            ),
        ],
    )


def tiles(
    shown: Shown,
    queries: Sequence[str],
    thresholds: Sequence[tuple[float | None, str]],
    overrides: Sequence[Json] = (),
    sparkline: bool = True,
) -> Json:
    """The newest value of each series in big type, coloured by the `thresholds`.

    A threshold is the least value of its colour, None for the lowest colour.
    """
    return {
        **_panel("stat", shown, queries),
        "maxDataPoints": TILE_POINTS,
        "fieldConfig": {
            "defaults": {
                **_field(shown),
                "color": {"mode": "thresholds"},
                "thresholds": _thresholds(thresholds),
            },
            "overrides": list(overrides),
        },
        "options": {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "orientation": "auto",
            "textMode": "value_and_name",
            "colorMode": "value",
            "graphMode": "area" if sparkline else "none",
            "justifyMode": "auto",
        },
    }


def of_last_month(panel: Json, nothing: str) -> Json:
    """The `panel` with only the last 30 days, whatever time the page shows: Graphite keeps those in
    fine slots, which are few, and an age to within one. `nothing`: what it says without a value."""
    panel["timeFrom"] = "30d"
    panel["hideTimeOverride"] = True
    panel["fieldConfig"]["defaults"]["noValue"] = nothing
    return panel


def heat_map(shown: Shown, queries: Sequence[str], least: float, most: float) -> Json:
    """A row of cells for each series, red at `least` and below, blue at `most` and above."""
    return {
        **_panel("heatmap", shown, queries),
        "maxDataPoints": TILE_POINTS,
        "fieldConfig": {
            "defaults": {
                **_field(shown),
                "custom": {
                    "hideFrom": {"legend": False, "tooltip": False, "viz": False},
                    "scaleDistribution": {"type": "linear"},
                },
            },
            "overrides": [],
        },
        "options": {
            "calculate": False,
            "cellGap": 1,
            "cellValues": {"unit": shown.unit, "decimals": shown.decimals},
            "color": {
                "mode": "scheme",
                "scheme": "RdYlBu",
                "fill": "dark-orange",
                "scale": "linear",
                "exponent": 0.5,
                "steps": 64,
                "reverse": False,
                "min": least,
                "max": most,
            },
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"show": True, "yHistogram": False},
            "yAxis": {"axisPlacement": "left", "axisLabel": "slice", "reverse": True},
        },
    }


def override(name: str, properties: Json) -> Json:
    """Other properties for the series called `name`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def threshold_override(
    name: str, unit: str, decimals: int, thresholds: Sequence[tuple[float | None, str]]
) -> Json:
    """A unit and colours of its own for the series called `name`."""
    return override(
        name, {"unit": unit, "decimals": decimals, "thresholds": _thresholds(thresholds)}
    )


def _panel(kind: str, shown: Shown, queries: Sequence[str]) -> Json:
    return {
        "type": kind,
        "title": shown.title,
        "description": shown.description,
        "datasource": DATASOURCE,
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


def _field(shown: Shown) -> Json:
    return {
        "unit": shown.unit,
        "decimals": shown.decimals,
        "mappings": [],
        "thresholds": _thresholds([(None, "green")]),
    }


def _thresholds(steps: Sequence[tuple[float | None, str]]) -> Json:
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": color} for value, color in steps],
    }


def _fixed(color: str) -> Json:
    return {"mode": "fixed", "fixedColor": color}
