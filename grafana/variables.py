"""What is chosen at the top of a dashboard, and in which words queries speak of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from grafana.panels import DATASOURCE, Json

# A site's own are given to the program that builds the dashboards.
DEFAULT_PREFIX = "servers.*"
DEFAULT_LEVELS = ("site", "building", "scanner")

# What a site cannot call its levels: the names of the other variables.
TAKEN = ("datasource", "prefix", "coil", "path", "slice", "location")

# What is below a coil, and what is below a location beside its coils.
SECTIONS = "{SI,SIfit,SNR,ghost,fit}"
INGEST = "ingest"

COLLECTOR = "$prefix.StabilityCollector"
# What queries say for a scanner and one of its coils.
COIL = f"{COLLECTOR}.$path"

BY_NAME, BY_NUMBER = 1, 3  # Grafana's numbers for orders of the choices
VISIBLE, HIDDEN = 0, 2
ALL: Json = {"selected": True, "text": ["All"], "value": ["$__all"]}


class Site(NamedTuple):
    """What differs from site to site: `levels` are the names of a location's parts."""

    prefix: str = DEFAULT_PREFIX
    levels: tuple[str, ...] = DEFAULT_LEVELS

    @property
    def locations(self) -> str:
        """What queries say for the chosen locations."""
        return _path(self.levels)

    @property
    def coils(self) -> str:
        """What queries say for the chosen coils of the chosen locations."""
        return _path((*self.levels, "coil"))


def datasource() -> Json:
    """Which Graphite, if Grafana knows several."""
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Graphite",
        "description": "The Graphite that has the reports.",
        "query": "graphite",
        "regex": "",
        "current": {},
        "options": [],
        "multi": False,
        "includeAll": False,
        "refresh": 1,
        "hide": VISIBLE,
        "skipUrlSync": False,
    }


def prefix(site: Site) -> Json:
    return _text_box(
        "prefix",
        "Prefix",
        "What metric paths begin with, up to StabilityCollector: Diamond's path_prefix and host.",
        site.prefix,
    )


def locations(site: Site) -> list[Json]:
    """A choice for each level of the locations that have a collector."""
    return _nodes(site.levels, INGEST)


def coils(site: Site) -> list[Json]:
    """A choice for each level of the locations that have coils, and one for the coils there."""
    *levels, coil = _nodes((*site.levels, "coil"), SECTIONS)
    return [*levels, {**coil, "sort": BY_NUMBER}]


def all_paths(site: Site) -> Json:
    """Each scanner with each of its coils, of those that are chosen."""
    return {**_paths(site), "includeAll": True, "current": ALL, "hide": HIDDEN}


def some_paths(site: Site) -> Json:
    """A scanner with one of its coils, or several, out of those that are chosen."""
    return _paths(site)


def slices(site: Site) -> Json:
    return _with_all(
        _query(
            "slice",
            "Slices",
            "The slices that are averaged, or shown side by side.",
            f"{site.coils}.{SECTIONS}.mean.*",
            "",
            BY_NUMBER,
        )
    )


def location_of_path(site: Site) -> Json:
    """The location of the first path that is shown, which its service notes are tagged with.

    A choice of one, since Graphite finds the events that have all of the tags it is asked for.
    """
    return {
        **_query(
            "location",
            "Location",
            "The location whose service notes are shown.",
            f"expand({site.coils}.{SECTIONS})",
            r"/StabilityCollector\.(?=${path:regex}\.[^.]+$)(.+)\.[^.]+\.[^.]+$/",
            BY_NAME,
        ),
        "hide": HIDDEN,
    }


def _nodes(names: Sequence[str], below: str) -> list[Json]:
    """A choice for each node of the paths to `below`, among those that the choices before it
    leave; at first all of them."""
    choices = []
    for index, name in enumerate(names):
        rest = ".".join("*" * (len(names) - index))
        choices.append(
            _with_all(
                _query(
                    name,
                    name.capitalize(),
                    f"Which {name}, or several.",
                    f"expand({_path(names[:index])}.{rest}.{below})",
                    rf"/StabilityCollector\.(?:[^.]+\.){{{index}}}([^.]+)\./",
                    BY_NAME,
                )
            )
        )
    return choices


def _paths(site: Site) -> Json:
    return {
        **_query(
            "path",
            "Shown",
            "The scanners and coils on this page, like Harvard.Northwest.Bay1.32, out of those "
            "that the other choices leave. Tick several to compare them.",
            f"expand({site.coils}.{SECTIONS})",
            r"/StabilityCollector\.(.+)\.[^.]+$/",
            BY_NAME,
        ),
        "multi": True,
    }


def _path(names: Sequence[str]) -> str:
    return ".".join([COLLECTOR, *(f"${name}" for name in names)])


def _with_all(query: Json) -> Json:
    """Several may be chosen, and all of them are at first."""
    return {**query, "multi": True, "includeAll": True, "allValue": "*", "current": ALL}


def _text_box(name: str, label: str, description: str, text: str) -> Json:
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "description": description,
        "query": text,
        "current": {"selected": True, "text": text, "value": text},
        "options": [{"selected": True, "text": text, "value": text}],
        "hide": VISIBLE,
        "skipUrlSync": False,
    }


def _query(name: str, label: str, description: str, query: str, regex: str, order: int) -> Json:
    return {
        "type": "query",
        "name": name,
        "label": label,
        "description": description,
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "regex": regex,
        "sort": order,
        "refresh": 1,
        "current": {},
        "options": [],
        "multi": False,
        "includeAll": False,
        "hide": VISIBLE,
        "skipUrlSync": False,
    }
