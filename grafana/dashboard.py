"""A dashboard around its panels: their places, rows, variables, notes and links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from grafana.panels import DATASOURCE, Json

WIDTH = 24
TAG = "mri-stability"

# Of Grafana 9.4; a newer Grafana brings a dashboard up to its own version as it reads it.
SCHEMA_VERSION = 37


class Placed(NamedTuple):
    """A panel and its size in grid units: 24 to the width of the page, 30 pixels high."""

    panel: Json
    width: int
    height: int


class Row(NamedTuple):
    """Panels under a heading, from left to right and downwards; `repeat` is a variable."""

    title: str
    panels: Sequence[Placed]
    repeat: str = ""
    folded: bool = False


def dashboard(
    uid: str,
    title: str,
    description: str,
    rows: Sequence[Row],
    variables: Sequence[Json],
    notes: Sequence[Json],
    since: str,
) -> Json:
    """The JSON of a dashboard whose pages begin at the time `since`, like `now-1y`."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": since, "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "refresh": "",
        "style": "dark",
        "weekStart": "",
        "annotations": {"list": list(notes)},
        "links": [
            {
                "type": "dashboards",
                "title": "MRI stability",
                "tags": [TAG],
                "asDropdown": False,
                "includeVars": False,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }
        ],
        "templating": {"list": list(variables)},
        "panels": _layout(rows),
    }


def service_notes(name: str, tags: Sequence[str], color: str, enabled: bool = True) -> Json:
    """Graphite's events that have all of the `tags`, as vertical lines in every trend."""
    return {
        "name": name,
        "enable": enabled,
        "hide": False,
        "iconColor": color,
        "datasource": DATASOURCE,
        "target": {
            "refId": "Anno",
            "fromAnnotations": True,
            "queryType": "tags",
            "tags": list(tags),
            "target": "",
        },
    }


def _layout(rows: Sequence[Row]) -> list[Json]:
    panels: list[Json] = []
    number = 0
    y = 0
    for row in rows:
        number += 1
        heading: Json = {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": row.folded,
            "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
            "panels": [],
        }
        if row.repeat:
            heading["repeat"] = row.repeat
        y += 1
        inside: list[Json] = []
        x = 0
        bottom = y
        for placed in row.panels:
            if x + placed.width > WIDTH:
                x, y = 0, bottom
            number += 1
            place = {"x": x, "y": y, "w": placed.width, "h": placed.height}
            inside.append({"id": number, **placed.panel, "gridPos": place})
            x += placed.width
            bottom = max(bottom, y + placed.height)
        y = bottom
        if row.folded:
            heading["panels"] = inside
            panels.append(heading)
        else:
            panels += [heading, *inside]
    return panels
