"""Writes the dashboards and the provisioning files: `python -m grafana.build --help`."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import yaml

from grafana.alerts import alert_rules
from grafana.fleet import fleet
from grafana.ingest import ingest
from grafana.panels import Json
from grafana.provisioning import dashboard_providers, datasources
from grafana.scanner import scanner
from grafana.variables import DEFAULT_LEVELS, DEFAULT_PREFIX, TAKEN, Site

HERE = Path(__file__).parent


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m grafana.build",
        description="Write the dashboards, the alert rules and what Grafana needs to find them.",
        epilog="Example: python -m grafana.build --levels site,scanner --into /opt/hops/grafana",
    )
    parser.add_argument(
        "--into", type=Path, default=HERE, metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "--prefix",
        default=DEFAULT_PREFIX,
        help="what metric paths begin with, up to StabilityCollector (default: %(default)s)",
    )
    parser.add_argument(
        "--levels",
        type=_levels,
        default=",".join(DEFAULT_LEVELS),
        metavar="NAME,...",
        help="what the parts of a location are, from the first to the scanner (default: "
        "%(default)s for locations like Harvard/Northwest/Bay1)",
    )
    options = parser.parse_args(arguments)
    for name, text in build(Site(options.prefix, options.levels)).items():
        path = options.into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)


def build(site: Site) -> dict[str, str]:
    """The text of every file, by its path below the folder of the dashboards."""
    return {
        "dashboards/fleet.json": _json(fleet(site)),
        "dashboards/scanner.json": _json(scanner(site)),
        "dashboards/ingest.json": _json(ingest(site)),
        "provisioning/datasources/hops.yaml": _yaml(datasources()),
        "provisioning/dashboards/hops.yaml": _yaml(dashboard_providers()),
        "provisioning/alerting/hops.yaml": _yaml(alert_rules(site)),
    }


def _levels(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not all(re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) for name in names):
        raise argparse.ArgumentTypeError(f"{text!r}: expected names between commas, site,scanner.")
    for name in names:
        if name in TAKEN or names.count(name) > 1:
            raise argparse.ArgumentTypeError(f"{text!r}: {name} is taken: choose another name.")
    return names


def _json(content: Json) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _yaml(content: Json) -> str:
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return f"# Written by `python -m grafana.build`.\n{text}"


if __name__ == "__main__":
    main()
