"""The page for the morning: every scanner and coil in one table, the worst first."""

from __future__ import annotations

from grafana import queries, variables
from grafana.dashboard import Placed, Row, dashboard, service_notes
from grafana.panels import (
    VALUE,
    Json,
    Shown,
    Steps,
    alert_list,
    colored,
    count_above,
    override,
    sum_of_all,
    table,
    tiles,
)
from grafana.quantities import SIGMAS_UNIT, UNITS, by_side
from grafana.variables import INGEST, SCANNER_UID, Site
from hops.quantities import DRIFT_OF_FIT, FLUCTUATION, GHOST, WATCHED, Quantity
from hops.times import DAY

UID = "hops-fleet"

NO_SCAN_DAYS = 4  # a weekday's scan is missed on the next working day even after a weekend
# A row of Grafana's table has 36 pixels, which nothing changes.
FORTY_ROWS = 41
SIGMAS = "sigmas"
OUT, SLOW = "out_of_control", "slow_changes"
AGE, LEARNING = "seconds_since_last_scan", "days_to_learn"
SCANNER = "Scanner and coil"
# Where the name is wider than its numbers.
SHORT = {GHOST: "Ghost", DRIFT_OF_FIT: "Fit drift", FLUCTUATION: "Fluct."}

# A coil that is scanned on two weekdays rests for up to five days.
AGES = ((None, "transparent"), (5 * DAY, "orange"), (8 * DAY, "red"))
NONE_IS_FINE = ((None, "green"), (1, "red"))
FEW_ARE_FINE = ((None, "green"), (1, "orange"))
SOME_ARE_OUT = ((None, "transparent"), (1, "red"))
SOME_ARE_SLOW = ((None, "transparent"), (1, "purple"))


def fleet(site: Site) -> Json:
    return dashboard(
        UID,
        "MRI stability: fleet",
        "The last scan of every scanner and coil, and how far it is from its own history.",
        [
            Row(
                "",
                [
                    Placed(_out_of_control(site), 4, 4),
                    Placed(_without_a_scan(site), 4, 4),
                    Placed(_waiting(site), 4, 4),
                    Placed(_alerts(), 12, 4),
                    Placed(_table(site), 24, FORTY_ROWS),
                ],
            )
        ],
        variables.fleet(site),
        [service_notes("Service notes", ["service"], "purple")],
        since="now-90d",
    )


def _out_of_control(site: Site) -> Json:
    text = "Coils of which something was out of control, or beyond the site's limit, in the last"
    series = f"{site.control}.{OUT}"
    panel = _number("Coils out of control", f"{text} scan.", series, NONE_IS_FINE)
    return count_above(panel, 0)


def _without_a_scan(site: Site) -> Json:
    text = f"Scanners whose newest scan of any coil is more than {NO_SCAN_DAYS} days old."
    series = f"{site.location}.{INGEST}.{AGE}"
    panel = _number(f"No scan for {NO_SCAN_DAYS} days", text, series, NONE_IS_FINE)
    return count_above(panel, NO_SCAN_DAYS * DAY)


def _waiting(site: Site) -> Json:
    text = "Reports in the scanners' folders. A few for some seconds are normal; hours are not."
    series = f"{site.location}.{INGEST}.waiting"
    return sum_of_all(_number("Reports that wait", text, series, FEW_ARE_FINE))


def _number(title: str, text: str, series: str, thresholds: Steps) -> Json:
    values = [queries.named(queries.newest(series), "Value")]
    return tiles(Shown(title, text, "none", 0), values, thresholds)


def _alerts() -> Json:
    text = "What the alert rules say now. They ask for the same series as the table."
    return alert_list("Alerts", text, '{source="hops"}')


def _table(site: Site) -> Json:
    """Its rows are the choices of the scanners' page, as a link has them."""
    names = [*site.levels, "coil"]
    choices = "&".join(f"var-{name}=\\{index}" for index, name in enumerate(names, 1))
    path = r"^.*StabilityCollector\." + r"([^.]+)\." * len(site.levels) + r"control\.([^.]+)\."
    name = f'{{"row":"{choices}","column":"\\{len(names) + 1}"}}'
    columns = [OUT, SLOW, AGE]
    for quantity in WATCHED:
        columns += [f"{quantity.column}.{VALUE}", f"{quantity.column}.{SIGMAS}"]
    return table(
        Shown(
            "Scanners and coils",
            "The last scan in the time shown, mean of all slices, and how many standard deviations "
            "it is from the centre line of its own history: red beyond the limit on the side that "
            "matters. Slow: how many quantities change slowly, as their moving averages tell. The "
            "worst are first. A click on a row leads to its trends.",
            "none",
            0,
        ),
        [
            queries.renamed(
                queries.newest(f"{site.control}.{series}"), rf"{path}([^,()]+).*$", name
            )
            for series in (
                f"{{{OUT},{SLOW},{AGE},{LEARNING}}}",
                f"*.*.{{{VALUE},{SIGMAS}}}",
            )
        ],
        [*columns, LEARNING],
        SCANNER,
        [_first_column(site), *_states(), *(each for q in WATCHED for each in _cells(q))],
    )


def _first_column(site: Site) -> Json:
    """The choices in plain words, and the link with them."""
    parts = [rf"var-{name}=([^&]+)" for name in (*site.levels, "coil")]
    words = " ".join(f"${index}" for index in range(1, len(parts))) + f", coil ${len(parts)}"
    shown = {"pattern": f"/^{'&'.join(parts)}$/", "result": {"text": words, "index": 0}}
    link = {
        "title": "Trends",
        "url": f"/d/{SCANNER_UID}?${{__value.raw}}&var-prefix=${{prefix:percentencode}}"
        "&var-datasource=${datasource:percentencode}&${__url_time_range}",
    }
    names = [{"type": "regex", "options": shown}]
    return override(SCANNER, {"mappings": names, "links": [link], "custom.minWidth": 230})


def _states() -> list[Json]:
    fine = {"type": "value", "options": {"0": {"text": "in control", "index": 0}}}
    none = {"type": "value", "options": {"0": {"text": "", "index": 0}}}
    learning = {"displayName": "Learning", "unit": "suffix: days", "mappings": [none]}
    return [
        _filled(OUT, "State", 84, SOME_ARE_OUT, {"unit": "suffix: out", "mappings": [fine]}),
        _filled(SLOW, "Slow", 50, SOME_ARE_SLOW, {"mappings": [none]}),
        _filled(AGE, "Last scan", 84, AGES, {"unit": "s", "decimals": 1}),
        override(LEARNING, {**learning, "custom.width": 76}),
    ]


def _cells(quantity: Quantity) -> list[Json]:
    unit = UNITS.get(quantity.unit, "none")
    name = SHORT.get(quantity, quantity.name)
    value = {"displayName": name, "unit": unit, "decimals": quantity.decimals}
    sigmas = {"unit": SIGMAS_UNIT, "decimals": 1}
    colors = by_side(quantity, "transparent")
    return [
        override(f"{quantity.column}.{VALUE}", value),
        _filled(f"{quantity.column}.{SIGMAS}", "\N{GREEK SMALL LETTER SIGMA}", 56, colors, sigmas),
    ]


def _filled(column: str, title: str, width: int, thresholds: Steps, properties: Json) -> Json:
    """The `column` with cells in the colour of their value, as wide as 1280 pixels allow."""
    look = {"displayName": title, "custom.width": width}
    filled = {"custom.displayMode": "color-background-solid", **colored(thresholds)}
    return override(column, {**look, **properties, **filled})
