"""The page for the morning: every scanner and coil in a row, each judged by its own history."""

from __future__ import annotations

from grafana import queries, variables
from grafana.dashboard import Placed, Row, dashboard, service_notes
from grafana.panels import Json, Shown, of_last_month, threshold_override, tiles
from grafana.quantities import series, shown
from grafana.variables import COIL, Site
from hops.quantities import WATCHED, Bad, Quantity
from hops.times import DAY

UID = "hops-fleet"
SCANNER_UID = "hops-scanner"

DEVIATION = "from centre line"
DEVIATION_UNIT = "suffix: \N{GREEK SMALL LETTER SIGMA}"

# A coil that is scanned on two weekdays rests for up to five days.
AGES = ((None, "green"), (5 * DAY, "orange"), (8 * DAY, "red"))


def fleet(site: Site) -> Json:
    return dashboard(
        UID,
        "MRI stability: fleet",
        "The last scan of every scanner and coil, and how far it is from its own history.",
        [Row("$path", [Placed(_last_scan(), 4, 4), *map(_tile, WATCHED)], repeat="path")],
        [
            variables.datasource(),
            variables.prefix(site),
            *variables.coils(site),
            variables.all_paths(site),
        ],
        [service_notes("Service notes", ["service"], "purple")],
        since="now-1y",
    )


def _tile(quantity: Quantity) -> Placed:
    metric = series(quantity, COIL)
    sigmas = queries.SIGMAS
    if quantity.bad is Bad.LOW:
        side, colors = "below", ((None, "red"), (-sigmas, "green"))
    else:
        side, colors = "above", ((None, "green"), (sigmas, "red"))
    panel = tiles(
        shown(
            quantity,
            f"Mean of all slices in the last scan; beside it how many standard deviations it is "
            f"from the centre line of its own history, red when more than {sigmas} {side}.",
        ),
        [
            queries.named(f"consolidateBy({queries.daily(metric)},'last')", "last scan"),
            queries.named(f"consolidateBy({queries.deviation(metric)},'last')", DEVIATION),
        ],
        [(None, "text")],
        [threshold_override(DEVIATION, DEVIATION_UNIT, 1, colors)],
    )
    return Placed(_linked(panel), 5, 4)


def _last_scan() -> Json:
    """How long ago the last scan was."""
    panel = tiles(
        Shown(
            "Last scan",
            "Time since the last scan, to within a slot of Graphite's retention; orange after five "
            "days, red after eight.",
            "s",
            1,
        ),
        [queries.named(f"consolidateBy({queries.age(f'{COIL}.SNR.mean.*')},'last')", "ago")],
        AGES,
        sparkline=False,
    )
    return _linked(of_last_month(panel, "none in 30 days"))


def _linked(panel: Json) -> Json:
    """Leads from the title, and from the number, to the scanner's page at this coil."""
    link = {
        "title": "Trends of $path",
        "url": f"/d/{SCANNER_UID}?var-path=${{path:percentencode}}"
        "&var-prefix=${prefix:percentencode}&var-datasource=${datasource:percentencode}&${__url_time_range}",
        "targetBlank": False,
    }
    panel["links"] = [link]
    panel["fieldConfig"]["defaults"]["links"] = [link]
    return panel
