"""The trends of a scanner and coil, or of several: control charts, slices, raw against fitted."""

from __future__ import annotations

from grafana import queries, variables
from grafana.dashboard import Placed, Row, dashboard, service_notes
from grafana.fleet import SCANNER_UID
from grafana.panels import (
    CENTRE,
    LOWER,
    OUT,
    SLICES_POINTS,
    UPPER,
    Json,
    Shown,
    control_chart,
    heat_map,
    trend,
)
from grafana.quantities import HOW_LIMITS, out_of_control, series, shown
from grafana.variables import COIL, Site
from hops.quantities import FIT, SIGNAL, SNR, WATCHED, Quantity

SLICES = "$slice"
HALF, CHART = 12, 8


def scanner(site: Site) -> Json:
    return dashboard(
        SCANNER_UID,
        "MRI stability: scanner",
        "Trends of one scanner and coil, or of several one above the other.",
        [
            Row(
                "Trends: $path",
                [*map(_chart, (*WATCHED, SIGNAL)), Placed(_slice_map(), HALF, CHART)],
                repeat="path",
            ),
            Row(
                "Slice by slice: $path",
                [*map(_slices, (*WATCHED, SIGNAL))],
                repeat="path",
                folded=True,
            ),
            Row(
                "Raw and fitted: $path",
                [
                    Placed(_raw_and_fitted("P2Ppct", "Peak to peak", "drift"), HALF, CHART),
                    Placed(
                        _raw_and_fitted("sdpct", "Standard deviation", "fluctuation"), HALF, CHART
                    ),
                ],
                repeat="path",
                folded=True,
            ),
            Row("Fit: $path", [*map(_chart, FIT)], repeat="path", folded=True),
        ],
        [
            variables.datasource(),
            variables.prefix(site),
            *variables.coils(site),
            variables.some_paths(site),
            variables.slices(site),
            variables.location_of_path(site),
        ],
        [
            service_notes("Service notes", ["$location"], "purple"),
            service_notes("Notes of all scanners", ["service"], "blue", enabled=False),
        ],
        since="now-1y",
    )


def _chart(quantity: Quantity) -> Placed:
    metric = series(quantity, COIL, SLICES)
    limits = queries.limits(metric)
    panel = control_chart(
        shown(quantity, f"Mean of the chosen slices. {HOW_LIMITS}."),
        [
            queries.named(queries.scans(metric), quantity.name),
            queries.named(limits.centre, CENTRE),
            queries.named(limits.lower, LOWER),
            queries.named(limits.upper, UPPER),
            queries.named(out_of_control(quantity, metric), OUT),
        ],
    )
    return Placed(panel, HALF, CHART)


def _slice_map() -> Json:
    return heat_map(
        Shown(
            "SNR, slice by week",
            "Mean of each week, in percent of the slice's own centre line: mean of the 44 weeks "
            "that ended eight weeks before. A coil element that fails shows as a red band at the "
            "slices near it.",
            "percent",
            1,
        ),
        [queries.weeks_by_slice(series(SNR, COIL, SLICES))],
        least=90,
        most=110,
    )


def _slices(quantity: Quantity) -> Placed:
    panel = trend(
        shown(quantity, "A line for each chosen slice.", f"{quantity.name} of each slice"),
        [queries.by_slice(series(quantity, COIL, SLICES))],
        points=SLICES_POINTS,
    )
    return Placed(panel, HALF, CHART)


def _raw_and_fitted(column: str, title: str, what: str) -> Json:
    return trend(
        Shown(
            f"{title}: raw and fitted",
            f"{title} of the signal over the scan in percent of its mean, as measured (SI) and "
            "with the fitted polynomial taken out (SIfit). Mean of the chosen slices. What lies "
            f"between the two is slow drift; for {what} look at "
            + ("SI." if what == "drift" else "SIfit."),
            "percent",
            3,
        ),
        [
            queries.named(queries.scans(f"{COIL}.SI.{column}.{SLICES}"), "raw (SI)"),
            queries.named(queries.scans(f"{COIL}.SIfit.{column}.{SLICES}"), "fitted (SIfit)"),
        ],
    )
