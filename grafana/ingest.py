"""Whether the reports arrive: the collector's own metrics, and carbon's."""

from __future__ import annotations

from grafana import queries, variables
from grafana.dashboard import Placed, Row, dashboard, service_notes
from grafana.panels import Json, Shown, of_last_month, tiles, trend
from grafana.variables import INGEST, Site
from hops.times import DAY

UID = "hops-ingest"
THIRD, HALF, HEIGHT = 8, 12, 7

# Points across a page.
SCREEN = 1000


def ingest(site: Site) -> Json:
    return dashboard(
        UID,
        "MRI stability: ingest",
        "Reports on their way into Graphite, and the health of Diamond and carbon.",
        [
            Row(
                "Now",
                [
                    Placed(_count(site, "Waiting", "waiting", WAITING), 6, 5),
                    Placed(_count(site, "Unconfirmed", "unconfirmed", UNCONFIRMED), 6, 5),
                    Placed(_count(site, "Rejected", "rejected", REJECTED), 6, 5),
                    Placed(_silence(site), 6, 5),
                ],
            ),
            Row(
                "Reports",
                [
                    Placed(_trend(site, "Waiting", "waiting", WAITING), HALF, HEIGHT),
                    Placed(_trend(site, "Unconfirmed", "unconfirmed", UNCONFIRMED), HALF, HEIGHT),
                    Placed(_trend(site, "Rejected", "rejected", REJECTED), HALF, HEIGHT),
                    Placed(_trend(site, "Ingested", "ingested", INGESTED), HALF, HEIGHT),
                    Placed(
                        _trend(
                            site, "Time since the last scan", "seconds_since_last_scan", LAST, "s"
                        ),
                        HALF,
                        HEIGHT,
                    ),
                    Placed(
                        _trend(
                            site, "Oldest scan that waits", "oldest_waiting_seconds", OLDEST, "s"
                        ),
                        HALF,
                        HEIGHT,
                    ),
                ],
            ),
            Row("Carbon", [Placed(_carbon(*panel), THIRD, HEIGHT) for panel in CARBON]),
        ],
        [variables.datasource(), variables.prefix(site), *variables.locations(site)],
        [service_notes("Service notes", ["service"], "purple")],
        since="now-7d",
    )


WAITING = "Reports in the scanner's folder. A few seconds are normal; hours are not"
UNCONFIRMED = (
    "Reports that are published, and that Graphite does not show: carbon is down, busy, or may not "
    "create their series. They stay in the folder and are published again"
)
REJECTED = (
    "Reports that are no reports, since Diamond read its configuration. Each lies in the Rejected "
    "folder, with a file that says why"
)
INGESTED = "Reports archived since Diamond read its configuration"
LAST = "Age of the scanner's newest scan, archived or waiting"
OLDEST = "Age of the oldest scan that waits in the folder"

CARBON = (
    ("Points received", "metricsReceived", "Points that carbon took in, a minute."),
    ("Points written", "committedPoints", "Points that carbon wrote to whisper files, a minute."),
    (
        "Series not created",
        "droppedCreates",
        "Points of new series that carbon dropped because of MAX_CREATES_PER_MINUTE, a minute. "
        "Anything but 0 delays the first report of a coil.",
    ),
    ("Points in the cache", "cache.size", "Points received, not yet written."),
    (
        "Cache overflows",
        "cache.overflow",
        "Times the cache was full and points were dropped, a minute: raise MAX_CACHE_SIZE.",
    ),
    ("Errors", "errors", "Errors of carbon when it writes, a minute: see its log."),
)


def _by_location(site: Site, name: str, consolidated: str) -> str:
    """`consolidated`: which value counts where there are more than there is room for."""
    series = f"consolidateBy({site.locations}.{INGEST}.{name},'{consolidated}')"
    return rf"aliasSub({series},'^.*StabilityCollector\.(.*)\.ingest\..*','\1')"


def _count(site: Site, title: str, name: str, meaning: str) -> Json:
    return tiles(
        Shown(title, f"{meaning}. By location; green is none.", "none", 0),
        [_by_location(site, name, "last")],
        [(None, "green"), (1, "orange" if name == "waiting" else "red")],
        sparkline=False,
    )


def _silence(site: Site) -> Json:
    panel = tiles(
        Shown(
            "Diamond's last word",
            "Time since the collector last said anything, which it does at every run. Orange after "
            "two hours, red after a day: see whether Diamond runs.",
            "s",
            0,
        ),
        [queries.named(queries.age(f"{site.locations}.{INGEST}.waiting"), "ago")],
        [(None, "green"), (2 * 3600, "orange"), (DAY, "red")],
        sparkline=False,
    )
    return of_last_month(panel, "nothing heard in 30 days")


def _trend(site: Site, title: str, name: str, meaning: str, unit: str = "none") -> Json:
    return trend(
        Shown(title, f"{meaning}. A line for each location.", unit, 0),
        [_by_location(site, name, "max")],
        points=SCREEN,
    )


def _carbon(title: str, name: str, meaning: str) -> Json:
    return trend(
        Shown(title, f"{meaning} A line for each carbon.", "none", 0),
        [rf"aliasSub(consolidateBy(carbon.agents.*.{name},'max'),'^.*agents\.([^.]*)\..*','\1')"],
        points=SCREEN,
    )
