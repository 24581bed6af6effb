"""A site's graphite-web: the metrics it knows, what they hold, and its events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import stability_graphite
from hops.errors import Problem

# Years of a fine retention take graphite-web a while.
TIMEOUT = 300
NAP = 1  # seconds

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

    def __init__(self, reason: str, todo: str) -> None:
        super().__init__(f"{reason}: {todo}.")
        self.reason = reason
        self.todo = todo


class GraphiteWeb:
    """A graphite-web. Every method raises GraphiteProblem when it does not answer as it should.

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

    def expand(self, pattern: str) -> list[str]:
        """The paths of the nodes, series or what is above them, that a pattern fits."""
        return self._ask("/metrics/expand", {"query": pattern}, _paths)

    def series(self, target: str, since: int, until: int) -> dict[str, Series]:
        """{name: values} of `target` in the slots that hold `since` to `until`, both epochs.

        `target`: a metric path, maybe with `*`, or any of Graphite's functions.
        """
        # Whisper leaves out the slot that `from` is in.
        period = {"from": since - 1, "until": until}
        return self._render(_series, target=target, noNullPoints="true", **period)

    def slots(self, target: str, since: int, until: int) -> dict[str, list[int]]:
        """{name: epochs}: the slots after `since` that the series of `target` have up to `until`,
        both epochs, whether there is a value in them or not."""
        return self._render(_slots, target=target, until=until, **{"from": since})

    def now(self) -> int:
        """The epoch that it is for Graphite."""
        # Drawn from `from` to now, by Graphite's own clock.
        return self._render(_latest, target="constantLine(0)", **{"from": "-1min"})

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
        starts = self._render(_first_epochs, target=path, maxDataPoints=1, **{"from": 1})
        return min(starts, default=None)

    def events(self, since: int, until: int) -> list[Event]:
        """The events from `since` to `until`, both epochs, oldest first."""
        return self._ask("/events/get_data", {"from": since, "until": until}, _events)

    def add_event(self, event: Event) -> None:
        """Makes an event."""
        content = {"what": event.what, "tags": sorted(event.tags), "when": event.epoch}
        body = json.dumps({**content, "data": ""}).encode()
        ask = self._graphite.ask
        _once(lambda: ask("/events/", {}, lambda answer: answer, self._timeout, body))

    def _render(self, read: Callable[[Any], T], **query: object) -> T:
        return self._ask("/render", {**query, "format": "json", "noCache": "true"}, read)

    def _ask(self, path: str, query: Mapping[str, object], read: Callable[[Any], T]) -> T:
        found: T = _answer(lambda: self._graphite.ask(path, query, read, self._timeout))
        return found


def _answer(ask: Callable[[], T]) -> T:
    """What `ask` returns. What is no answer is asked for once more, a moment later: graphite-web
    answers 500 where carbon is just making the file of a series."""
    try:
        return ask()
    except stability_graphite.GraphiteAway as error:
        raise _problem(error) from None
    except stability_graphite.GraphiteError:
        time.sleep(NAP)
    return _once(ask)


def _once(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except stability_graphite.GraphiteError as error:
        raise _problem(error) from None


def _problem(error: stability_graphite.GraphiteError) -> GraphiteProblem:
    return GraphiteProblem(str(error), error.todo)


def _paths(answer: Any) -> list[str]:
    return [str(path) for path in answer["results"]]


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
    events = (
        Event(int(event["when"]), " ".join(event["what"].split()), frozenset(event["tags"]))
        for event in answer
    )
    return sorted(events, key=lambda event: (event.epoch, event.what))
