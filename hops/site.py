"""A site as Diamond's configuration tells of it: scanners, coils, where metrics go."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click

import diamond3
import stability_settings
from diamond3 import parts
from diamond3.configuration import server_settings
from hops import graphiteweb, paths
from hops.errors import Problem
from hops.graphiteweb import GraphiteWeb


@dataclass(frozen=True)
class Site:
    """What a site's configuration says, read and checked as Diamond and the collector do."""

    conf: Path
    """Diamond's main configuration file."""
    config: Any
    """All of Diamond's configuration, with that of handlers and collectors in it: a mapping."""
    collector: Any
    """The site's `StabilityCollector`, without handlers."""

    @property
    def settings(self) -> Any:
        """The collector's checked `stability_settings.Settings`."""
        return self.collector.settings

    @property
    def prefix(self) -> str:
        """What metric paths begin with, up to the location: `servers.host.StabilityCollector`."""
        return str(self.collector.get_metric_path("")).rstrip(".")

    @property
    def any_prefix(self) -> str:
        """The same as a pattern for whatever machine Diamond ran on: a collector may move."""
        host = (self.collector.get_hostname() or "").split(".")
        levels = self.prefix.split(".")
        return ".".join(paths.ANY if level in host else level for level in levels)

    def path(self, location: str) -> str:
        """What the metric paths of a scanner begin with."""
        return paths.scanner(self.prefix, location)

    @cached_property
    def _scanners(self) -> Mapping[str, Any]:
        return {scanner.location: scanner for scanner in self.settings.scanners}

    def scanner(self, location: str) -> Any:
        """The `stability_settings.Scanner` at a location. Raises BadParameter."""
        if location in self._scanners:
            return self._scanners[location]
        raise click.BadParameter(
            f"there is no scanner {location!r} under [scanners] of the configuration; "
            f"there are: {', '.join(self._scanners) or 'none'}."
        )

    def sender(self) -> Any:
        """A `StabilityCollector` like the site's, with its handlers. Raises Problem when Diamond
        cannot use these."""
        try:
            handlers = parts.handlers(self.config)
        except diamond3.DiamondError as error:
            raise Problem(f"{error}.") from None
        return type(self.collector)(configfile=str(self.conf), handlers=handlers)

    def graphite(self, timeout: float = graphiteweb.TIMEOUT) -> GraphiteWeb:
        """The site's graphite-web, with so many seconds for an answer. Raises Problem when the
        configuration names none."""
        if self.settings.graphite is None:
            raise Problem(
                "StabilityCollector: graphite_url is empty: name graphite-web's address there, "
                "like http://127.0.0.1:8080, to ask it what it has."
            )
        return GraphiteWeb(self.settings.graphite, timeout)


def check(settings: Mapping[str, object]) -> None:
    """Raises Problem with what the collector finds wrong with `settings`, keys of
    StabilityCollector.conf: the sentence that Diamond's log would have."""
    try:
        stability_settings.read({**stability_settings.defaults(), **settings})
    except stability_settings.SettingsError as error:
        raise Problem(f"StabilityCollector: {error}.") from None


def load(conf: Path) -> Site:
    """The site of Diamond's configuration file. Raises Problem."""
    # Of a collector that is only looked at, what it logs as it starts is no news.
    logging.getLogger("diamond").addHandler(logging.NullHandler())
    try:
        server_settings(str(conf))
        diamond3.activate()
    except diamond3.DiamondError as error:
        raise Problem(f"{error}.") from None
    # It can be imported only now.
    from diamond.utils.config import load_config

    from stability_collector import StabilityCollector

    try:
        config = load_config(str(conf))
        collector = StabilityCollector(configfile=str(conf), handlers=[])
    except Exception as error:  # Diamond says whatever it says of a configuration
        raise Problem(f"The configuration {conf} cannot be used: {error}.") from error
    return Site(conf, config, collector)
