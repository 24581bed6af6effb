"""A dashboard around its panels: their places, rows, variables, notes and links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from grafana.panels import DATASOURCE, Json
from grafana.variables import SCANNER_UID

WIDTH = 24
TAG = "mri-stability"

# Of Grafana 9.4; a newer Grafana brings a dashboard up to its own version as it reads it.
SCHEMA_VERSION = 37


# For a screen on a wall; what is judged is new every five minutes.
REFRESH = "5m"


class Page(NamedTuple):
    """Another dashboard. A choice of several, or of all, is none for one that shows a scanner."""

    uid: str
    title: str
    shows_several: bool


PAGES = (
    Page("hops-fleet", "Fleet", True),
    Page(SCANNER_UID, "Scanner", False),
    Page("hops-ingest", "Ingest", True),
)


class Placed(NamedTuple):
    """A panel and its size in grid units: 24 to the width of the page, 30 pixels high."""

    panel: Json
    width: int
    height: int


class Row(NamedTuple):
    """Panels under a heading, from left to right and downwards; `repeat` is a variable.

    Without a title there is no heading.
    """

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
        "graphTooltip": 1,
        "time": {"from": since, "to": "now"},
        "timezone": "browser",
        "refresh": REFRESH,
        "annotations": {"list": list(notes)},
        "links": [_link(other) for other in PAGES if other.uid != uid],
        "templating": {"list": list(variables)},
        "panels": _layout(rows),
    }


def service_notes(name: str, tags: Sequence[str], color: str, enabled: bool = True) -> Json:
    """Graphite's events that have all of the `tags`, as vertical lines in every trend."""
    return {
        "name": name,
        "enable": enabled,
        "iconColor": color,
        "datasource": DATASOURCE,
        "target": {
            "refId": "Anno",
            "fromAnnotations": True,
            "queryType": "tags",
            "tags": list(tags),
        },
    }


def _link(page: Page) -> Json:
    """A link at the top, which keeps the time and what is chosen."""
    source = "var-prefix=${prefix:percentencode}&var-datasource=${datasource:percentencode}"
    return {
        "type": "link",
        "title": page.title,
        "url": f"/d/{page.uid}" + ("" if page.shows_several else f"?{source}"),
        "includeVars": page.shows_several,
        "keepTime": True,
        "icon": "dashboard",
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
        y += bool(row.title)
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
            panels += [heading, *inside] if row.title else inside
    return panels
