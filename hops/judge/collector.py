"""The judge as a collector of Diamond's, beside the `StabilityCollector` whose scans it judges."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diamond.collector
from diamond.error import DiamondException

import stability_collector
import stability_settings
from hops.errors import Problem
from hops.judge import rules
from hops.judge.judging import Judge, Metrics
from hops.judge.rules import RulesError
from hops.site import Site

NAP = 0.2

KEYS = {
    "baselines": "Section: one line a location, location/coil or pattern of these, = "
    "first day/last day of a baseline that stays",
    "limits": "Section: one line a quantity, <section>.<column> = what is good, like < 3 or > 250",
}


class StabilityControlCollector(diamond.collector.Collector):  # type: ignore[misc]
    """Publishes what is judged of the scans that Graphite has, beside their coils."""

    def collect(self) -> None:
        """Judges what has news since the last run.

        What there is no time or no room in Diamond's queue for is done in the next run.
        """
        try:
            while self._publish_waiting() and stability_collector.time_left() > 0:
                metrics = next(self._round, None)
                if metrics is None:
                    self._begin()
                    break
                self._waiting.extend(metrics)
        except Problem as problem:
            self._begin()
            self.log.error("StabilityControlCollector: nothing is judged: %s", problem.message)

    def _publish_waiting(self) -> bool:
        """Publishes what waits as fast as Diamond's queue has room for it; whether it is done."""
        while self._waiting:
            free, _ = self._sender.queue_room()
            batch = [self._waiting.popleft() for _ in range(int(min(free, len(self._waiting))))]
            self._sender.publish_all(batch)
            self._sender.flush()
            if not batch:
                if stability_collector.time_left() <= NAP:
                    return False
                time.sleep(NAP)
        return True

    def _begin(self) -> None:
        """Has the next run begin with the first coil; else it goes on where the last one ended."""
        self._round: Iterator[Metrics] = self._judge.run()

    def get_default_config_help(self) -> Any:
        """The keys of the configuration, each with a sentence (dict of str)."""
        config_help = super().get_default_config_help()
        config_help.update(KEYS)
        return config_help

    def get_default_config(self) -> Any:
        """The configuration of which the administrator has said nothing (dict)."""
        config = super().get_default_config()
        config.update({key: {} for key in KEYS}, interval=300)
        return config

    def process_config(self) -> None:
        """Reads and checks the configuration, and that of the StabilityCollector.

        Raises DiamondException naming the key, the value and what is allowed.
        """
        super().process_config()
        try:
            stability_settings.require_known(self.config, KEYS, self.get_default_config())
            accepted = rules.read(self.config)
        except (RulesError, stability_settings.SettingsError) as error:
            raise DiamondException(f"StabilityControlCollector: {error}") from None
        if not self.config["enabled"]:
            return
        self._sender = stability_collector.StabilityCollector(
            configfile=self.configfile, handlers=self.handlers
        )
        self._judge = Judge(Site(Path(self.configfile or ""), {}, self._sender), accepted)
        self._waiting: deque[Any] = deque()
        self._begin()
