"""Whether the reports arrive: the collector's own metrics, and carbon's."""

from __future__ import annotations

from typing import NamedTuple

from grafana import queries, variables
from grafana.dashboard import Placed, Row, dashboard, service_notes
from grafana.panels import Json, Shown, Steps, from_zero, tiles, trend
from grafana.variables import INGEST, Site
from hops.times import DAY

UID = "hops-ingest"
THIRD, HALF, HEIGHT = 8, 12, 7

# Points across a page.
SCREEN = 1000
# So that one report does not look like a mountain.
FEW_REPORTS = 5

BAD: Steps = ((None, "green"), (1, "red"))


class Count(NamedTuple):
    """What the collector says of each location."""

    title: str
    name: str
    meaning: str
    unit: str = "none"
    least_top: float = FEW_REPORTS


WAITING = Count(
    "Waiting",
    "waiting",
    "Reports in the scanner's folder. A few seconds are normal; hours are not",
)
UNCONFIRMED = Count(
    "Unconfirmed",
    "unconfirmed",
    "Reports that are published, and that Graphite does not show: carbon is down, busy, or may not "
    "create their series. They stay in the folder and are published again",
)
REJECTED = Count(
    "Rejected",
    "rejected",
    "Reports that are no reports, since Diamond read its configuration. Each lies in the Rejected "
    "folder, with a file that says why",
)
UNREADABLE = Count(
    "Unreadable",
    "unreadable",
    "Files with reports' names that the system refuses to show: see their rights",
)
INGESTED = Count("Ingested", "ingested", "Reports archived since Diamond read its configuration")
LAST = Count(
    "Time since the last scan",
    "seconds_since_last_scan",
    "Age of the scanner's newest scan, archived or waiting",
    "s",
    DAY,
)
OLDEST = Count(
    "Oldest scan that waits",
    "oldest_waiting_seconds",
    "Age of the oldest scan that waits in the folder",
    "s",
    DAY,
)
STUCK = Count(
    "Folder does not answer",
    "stuck_seconds",
    "For how long the scanner's share has not answered; 0 when it does",
    "s",
    3600,
)

COUNTS = (WAITING, UNCONFIRMED, REJECTED, UNREADABLE, INGESTED, LAST, OLDEST, STUCK)

# What carbon calls it; go-carbon too, or behind a comma.
CARBON = (
    (
        "Points received",
        "metricsReceived,tcp.metricsReceived",
        "Points that carbon took in, a minute.",
    ),
    (
        "Points written",
        "committedPoints,persister.committedPoints",
        "Points that carbon wrote to whisper files, a minute.",
    ),
    ("Series created", "creates,persister.created", "New whisper files, a minute."),
    (
        "Series not created",
        "droppedCreates",
        "Points of new series that carbon dropped because of MAX_CREATES_PER_MINUTE, a minute. "
        "Anything but 0 delays the first report of a coil. go-carbon refuses none.",
    ),
    ("Points in the cache", "cache.size", "Points received, not yet written."),
    (
        "Cache overflows",
        "cache.overflow",
        "Times the cache was full and points were dropped, a minute: raise MAX_CACHE_SIZE.",
    ),
    ("Errors", "errors,tcp.errors", "Errors of carbon when it writes, a minute: see its log."),
)


def ingest(site: Site) -> Json:
    return dashboard(
        UID,
        "MRI stability: ingest",
        "Reports on their way into Graphite, and the health of Diamond and carbon.",
        [
            Row(
                "Now",
                [
                    Placed(_now(site, WAITING, ((None, "green"), (1, "orange"))), 6, 5),
                    *(Placed(_now(site, each, BAD), 6, 5) for each in (UNCONFIRMED, REJECTED)),
                    Placed(_now(site, STUCK, ((None, "green"), (60, "red"))), 6, 5),
                ],
            ),
            Row(
                "Reports",
                [Placed(_over_time(site, each), HALF, HEIGHT) for each in COUNTS],
            ),
            Row("Carbon", [Placed(_carbon(*panel), THIRD, HEIGHT) for panel in CARBON]),
        ],
        variables.ingest(site),
        [service_notes("Service notes", ["service"], "purple")],
        since="now-7d",
    )


def _by_location(series: str) -> str:
    return queries.renamed(series, rf"^.*StabilityCollector\.(.*)\.{INGEST}\..*", r"\1")


def _now(site: Site, count: Count, thresholds: Steps) -> Json:
    return tiles(
        Shown(f"{count.title} now", f"{count.meaning}. By location.", count.unit, 0),
        [_by_location(queries.newest(f"{site.location}.{INGEST}.{count.name}"))],
        thresholds,
    )


def _over_time(site: Site, count: Count) -> Json:
    panel = trend(
        Shown(
            count.title,
            f"{count.meaning}. A line for each location.",
            count.unit,
            1 if count.unit == "s" else 0,
        ),
        [_by_location(queries.greatest(f"{site.location}.{INGEST}.{count.name}"))],
        points=SCREEN,
    )
    return from_zero(panel, count.least_top)


def _carbon(title: str, name: str, meaning: str) -> Json:
    names = ",".join(f"carbon.agents.*.{each}" for each in name.split(","))
    series = queries.greatest(f"group({names})" if "," in name else names)
    panel = trend(
        Shown(title, f"{meaning} A line for each carbon.", "none", 0),
        [queries.renamed(series, r"^.*agents\.([^.]*)\..*", r"\1")],
        points=SCREEN,
    )
    panel["fieldConfig"]["defaults"]["noValue"] = "Carbon keeps no metrics of itself here"
    return from_zero(panel, FEW_REPORTS)
