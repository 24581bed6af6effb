"""A site's Graphite: the metrics it knows, what they hold, and its events.

It may be a graphite-web, or what answers like one: carbonapi, VictoriaMetrics.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import stability_graphite
from hops.errors import Problem

# Years of a fine retention take graphite-web a while.
TIMEOUT = 300
NAP = 1  # seconds
# All the time there is, in few slots: VictoriaMetrics shows every slot there could be, of a step
# that can be asked for. Others do not heed that.
ALL_OF_IT = {"from": 1, "storage_step": "1d"}

T = TypeVar("T")

Series = dict[int, float]
"""Values by epoch."""


@dataclass(frozen=True)
class Event:
    """What happened when (epoch), and what it is tagged with."""

    epoch: int
    what: str
    tags: frozenset[str]


class GraphiteProblem(Problem):
    """What Graphite said instead of an answer (`reason`), and what to do about it (`todo`)."""

    def __init__(self, error: stability_graphite.GraphiteError) -> None:
        super().__init__(f"{error}: {error.todo}.")
        self.error = error
        self.reason = str(error)
        self.todo: str = error.todo


class GraphiteWeb:
    """A Graphite that is asked over HTTP. Every method raises GraphiteProblem when it does not
    answer as it should.

    Attribute: `address`, the URL without user name and password.
    """

    def __init__(self, graphite: Any, timeout: float = TIMEOUT) -> None:
        """`graphite`: the `stability_graphite.Graphite` that is asked; `timeout`: in seconds, of
        each answer."""
        self._graphite = graphite
        self._timeout = timeout
        self.address: str = graphite.address

    @classmethod
    def at(cls, url: str) -> GraphiteWeb:
        """The graphite-web at `url`, which has `user:password@` before the host where needed.

        Raises Problem when it is none.
        """
        try:
            return cls(stability_graphite.Graphite(url))
        except ValueError as error:
            raise Problem(f"This is no address of a Graphite: {error}.") from None

    @cached_property
    def has_retentions(self) -> bool:
        """Whether each series has slots, and an age that they reach, as in a whisper file.

        In VictoriaMetrics none has: it shows a series in the slots of its own options, and where
        nothing of it is stored, it knows no such series.
        """
        # It alone answers this with a bare list.
        return self._ask("/metrics/expand", {"query": "*"}, lambda found: isinstance(found, dict))

    def expand(self, pattern: str) -> list[str]:
        """The paths of the nodes, series or what is above them, that a pattern fits."""
        return self._ask("/metrics/expand", {"query": pattern}, _paths)

    def series(self, target: str, since: int, until: int) -> dict[str, Series]:
        """{path: values} of `target`, a path or a pattern, in the slots from `since` to `until`,
        both epochs. A long answer is had in pieces."""
        # Whisper leaves out the slot that `from` is in, VictoriaMetrics one that begins at `until`.
        period = {"from": since - 1, "until": until + 1}
        try:
            found = self._render(_series, target=target, noNullPoints="true", **period)
        except GraphiteProblem as problem:
            if not isinstance(problem.error, stability_graphite.GraphiteTooLong) or since >= until:
                raise
            middle = (since + until) // 2
            found = self.series(target, since, middle)
            for path, values in self.series(target, middle + 1, until).items():
                found.setdefault(path, {}).update(values)
            return found
        return {
            path: {epoch: value for epoch, value in values.items() if since <= epoch <= until}
            for path, values in found.items()
        }

    def epochs(self, target: str) -> list[int]:
        """When the series of `target`, a path or a pattern, ever had a value, to within a slot or a
        day, in order."""
        found = self._render(_series, target=target, noNullPoints="true", **ALL_OF_IT)
        return sorted({epoch for series in found.values() for epoch in series})

    def slots(self, target: str, since: int, until: int) -> dict[str, list[int]]:
        """{name: epochs}: the slots after `since` that the series of `target` have up to `until`,
        both epochs, whether there is a value in them or not."""
        return self._render(_slots, target=target, until=until, **{"from": since})

    def now(self) -> int:
        """The epoch that it is for Graphite."""
        # Drawn from `from` to now, by Graphite's own clock.
        minute = {"from": "-1min", "storage_step": "1s"}
        return self._render(_latest, target="constantLine(0)", **minute)

    def points(self, target: str, epochs: Collection[int]) -> dict[int, dict[str, float]]:
        """{epoch: {metric path: value}}: what the series of `target`, a path or a pattern, hold in
        the slots of the `epochs`, however long a slot is at their age."""
        return dict(_answer(lambda: self._graphite.points(target, epochs, self._timeout)))

    def exactly(self, target: str, epoch: int) -> dict[str, tuple[int, float | None]]:
        """{metric path: (slot, value)}: the slot of each series in which `epoch` is kept, and what
        it holds, from the archive that holds it; without those that keep nothing of that age."""
        return dict(_answer(lambda: self._graphite.exactly(target, epoch, self._timeout)))

    def step(self, path: str, epoch: int) -> int | None:
        """How many seconds a slot has in which a series keeps a point of `epoch` now; None when
        there is no such series, or it keeps nothing of that age."""
        found: int | None = _answer(lambda: self._graphite.step(path, epoch, self._timeout))
        return found

    def kept_since(self, path: str) -> int | None:
        """The epoch from which on Graphite keeps values of a series; None when there is none."""
        # One value for all of the time that is kept.
        starts = self._render(_first_epochs, target=path, maxDataPoints=1, **ALL_OF_IT)
        return min(starts, default=None)

    def events(self, since: int, until: int) -> list[Event] | None:
        """The events from `since` to `until`, both epochs, oldest first; None from what has no
        events: VictoriaMetrics, or carbonapi, which answers with a page of text."""
        try:
            return self._ask("/events/get_data", {"from": since, "until": until}, _events)
        except GraphiteProblem as problem:
            if isinstance(problem.error, stability_graphite.GraphiteUnable):
                return None
            raise

    def add_event(self, event: Event) -> None:
        body = json.dumps({**content(event), "data": ""}).encode()
        ask = self._graphite.ask
        _once(lambda: ask("/events/", {}, lambda answer: answer, self._timeout, body))

    def _render(self, read: Callable[[Any], T], **query: object) -> T:
        return self._ask("/render", {**query, "format": "json", "noCache": "true"}, read)

    def _ask(self, path: str, query: Mapping[str, object], read: Callable[[Any], T]) -> T:
        found: T = _answer(lambda: self._graphite.ask(path, query, read, self._timeout))
        return found


_FOR_GOOD = (
    stability_graphite.GraphiteAway,
    stability_graphite.GraphiteTooLong,
    stability_graphite.GraphiteUnable,
)


def _answer(ask: Callable[[], T]) -> T:
    """What `ask` returns. What is no answer is asked for once more, a moment later: graphite-web
    answers 500 where carbon is just making the file of a series."""
    try:
        return ask()
    except _FOR_GOOD as error:
        raise GraphiteProblem(error) from None
    except stability_graphite.GraphiteError:
        time.sleep(NAP)
    return _once(ask)


def _once(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except stability_graphite.GraphiteError as error:
        raise GraphiteProblem(error) from None


def _paths(answer: Any) -> list[str]:
    found = answer["results"] if isinstance(answer, dict) else answer
    # VictoriaMetrics puts a dot behind what is above series.
    return [str(path).rstrip(".") for path in found]


def _series(answer: Any) -> dict[str, Series]:
    return {
        str(one["target"]): {
            int(epoch): float(value) for value, epoch in one["datapoints"] if value is not None
        }
        for one in answer
    }


def _slots(answer: Any) -> dict[str, list[int]]:
    return {str(one["target"]): [int(epoch) for _, epoch in one["datapoints"]] for one in answer}


def _latest(answer: Any) -> int:
    return max(epoch for epochs in _slots(answer).values() for epoch in epochs)


def _first_epochs(answer: Any) -> list[int]:
    return [int(epoch) for one in answer for _, epoch in one["datapoints"][:1]]


def _events(answer: Any) -> list[Event]:
    return sorted(map(event, answer), key=lambda each: (each.epoch, each.what))


def event(content: Any) -> Event:
    """The event that Graphite's JSON says. Raises one of what `stability_graphite.ask` expects."""
    what = " ".join(content["what"].split())
    return Event(int(content["when"]), what, frozenset(content["tags"]))


def content(event: Event) -> dict[str, object]:
    """An event as Graphite's JSON says it."""
    return {"what": event.what, "tags": sorted(event.tags), "when": event.epoch}
