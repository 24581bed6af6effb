"""What is chosen at the top of a dashboard, and in which words queries speak of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from grafana.panels import DATASOURCE, Json

SCANNER_UID = "hops-scanner"

# A site's own are given to the program that builds the dashboards.
DEFAULT_PREFIX = "servers.*"
DEFAULT_LEVELS = ("site", "building", "scanner")

# What a site cannot call its levels: the names of the other variables.
TAKEN = ("datasource", "prefix", "coil", "slice")

# What is below a coil, and what is below a location beside its coils.
SECTIONS = "{SI,SIfit,SNR,ghost,fit}"
INGEST, CONTROL = "ingest", "control"

COLLECTOR = "$prefix.StabilityCollector"

BY_NAME, BY_NUMBER = 1, 3  # Grafana's numbers for orders of the choices
ALL: Json = {"selected": True, "text": ["All"], "value": ["$__all"]}


class Site(NamedTuple):
    """What differs from site to site: `levels` are the names of a location's parts."""

    prefix: str = DEFAULT_PREFIX
    levels: tuple[str, ...] = DEFAULT_LEVELS

    @property
    def title(self) -> str:
        """The chosen location, as service notes are tagged with it."""
        return ".".join(f"${name}" for name in self.levels)

    @property
    def location(self) -> str:
        """What queries say for the chosen locations."""
        return f"{COLLECTOR}.{self.title}"

    @property
    def coils(self) -> str:
        """What queries say for the chosen coils' reports."""
        return f"{self.location}.$coil"

    @property
    def control(self) -> str:
        """What queries say for what is judged of the chosen coils."""
        return f"{self.location}.{CONTROL}.$coil"


def fleet(site: Site) -> list[Json]:
    """All scanners and coils, of which some may be chosen."""
    return [*map(_with_all, _coils(site)), *_source(site)]


def scanner(site: Site) -> list[Json]:
    """A scanner, one or several of its coils, and the slices."""
    *levels, coil = _coils(site)
    return [*levels, {**coil, "multi": True}, _with_all(_slices(site)), *_source(site)]


def ingest(site: Site) -> list[Json]:
    """All locations that have a collector, of which some may be chosen."""
    return [*map(_with_all, _nodes(site.levels, INGEST)), *_source(site)]


def _source(site: Site) -> list[Json]:
    """Last, since most need not know: they are right as the dashboards are built."""
    chosen = {"selected": True, "text": site.prefix, "value": site.prefix}
    return [
        {
            "type": "textbox",
            "name": "prefix",
            "label": "Prefix",
            "description": "What metric paths begin with: Diamond's path_prefix and host.",
            "query": site.prefix,
            "current": chosen,
            "options": [chosen],
        },
        {
            "type": "datasource",
            "name": "datasource",
            "label": "Graphite",
            "description": "The Graphite that has the reports.",
            "query": "graphite",
            "refresh": 1,
        },
    ]


def _coils(site: Site) -> list[Json]:
    """A choice for each level of the locations that have coils, and one for the coils there."""
    *levels, coil = _nodes((*site.levels, "coil"), SECTIONS)
    return [*levels, {**coil, "sort": BY_NUMBER}]


def _slices(site: Site) -> Json:
    return _query(
        "slice",
        "The slices that are averaged, or shown side by side.",
        f"{site.coils}.{SECTIONS}.mean.*",
        "",
        BY_NUMBER,
    )


def _nodes(names: Sequence[str], below: str) -> list[Json]:
    """A choice for each node of the paths to `below`, among those that the choices before it
    leave."""
    return [
        _query(
            name,
            f"Which {name}.",
            f"expand({'.'.join([COLLECTOR, *(f'${each}' for each in names[:index])])}"
            f".{'.'.join('*' * (len(names) - index))}.{below})",
            rf"/StabilityCollector\.(?:[^.]+\.){{{index}}}([^.]+)\./",
            BY_NAME,
        )
        for index, name in enumerate(names)
    ]


def _with_all(query: Json) -> Json:
    """Several may be chosen, and all of them are at first."""
    return {**query, "multi": True, "includeAll": True, "allValue": "*", "current": ALL}


def _query(name: str, description: str, query: str, regex: str, order: int) -> Json:
    return {
        "type": "query",
        "name": name,
        "label": name.capitalize(),
        "description": description,
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "regex": regex,
        "sort": order,
        "refresh": 1,
    }
