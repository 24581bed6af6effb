"""What Graphite has of a scanner, asked of graphite-web."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from statistics import fmean
from typing import Any, TypeVar

import stability_report
from hops.report.quantities import QUANTITIES, Quantity

# Years of a fine retention take graphite-web a while.
TIMEOUT = 300
DAY = 86400
# Deeper than any location is.
LEVELS = range(1, 9)
SECTIONS = "{" + ",".join(sorted({each.column.split(".")[0] for each in QUANTITIES})) + "}"

Answer = TypeVar("Answer")

Series = dict[int, float]
"""Values by epoch."""


class DataError(Exception):
    """Graphite has not what was asked for: a sentence with what, where, and what to do."""


@dataclass(frozen=True)
class Note:
    """A service note: when it was (epoch), and what was done."""

    epoch: int
    text: str


@dataclass(frozen=True)
class CoilData:
    """The values of a coil: of each quantity in each slice, and the notes of its scanner."""

    location: str
    coil: str
    values: Mapping[Quantity, Mapping[int, Series]]
    notes: Sequence[Note]

    @cached_property
    def scans(self) -> list[int]:
        """When there are values, in order."""
        return sorted(
            {
                epoch
                for slices in self.values.values()
                for series in slices.values()
                for epoch in series
            }
        )

    @cached_property
    def slices(self) -> list[int]:
        """The numbers of the slices, in order."""
        return sorted({number for slices in self.values.values() for number in slices})

    def mean(self, quantity: Quantity) -> Series:
        """The mean of a quantity over the slices that each scan has."""
        return {epoch: fmean(values) for epoch, values in self.by_scan(quantity).items()}

    def by_scan(self, quantity: Quantity) -> dict[int, list[float]]:
        """The values of all slices in each scan, in the order of the scans."""
        found: dict[int, list[float]] = defaultdict(list)
        for series in self.values.get(quantity, {}).values():
            for epoch, value in series.items():
                found[epoch].append(value)
        return {epoch: found[epoch] for epoch in sorted(found)}

    def time(self, epoch: int) -> datetime:
        """An epoch as this machine's local time, without time zone.

        Where Graphite has only days left it is UTC's, as a day there begins at midnight UTC.
        """
        if all(scan % DAY == 0 for scan in self.scans):
            return datetime.fromtimestamp(epoch, timezone.utc).replace(tzinfo=None)
        return datetime.fromtimestamp(epoch)


class Graphite:
    """A graphite-web and where in it the Stability metrics are."""

    def __init__(self, url: str, prefix: str) -> None:
        """`url`: with `user:password@` before the host where needed; `prefix`: what comes before
        the location in the metric paths, maybe with `*`.

        Raises DataError when `url` is none.
        """
        try:
            parts = urllib.parse.urlsplit(url)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise DataError(f"{url!r} is no address of a Graphite: expected http://host:8080.")
        host = parts.netloc.rpartition("@")[2]
        self.address = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
        self.prefix = prefix.strip(".")
        self._headers = {"Accept": "application/json"}
        if parts.username:
            account = ":".join(map(urllib.parse.unquote, (parts.username, parts.password or "")))
            encoded = base64.b64encode(account.encode()).decode()
            self._headers["Authorization"] = f"Basic {encoded}"

    def scanners(self) -> list[str]:
        """The locations of all scanners. Raises DataError."""
        depth = len(self.prefix.split("."))
        found = set()
        for levels in LEVELS:
            query = ".".join([self.prefix, *"*" * levels, "*", SECTIONS])
            for path in self._find(query):
                found.add("/".join(path.split(".")[depth:-2]))
        return sorted(found)

    def coils(self, location: str) -> list[str]:
        """The coils of a scanner, in natural order. Raises DataError."""
        paths = self._find(f"{self.path(location)}.*.{SECTIONS}")
        return sorted({path.split(".")[-2] for path in paths}, key=_natural)

    def values(self, location: str, coil: str, since: int, until: int) -> CoilData:
        """What the coil has from `since` to `until`, both epochs. Raises DataError."""
        path = f"{self.path(location)}.{coil}"
        values = {
            quantity: self._slices(f"{path}.{quantity.column}.*", since, until)
            for quantity in QUANTITIES
        }
        return CoilData(location, coil, values, self.notes(location, since, until))

    def notes(self, location: str, since: int, until: int) -> list[Note]:
        """The Graphite events that are tagged with the location, with slashes or dots.

        Raises DataError.
        """
        tags = {location, location.replace("/", ".")}
        events = self._get("/events/get_data", _events, **{"from": since, "until": until})
        return [note for note, its in events if tags & its]

    def path(self, location: str) -> str:
        """What the metric paths of a scanner begin with. Raises ValueError for a bad location."""
        return f"{self.prefix}.{stability_report.location_path(location)}"

    def _slices(self, target: str, since: int, until: int) -> dict[int, Series]:
        """{slice: values} of the series that a pattern fits, which ends with the slice."""
        return self._get(
            "/render",
            _series,
            target=target,
            # Whisper leaves out the slot that `from` is in.
            **{"from": since - 1, "until": until},
            format="json",
            noNullPoints="true",
        )

    def _find(self, query: str) -> list[str]:
        """The paths of the nodes that a pattern fits."""
        return self._get("/metrics/expand", _paths, query=query)

    def _get(self, path: str, read: Callable[[Any], Answer], **query: str | int) -> Answer:
        """What `read` makes of Graphite's JSON."""
        address = f"{self.address}{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(address, headers=self._headers)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=TIMEOUT) as answer:
                return read(json.load(answer))
        except urllib.error.HTTPError as error:
            error.close()
            raise DataError(
                f"Graphite at {self.address} answered {error.code} {error.reason} to {path}: look "
                "into its log."
            ) from None
        except urllib.error.URLError as error:
            raise DataError(
                f"Graphite at {self.address} does not answer ({error.reason}): start it, or name "
                "another with --graphite."
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise DataError(
                f"Graphite at {self.address} broke off its answer ({error}): try again."
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise DataError(
                f"{address} did not answer as a Graphite does: is --graphite its address?"
            ) from None


def _paths(answer: Any) -> list[str]:
    return [str(path) for path in answer["results"]]


def _series(answer: Any) -> dict[int, Series]:
    """By slice. A scanner whose collector moved to another host has series under both."""
    found: dict[int, Series] = defaultdict(dict)
    for one in answer:
        number = one["target"].rpartition(".")[2]
        points = [point for point in one["datapoints"] if point[0] is not None]
        if number.isdigit() and points:
            found[int(number)].update((int(epoch), float(value)) for value, epoch in points)
    return {number: found[number] for number in sorted(found)}


def _events(answer: Any) -> list[tuple[Note, set[str]]]:
    """With their tags, the oldest first."""
    events = (
        (Note(int(event["when"]), " ".join(event["what"].split())), set(event["tags"]))
        for event in answer
    )
    return sorted(events, key=lambda event: (event[0].epoch, event[0].text))


def _natural(coil: str) -> tuple[bool, int, str]:
    """Sorts 8 before 64, and both before names."""
    return (False, int(coil), "") if coil.isdigit() else (True, 0, coil)
