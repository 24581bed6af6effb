"""The trends of a scanner and coil: sigmas, slices, control charts, raw against fitted."""

from __future__ import annotations

from grafana import queries, variables
from grafana.dashboard import Placed, Row, dashboard, service_notes
from grafana.panels import (
    CHART,
    SLICES_POINTS,
    Json,
    Shown,
    bands,
    colored,
    control_chart,
    override,
    tiles,
    trend,
)
from grafana.quantities import SIGMAS_UNIT, by_side, chart_help, shown
from grafana.variables import SCANNER_UID, Site
from hops.control import WIDTH
from hops.quantities import FIT, SIGNAL, SNR, WATCHED, Quantity
from hops.times import DAY

SLICES = "$slice"
FULL, HALF, HEIGHT = 24, 12, 8
CHARTED = (*WATCHED, SIGNAL)

# Limits of single slices are wider than WIDTH, as there are many: the fault is redder, what is
# better is no fault.
SLICE_COLORS = (
    (None, "#67000d"),
    (-12, "#cb181d"),
    (-8, "#fb6a4a"),
    (-4, "#dfe3e8"),
    (4, "#9ecae1"),
)


def scanner(site: Site) -> Json:
    coil, reports = site.control, site.coils
    return dashboard(
        SCANNER_UID,
        "MRI stability: scanner",
        "Trends of one scanner and coil, or of several coils one above the other.",
        [
            Row(
                f"Coil $coil of {site.title}",
                [
                    Placed(_sigmas(coil), 16, 4),
                    Placed(_state(coil), 8, 4),
                    Placed(_slopes(coil), FULL, 3),
                    Placed(_slice_map(coil), FULL, 10),
                    *(Placed(_chart(coil, each), HALF, HEIGHT) for each in CHARTED),
                ],
                repeat="coil",
            ),
            Row(
                "Slice by slice: coil $coil",
                [placed for each in CHARTED for placed in _slice_panels(coil, reports, each)],
                repeat="coil",
                folded=True,
            ),
            Row(
                "Raw, fitted and the fit: coil $coil",
                [
                    *(
                        Placed(_raw_and_fitted(reports, *which), HALF, HEIGHT)
                        for which in (
                            ("P2Ppct", "Peak to peak", "drift"),
                            ("sdpct", "Standard deviation", "fluctuation"),
                        )
                    ),
                    *(Placed(_fit(reports, each), HALF, HEIGHT) for each in FIT),
                ],
                repeat="coil",
                folded=True,
            ),
        ],
        variables.scanner(site),
        [
            service_notes("Service notes", [site.title], "purple"),
            service_notes("All notes", ["service"], "blue", enabled=False),
        ],
        since="now-90d",
    )


def _sigmas(coil: str) -> Json:
    return tiles(
        Shown(
            "The last scan, from its centre line",
            f"How many standard deviations the last scan is from the centre line of its own "
            f"history: red when more than {WIDTH} away on the side that matters. 0 while the coil "
            "is learning.",
            SIGMAS_UNIT,
            1,
        ),
        [
            queries.named(queries.newest(queries.control(coil, each, "sigmas")), each.name)
            for each in CHARTED
        ],
        [(None, "green")],
        [override(each.name, colored(by_side(each, "green"))) for each in CHARTED],
    )


def _slopes(coil: str) -> Json:
    return tiles(
        Shown(
            "Change over the last year",
            "Slope of a line through the year that ended with the last scan, in percent a year, or "
            "since the last service note, and how far the truth may be from it either way (95 % "
            "confidence). A slope that is less than that is none. 0 and 0: less than six months.",
            "percent",
            1,
        ),
        [_slope(coil, each) for each in CHARTED],
        [(None, "text")],
    )


def _slope(coil: str, quantity: Quantity) -> str:
    """Both numbers by one query: Graphite spends its time on finding series."""
    both = queries.newest(queries.control(coil, quantity, "{slope,slope_margin}"))
    margin = f"{quantity.name} \N{PLUS-MINUS SIGN}"
    return queries.renamed(
        queries.renamed(both, ".*slope_margin.*", margin), ".*slope.*", quantity.name
    )


def _state(coil: str) -> Json:
    state = {"Last scan": "seconds_since_last_scan", "Days to learn": "days_to_learn"}
    return tiles(
        Shown(
            "State",
            "Time since the last scan of the coil, and days with scans that it still needs until "
            "there are limits: a new coil, or one since a service note, learns what is normal.",
            "none",
            0,
        ),
        [queries.named(queries.newest(f"{coil}.{name}"), title) for title, name in state.items()],
        [(None, "text")],
        [
            override(
                "Last scan",
                {
                    "unit": "s",
                    "decimals": 1,
                    **colored(((None, "text"), (5 * DAY, "orange"), (8 * DAY, "red"))),
                },
            ),
            override("Days to learn", colored(((None, "text"), (1, "orange")))),
        ],
    )


def _chart(coil: str, quantity: Quantity) -> Json:
    query = queries.lines(coil, quantity, CHART)
    return control_chart(shown(quantity, chart_help(quantity)), [query])


def _slice_map(coil: str) -> Json:
    return bands(
        Shown(
            "SNR, slice by slice",
            "How many standard deviations each slice is from the centre line of its own history, "
            "from one scan to the next. A coil element that fails shows as red bands of the slices "
            "near it. Pale is as always, blue is better.",
            SIGMAS_UNIT,
            1,
        ),
        [queries.by_slice(queries.control(coil, SNR, f"slices.{SLICES}"))],
        SLICE_COLORS,
    )


def _slice_panels(coil: str, reports: str, quantity: Quantity) -> list[Placed]:
    """Of what is computed, no value of a slice is stored."""
    values = [_slices(reports, quantity)] if quantity.derived is None else []
    panels = [*values, _slice_sigmas(coil, quantity)]
    return [Placed(panel, FULL // len(panels), HEIGHT) for panel in panels]


def _slices(reports: str, quantity: Quantity) -> Json:
    return trend(
        shown(quantity, "A line for each chosen slice.", f"{quantity.name} of each slice"),
        [queries.by_slice(queries.reports(reports, quantity.column, SLICES))],
        points=SLICES_POINTS,
    )


def _slice_sigmas(coil: str, quantity: Quantity) -> Json:
    return trend(
        Shown(
            f"{quantity.name} of each slice, from its centre line",
            f"{quantity.help}. How many standard deviations each chosen slice is from the centre "
            "line of its own history, so that slices of different level compare.",
            SIGMAS_UNIT,
            1,
        ),
        [queries.by_slice(queries.control(coil, quantity, f"slices.{SLICES}"))],
        points=SLICES_POINTS,
    )


def _raw_and_fitted(reports: str, column: str, title: str, what: str) -> Json:
    series = {"raw (SI)": f"SI.{column}", "fitted (SIfit)": f"SIfit.{column}"}
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
            queries.mean(queries.reports(reports, name, SLICES), title)
            for title, name in series.items()
        ],
    )


def _fit(reports: str, quantity: Quantity) -> Json:
    looks = shown(quantity, "Mean of the chosen slices.")
    if quantity.decimals > 3:
        looks = looks._replace(unit="sci", decimals=2)
    return trend(
        looks, [queries.mean(queries.reports(reports, quantity.column, SLICES), quantity.name)]
    )
