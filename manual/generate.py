"""The parts of the manual that are made from the code, between marks in its pages.

`python3 -m manual.generate` writes them; a test fails when they are not what it writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import diamond3
from diamond3.cli import argument_parser
from grafana.alerts import alert_rules
from grafana.variables import Site
from hops.quantities import QUANTITIES

DOCS = Path(__file__).resolve().parents[1] / "docs"

# Diamond's keys that matter here, in its own words or, where it has none, in ours.
DIAMONDS_OWN = {
    "path_prefix": "First part of every metric path",
    "path_suffix": "Last part of every metric path",
    "hostname": "Second part of every metric path; empty: this machine's name",
    "interval": "Look into the folders every so many seconds",
}


def build() -> dict[Path, str]:
    """The text of every page with parts that are made from the code."""
    pages: dict[Path, str] = {}
    for (page, part), make in PARTS.items():
        path = DOCS / page
        text = pages.get(path) or path.read_text(encoding="utf-8")
        pages[path] = _replace(text, part, make())
    return pages


def main() -> None:
    """Write the pages."""
    for path, text in build().items():
        path.write_text(text, encoding="utf-8")


def _replace(text: str, part: str, content: str) -> str:
    begin, end = f"<!-- {part}: python3 -m manual.generate -->\n", f"<!-- end of {part} -->"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"a page has no part {part!r}: expected {begin!r} and then {end!r}")
    return f"{before}{begin}\n{content}\n\n{end}{after}"


# -- configuration -------------------------------------------------------------------------


def collector_keys() -> str:
    """The keys of the collector's configuration."""
    collector, bases = _collector()
    help_of = collector.get_default_config_help()
    keys = ["enabled", "interval", *(key for key in help_of if key not in bases)]
    return _keys(collector, keys, {**DIAMONDS_OWN, **help_of})


def diamond_keys() -> str:
    """Keys that Diamond has for every collector."""
    collector, bases = _collector()
    keys = [key for key in {**DIAMONDS_OWN, **bases} if key not in ("enabled", "interval")]
    return _keys(collector, keys, {**bases, **DIAMONDS_OWN})


def _keys(collector: Any, keys: Iterable[str], told: Mapping[str, str]) -> str:
    defaults = collector.get_default_config()
    rows = ([_code(key), _default(defaults.get(key)), _prose(told[key])] for key in keys)
    return _table(("key", "default", "what it is"), rows)


def _collector() -> tuple[Any, Any]:
    """A collector that was not configured, and the keys of any collector of Diamond."""
    diamond3.activate()
    from diamond.collector import Collector

    from stability_collector import StabilityCollector

    collector = object.__new__(StabilityCollector)
    return collector, Collector.get_default_config_help(collector)


def _default(value: object) -> str:
    return "" if value in (None, "", {}) else _code(str(value))


# -- diamond3 ------------------------------------------------------------------------------


def diamond3_options() -> str:
    """The options of `diamond3`."""
    rows = []
    for action in argument_parser()._actions:
        names = ", ".join(action.option_strings)
        if action.nargs != 0:
            names += f" {action.metavar or action.dest.upper()}"
        told = (action.help or "") % {"default": action.default}
        rows.append([_code(names), _prose(told)])
    return _table(("option", "what it does"), rows)


# -- alerts --------------------------------------------------------------------------------


def alerts() -> str:
    """The alert rules of `grafana/`."""
    rules = [
        [rule["title"], group["interval"], rule["for"] if rule["for"] != "0s" else "at once"]
        for group in alert_rules(Site())["groups"]
        for rule in group["rules"]
    ]
    return _table(("rule", "asked every", "fires after"), rules)


# -- quantities ----------------------------------------------------------------------------


def quantities() -> str:
    """What is watched: each quantity's definition, source and remedy."""
    return "\n\n".join(
        f"### {each.name}\n\n`{each.column}`, in {each.unit or 'no unit'}. "
        f"{_prose(each.definition)}.\n\n"
        + "\n".join(
            f"- *{head}:* {_prose(text)}."
            for head, text in (
                ("Changes", each.causes),
                ("Then", each.remedy),
                ("Source", each.source),
            )
        )
        for each in QUANTITIES
    )


# -- Markdown ------------------------------------------------------------------------------


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_pipes, line))} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _prose(text: str) -> str:
    """Plain text, in which Markdown finds nothing of its own."""
    plain = re.sub(r"([*_\\`])", r"\\\1", " ".join(text.split()))
    return plain.replace("<", "&lt;")


def _pipes(text: str) -> str:
    return text.replace("|", r"\|")


PARTS: dict[tuple[str, str], Callable[[], str]] = {
    ("how-to/be-alerted.md", "alert rules"): alerts,
    ("reference/configuration.md", "collector keys"): collector_keys,
    ("reference/configuration.md", "diamond keys"): diamond_keys,
    ("reference/quantities.md", "quantities"): quantities,
    ("reference/commands.md", "diamond3 options"): diamond3_options,
}


if __name__ == "__main__":
    main()
