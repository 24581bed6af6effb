"""The trends of a coil on graphite-web's own pages, for whoever has no Grafana.

The graphs are those of the scanner's page for Grafana: its file has the queries, what is to be
chosen is filled in, and colours, dashes and marks become functions of Graphite.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping
from datetime import datetime, timezone
from string import Template
from typing import Any

from hops.graphiteweb import GraphiteWeb
from hops.times import DAY
from lab.grafana import OURS

# Graphite labels every 30th day, of more than a year every 240th, and cuts a label at the end.
SHOWN = 350 * DAY
WIDTH, HEIGHT = 640, 270

# M. Okabe and K. Ito, Color Universal Design (2008): can be told apart with any colour vision.
DATA = "#0072B2"
COLORS = {"green": "#009E73", "orange": "#E69F00", "red": "#D55E00"}
# Marks are lines from top to bottom here, which should not hide what is behind them.
MARK_ALPHA = 0.4

UNITS = {"none": "", "percent": "%"}

LOOK = {
    "bgcolor": "white",
    "fgcolor": "black",
    "majorGridLineColor": "#D8D8D8",
    "minorGridLineColor": "#F0F0F0",
    "fontSize": 10,
    "lineWidth": 1.5,
    # A line goes on over the days without a scan.
    "lineMode": "connected",
    "hideLegend": "false",
    "xFormat": "%d %b",
}

Json = dict[str, Any]


def save_dashboard(graphite: GraphiteWeb, coil: str, newest: int) -> str:
    """Has graphite-web keep a dashboard of a coil, and returns its address.

    It shows most of the year up to the scan at the epoch `newest`.

    `coil`: what its metric paths begin with. Raises Problem when it is not kept.
    """
    name = _chosen(coil)["path"]
    graphite.save_dashboard(name, json.dumps(_state(name, trends(coil), newest)))
    return f"{graphite.address}/dashboard/{urllib.parse.quote(name)}?theme=white"


def trends(coil: str) -> list[Json]:
    """What Graphite's render API is to be asked for each control chart, but for time and size."""
    page = json.loads((OURS / "dashboards" / "scanner.json").read_text(encoding="utf-8"))
    chosen = _chosen(coil)
    return [_graph(panel, chosen) for panel in page["panels"] if panel["type"] == "timeseries"]


def _chosen(coil: str) -> dict[str, str]:
    """The page's variables."""
    prefix, _, path = coil.partition(".StabilityCollector.")
    return {"prefix": prefix, "path": path, "slice": "*"}


def _graph(panel: Json, chosen: Mapping[str, str]) -> Json:
    queries = [Template(one["target"]).substitute(chosen) for one in panel["targets"]]
    styles = {
        one["matcher"]["options"]: {each["id"]: each["value"] for each in one["properties"]}
        for one in panel["fieldConfig"]["overrides"]
    }
    return {
        **LOOK,
        "title": f"{panel['title']}, {chosen['path']}",
        "vtitle": UNITS[panel["fieldConfig"]["defaults"]["unit"]],
        "target": [_styled(query, styles) for query in queries],
    }


def _styled(query: str, styles: Mapping[str, Json]) -> str:
    """A query that is drawn as the style of its name says."""
    for name, style in styles.items():
        if query.endswith(f",'{name}')"):
            color = COLORS[style["color"]["fixedColor"]]
            if style.get("custom.drawStyle") == "points":
                drawn = f"alpha(drawAsInfinite({query}),{MARK_ALPHA})"
            else:
                drawn = f"dashed({query})"
            return f"alias(color({drawn},'{color}'),'{name}')"
    return f"color({query},'{DATA}')"


def _state(name: str, graphs: list[Json], newest: int) -> Json:
    """A dashboard as graphite-web's page saves it."""
    until = newest + DAY
    since = until - SHOWN
    times = {"from": _time(since, "%H:%M_%Y%m%d"), "until": _time(until, "%H:%M_%Y%m%d")}
    size = {"width": WIDTH, "height": HEIGHT}
    return {
        "name": name,
        "defaultGraphParams": {**times, **size},
        "graphSize": size,
        "timeConfig": {
            "type": "absolute",
            "startDate": _time(since, "%Y-%m-%dT%H:%M:%S"),
            "startTime": _time(since, "%H:%M"),
            "endDate": _time(until, "%Y-%m-%dT%H:%M:%S"),
            "endTime": _time(until, "%H:%M"),
            "relativeStartQuantity": "1",
            "relativeStartUnits": "years",
            "relativeUntilQuantity": "",
            "relativeUntilUnits": "now",
        },
        "refreshConfig": {"enabled": False, "interval": 60000},
        # The page makes the address, which is the third, anew.
        "graphs": [[_targets(graph), graph, ""] for graph in graphs],
    }


def _targets(graph: Json) -> str:
    return urllib.parse.urlencode({"target": graph["target"]}, doseq=True)


def _time(epoch: int, pattern: str) -> str:
    """In UTC, which is the embedded Graphite's time zone."""
    return f"{datetime.fromtimestamp(epoch, timezone.utc):{pattern}}"
