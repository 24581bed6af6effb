"""What is chosen at the top of a dashboard, and in which words queries speak of it."""

from __future__ import annotations

from typing import NamedTuple

from grafana.panels import DATASOURCE, Json

# A site's own are given to the program that builds the dashboards.
DEFAULT_PREFIX = "servers.*"
DEFAULT_LOCATION = "*.*.*"

SECTIONS = "{SI,SIfit,SNR,ghost,fit}"

# What queries say for a coil on a scanner, and for a location.
COIL = "$prefix.StabilityCollector.$coil"
LOCATION = "$prefix.StabilityCollector.$location"

BY_NAME, BY_NUMBER = 1, 3  # Grafana's numbers for orders of the choices
VISIBLE, HIDDEN = 0, 2


class Site(NamedTuple):
    """What differs from site to site."""

    prefix: str = DEFAULT_PREFIX
    location: str = DEFAULT_LOCATION


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


def location(site: Site) -> Json:
    return _text_box(
        "location",
        "Locations",
        "Which locations: a name or a * for each level, as Harvard.*.* for all scanners of "
        "Harvard/<building>/<scanner>. With two levels, like Harvard/Bay1, it is *.*",
        site.location,
    )


def coils(everything: bool) -> Json:
    """Scanners with one of their coils, like Harvard.Northwest.Bay1.32: all of them, or one."""
    chosen = {"selected": True, "text": ["All"], "value": ["$__all"]} if everything else {}
    return {
        **_query(
            "coil",
            "Scanner and coil",
            "Location and coil, as in the metric path.",
            f"expand({LOCATION}.*.{SECTIONS})",
            r"/StabilityCollector\.(.+)\.[^.]+$/",
            BY_NAME,
        ),
        "multi": True,
        "includeAll": everything,
        "current": chosen,
    }


def slices() -> Json:
    return {
        **_query(
            "slice",
            "Slices",
            "The slices that are averaged, or shown side by side.",
            f"{LOCATION}.*.{SECTIONS}.mean.*",
            "",
            BY_NUMBER,
        ),
        "multi": True,
        "includeAll": True,
        "allValue": "*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def scanner_of_coil() -> Json:
    """The location of the first chosen coil, which its service notes are tagged with."""
    return {
        **_query(
            "scanner",
            "Scanner",
            "The location whose service notes are shown.",
            f"expand({LOCATION}.*.{SECTIONS})",
            r"/StabilityCollector\.(?=${coil:regex}\.[^.]+$)(.+)\.[^.]+\.[^.]+$/",
            BY_NAME,
        ),
        "hide": HIDDEN,
    }


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
