"""Alert rules for Grafana's own alerting, as its provisioning files have them.

Rules know no dashboard variables: they ask the data source that is provisioned with them, for all
locations of any number of levels.
"""

from __future__ import annotations

from typing import NamedTuple

from grafana import queries
from grafana.panels import Json
from grafana.quantities import series
from hops.quantities import GHOST, WATCHED, Bad, Quantity
from hops.times import DAY, HOUR

FOLDER = "MRI stability"
DATASOURCE_UID = "hops-graphite"
EXPRESSION = "__expr__"

NO_SCAN_DAYS = 4  # a weekday's scan is missed on the next working day even after a weekend
GHOST_LEVEL = 3
RECENT = 7 * DAY

# The path of a series is in its name. No dollar sign: provisioning files would expand it.
WHERE = (
    r'{{ reReplaceAll "^.*StabilityCollector\\." "" .Labels.name'
    r' | reReplaceAll "\\.(SNR|SI|SIfit|ghost|ingest)\\..*" "" }}'
)


class Rule(NamedTuple):
    """When to alert: the newest value of a series of `query` in `seconds` is beyond `limit`."""

    uid: str
    title: str
    query: str
    seconds: int
    limit: float
    summary: str
    description: str
    wait: str = "0s"
    is_low_bad: bool = False
    no_data: str = "OK"


def alert_rules(prefix: str) -> Json:
    """The provisioning file: rules on scans every hour, on their ingest every ten minutes."""
    scans = [_deviation(quantity, prefix) for quantity in WATCHED] + [_ghost_level(prefix)]
    return {
        "apiVersion": 1,
        "groups": [
            _group("scans", "1h", scans),
            _group("ingest", "10m", [_no_scan(prefix), _rejected(prefix), _unconfirmed(prefix)]),
        ],
    }


def _deviation(quantity: Quantity, prefix: str) -> Rule:
    is_low_bad = quantity.bad is Bad.LOW
    deviation = queries.deviation(series(quantity, "%"))
    side = "below" if is_low_bad else "above"
    name = quantity.name if quantity.name.isupper() else quantity.name.lower()
    return Rule(
        uid=f"hops-{quantity.column.replace('.', '-').lower()}",
        title=f"{quantity.name} out of control",
        query=queries.for_each_coil(prefix, quantity.column, deviation),
        seconds=RECENT,
        limit=-queries.SIGMAS if is_low_bad else queries.SIGMAS,
        summary=f"{WHERE}: {name} is out of control",
        description=(
            f"In the last scan of {WHERE} the {name}, averaged over all slices, is "
            '{{ printf "%.1f" .Values.B.Value }} standard deviations from the mean of its own '
            f"history: further than {queries.SIGMAS} {side}. {quantity.help}. Look at the "
            "phantom's place and scan it again. If it stays, compare coils and slices on the "
            "scanner's page: one coil points at the coil, all coils at the scanner; call service."
        ),
        is_low_bad=is_low_bad,
    )


def _ghost_level(prefix: str) -> Rule:
    return Rule(
        uid="hops-ghost-level",
        title=f"Ghost level above {GHOST_LEVEL} %",
        query=queries.for_each_coil(prefix, GHOST.column, queries.daily(series(GHOST, "%"))),
        seconds=RECENT,
        limit=GHOST_LEVEL,
        summary=f"{WHERE}: ghost level above {GHOST_LEVEL} %",
        description=(
            f"In the last scan of {WHERE} the ghost level, averaged over all slices, is "
            '{{ printf "%.2f" .Values.B.Value }}. The report does not say in which unit; percent '
            "the signal is usual, and the limit takes it for that. Scan again; if it stays, look "
            "at its trend on the scanner's page, and ask service for shim and eddy currents."
        ),
    )


def _no_scan(prefix: str) -> Rule:
    return Rule(
        uid="hops-no-scan",
        title=f"No scan for {NO_SCAN_DAYS} days",
        query=_ingest(prefix, "seconds_since_last_scan"),
        seconds=2 * HOUR,
        limit=NO_SCAN_DAYS * DAY,
        summary=f"{WHERE}: no scan for {NO_SCAN_DAYS} days",
        description=(
            f"The newest report of {WHERE} is older than {NO_SCAN_DAYS} days. Was the phantom "
            "scanned? If it was, see whether the report is on the share, and whether the share is "
            "there. Without any data, Diamond does not run, or does not reach Graphite."
        ),
        no_data="Alerting",
    )


def _rejected(prefix: str) -> Rule:
    return Rule(
        uid="hops-rejected",
        title="Reports rejected",
        query=_ingest(prefix, "rejected"),
        seconds=2 * HOUR,
        limit=0,
        wait="1h",
        summary=f"{WHERE}: reports were rejected",
        description=(
            f"Some reports of {WHERE} could not be read, and lie in the Rejected folder of the "
            "share, each with a .reason.txt that says why. Ask for the report again or put it "
            "right, and move it back. The count begins anew when Diamond reads its configuration: "
            "pkill -HUP diamond3."
        ),
    )


def _unconfirmed(prefix: str) -> Rule:
    return Rule(
        uid="hops-unconfirmed",
        title="Reports not in Graphite",
        query=_ingest(prefix, "unconfirmed"),
        seconds=2 * HOUR,
        limit=0,
        wait="1h",
        summary=f"{WHERE}: Graphite does not show the reports",
        description=(
            f"Reports of {WHERE} have been published for an hour, and Graphite does not show all "
            "of their values. They stay on the share and are published again. See the collector's "
            "log for how many are missing, and the ingest page for carbon: down, disk full, or "
            "MAX_CREATES_PER_MINUTE too small?"
        ),
    )


def _ingest(prefix: str, name: str) -> str:
    return f"consolidateBy({queries.any_location(prefix, f'ingest.{name}')},'last')"


def _group(name: str, interval: str, rules: list[Rule]) -> Json:
    return {
        "orgId": 1,
        "name": name,
        "folder": FOLDER,
        "interval": interval,
        "rules": [_rule(rule) for rule in rules],
    }


def _rule(rule: Rule) -> Json:
    """The query A, its newest value B, and whether that is beyond the limit: C."""
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "for": rule.wait,
        "noDataState": rule.no_data,
        "execErrState": "Error",
        "annotations": {"summary": rule.summary, "description": rule.description},
        "labels": {"source": "hops"},
        "data": [
            {
                "refId": "A",
                "relativeTimeRange": {"from": rule.seconds, "to": 0},
                "datasourceUid": DATASOURCE_UID,
                "model": {"refId": "A", "target": rule.query, "textEditor": True},
            },
            _expression(
                "B", type="reduce", expression="A", reducer="last", settings={"mode": "dropNN"}
            ),
            _expression("C", type="threshold", expression="B", conditions=[_condition(rule)]),
        ],
    }


def _condition(rule: Rule) -> Json:
    return {
        "type": "query",
        "evaluator": {"type": "lt" if rule.is_low_bad else "gt", "params": [rule.limit]},
        "operator": {"type": "and"},
        "query": {"params": ["C"]},
        "reducer": {"type": "last", "params": []},
    }


def _expression(ref_id: str, **model: object) -> Json:
    return {
        "refId": ref_id,
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": EXPRESSION,
        "model": {
            "refId": ref_id,
            "datasource": {"type": EXPRESSION, "uid": EXPRESSION},
            **model,
        },
    }
