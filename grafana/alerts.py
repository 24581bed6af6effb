"""Alert rules for Grafana's own alerting, as its provisioning files have them.

Rules know no dashboard variables: they ask the data source that is provisioned with them, for all
locations and coils at once. What they ask for is stored, and is what the pages show.

A rule that has no answer, or an error instead of one, has no labels of a series: no text may
take one for granted. No text has a dollar sign, which provisioning files would expand.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from grafana import queries
from grafana.fleet import NO_SCAN_DAYS
from grafana.panels import Json
from grafana.variables import CONTROL, INGEST, SCANNER_UID, Site
from hops.control import EWMA_WIDTH, WIDTH
from hops.quantities import QUANTITIES, WATCHED, Bad, Quantity
from hops.times import DAY, HOUR

FOLDER = "MRI stability"
DATASOURCE_UID = "hops-graphite"
EXPRESSION = "__expr__"

RECENT = 7 * DAY
# Graphite finds a series for some hours after its last point before the time that is asked for: so
# long a silent collector is told of. And more points than 500 Grafana does not ask for.
SILENT = 3 * DAY

# -- what a text says of its series ----------------------------------------------------------------


def _one(text: str, none: str = "") -> str:
    """The text of one series, or that of an answer without any."""
    otherwise = f"{{{{ else }}}}{none}" if none else ""
    return f"{{{{ if .Labels.name }}}}{text}{otherwise}{{{{ end }}}}"


def _path(*changes: tuple[str, str]) -> str:
    """The path of the series with each pattern that is found in it replaced by a text."""
    cuts = [f"reReplaceAll {json.dumps(pattern)} {json.dumps(text)}" for pattern, text in changes]
    return f"{{{{ .Labels.name | {' | '.join(cuts)} }}}}"


def _value(form: str) -> str:
    """The newest value and a blank, where there is one."""
    return f'{{{{ with .Values.B }}}}{{{{ printf "{form}" .Value }}}} {{{{ end }}}}'


_HEAD = r"^.*StabilityCollector\."
LOCATION = _path((_HEAD, ""), (rf"\.({CONTROL}|{INGEST})\..*", ""), (r"\.", " "))
COIL = _path((rf"^.*\.{CONTROL}\.", ""), (r"\..*", ""))
_NAMES = [(f"^{each.column}", each.name) for each in QUANTITIES]
QUANTITY = _path((rf"^.*\.{CONTROL}\.[^.]*\.", ""), (r"\.over_limit", ""), *_NAMES)
ONE_COIL = f"{LOCATION}, coil {COIL}"

# -- the rules -------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """When to alert: the newest value of a series in `seconds` is `beyond` a limit.

    The series is `path` beside a location's coils; one below `control` is of a coil, and a
    `quantity`. `description` is of one series, and so is `subject` where the title is not enough;
    `nothing` is of when none was got. A rule with `silent_slots` is on no point for so long.
    """

    uid: str
    title: str
    path: str
    description: str
    nothing: str
    subject: str = ""
    quantity: str = ""
    beyond: tuple[str, float] = ("gt", 0)
    seconds: int = 2 * HOUR
    wait: str = "0s"
    silent_slots: int = 0

    @property
    def is_of_coil(self) -> bool:
        return self.path.startswith(CONTROL)

    @property
    def summary(self) -> str:
        return f"{self.subject or self.title}: {ONE_COIL if self.is_of_coil else LOCATION}"


def _deviation(quantity: Quantity) -> Rule:
    return _beyond(
        quantity,
        f"{quantity.name} out of control",
        "sigmas",
        WIDTH,
        f"In the last scan of {ONE_COIL} the {_named(quantity)}, averaged over all slices, is",
        "Look at the phantom's place and scan it again. If it stays, compare coils and slices on "
        "the scanner's page: one coil points at the coil, all coils at the scanner.",
        f"whether the {_named(quantity)} of any coil is out of control",
    )


def _slow_change(quantity: Quantity) -> Rule:
    return _beyond(
        quantity,
        f"{quantity.name} changes slowly",
        "ewma_sigmas",
        EWMA_WIDTH,
        f"Over the last scans of {ONE_COIL} the {_named(quantity)} has moved. Its average is",
        "No scan need be out of control. See on the scanner's page since when, how much it has "
        "changed over the year, and which coils and slices change.",
        f"whether the {_named(quantity)} of any coil changes slowly",
    )


def _named(quantity: Quantity) -> str:
    return quantity.name if quantity.name.isupper() else quantity.name.lower()


def _beyond(
    quantity: Quantity, title: str, series: str, width: int, what: str, first: str, nothing: str
) -> Rule:
    """Of a series of sigmas beyond a `width` on the side that matters."""
    is_low_bad = quantity.bad is Bad.LOW
    return Rule(
        "-".join(["hops", *quantity.column.lower().split("."), *series.split("_")[:-1]]),
        title,
        f"{CONTROL}.*.{quantity.column}.{series}",
        f"{what} {_value('%.1f')}standard deviations from the centre line of its own history: "
        f"further than {width} {'below' if is_low_bad else 'above'}. {quantity.help}. {first} "
        f"{quantity.remedy}.",
        nothing,
        quantity=quantity.name,
        beyond=("lt", -width) if is_low_bad else ("gt", width),
        seconds=RECENT,
    )


SCANS = [
    *map(_deviation, WATCHED),
    *map(_slow_change, WATCHED),
    Rule(
        "hops-own-limit",
        "Beyond the site's own limit",
        f"{CONTROL}.*.*.*.over_limit",
        f"In the last scan of {ONE_COIL} the quantity {QUANTITY}, averaged over all slices, is "
        f"{_value('%.3g')}beyond the limit that the site has set for it. Scan the phantom again. "
        "If it stays, look at its trend on the scanner's page, and call service.",
        "whether any coil is beyond a limit of the site's own",
        subject=f"{QUANTITY} beyond the site's limit",
        quantity=_one(QUANTITY),
        seconds=RECENT,
    ),
]

INGESTS = [
    Rule(
        "hops-no-scan",
        f"No scan for {NO_SCAN_DAYS} days",
        f"{INGEST}.seconds_since_last_scan",
        f"The newest report of {LOCATION} is older than {NO_SCAN_DAYS} days. Was the phantom "
        "scanned? If it was, see whether the report is on the share.",
        "when any scanner was last scanned",
        beyond=("gt", NO_SCAN_DAYS * DAY),
        seconds=DAY,
    ),
    Rule(
        "hops-silence",
        "Collector silent",
        f"{INGEST}.waiting",
        f"For two hours nothing was heard of the collector that looks after {LOCATION}, and "
        "nobody knows whether reports wait. See whether Diamond runs, whether the share is "
        "there, and whether carbon takes what Diamond sends: hops doctor.",
        "whether any collector is alive: it may be that none is, or carbon",
        silent_slots=120,  # the collector's minutes
    ),
    Rule(
        "hops-judge-silence",
        "Scans not judged",
        f"{CONTROL}.*.days_to_learn",
        f"For hours nobody has judged the scans of {ONE_COIL}: pages and alerts are those "
        "of then. See the log of StabilityControlCollector, or of hops judge.",
        "whether scans are judged: it may be that StabilityControlCollector is not enabled",
        silent_slots=3,  # the judge's hours
    ),
    Rule(
        "hops-rejected",
        "Reports rejected",
        f"{INGEST}.rejected",
        f"Some reports of {LOCATION} could not be read, and lie in the Rejected folder of the "
        "share, each with a .reason.txt that says why. Ask for the report again or put it "
        "right, and move it back. The count begins anew when Diamond reads its configuration: "
        "pkill -HUP diamond3.",
        "whether reports were rejected",
        wait="1h",
    ),
    Rule(
        "hops-unconfirmed",
        "Reports not in Graphite",
        f"{INGEST}.unconfirmed",
        f"Reports of {LOCATION} have been published for an hour, and Graphite does not show "
        "all of their values. They stay on the share and are published again. See the "
        "collector's log for how many are missing, and the ingest page for carbon: down, disk "
        "full, or MAX_CREATES_PER_MINUTE too small?",
        "whether reports are in Graphite",
        wait="1h",
    ),
    Rule(
        "hops-unreadable",
        "Reports unreadable",
        f"{INGEST}.unreadable",
        f"The system has refused for an hour to show some reports of {LOCATION} to Diamond's "
        "user. See the rights of these files on the share; the collector's log names them.",
        "whether reports can be read",
        wait="1h",
    ),
    Rule(
        "hops-stuck",
        "Share does not answer",
        f"{INGEST}.stuck_seconds",
        f"The share of {LOCATION} has not answered for {_value('%.0f')}seconds. Its reports "
        "wait on the scanner's side. See whether its server is there, and whether the mount "
        "hangs.",
        "whether shares answer",
        beyond=("gt", 600),
    ),
]

# A contact point chooses it: {{ template "hops.title" . }}, {{ template "hops.message" . }}.
MESSAGE = """\
{{ define "hops.title" -}}
{{ with .Alerts.Firing }}{{ len . }} to look at{{ else }}Well again{{ end }}: MRI stability
{{- end }}
{{ define "hops.message" -}}
{{ range .Alerts.Firing }}{{ template "hops.alert" . }}{{ end -}}
{{ with .Alerts.Resolved }}Well again:
{{ range . }}- {{ with .Annotations.summary }}{{ . }}{{ end }}
{{ end }}{{ end -}}
{{ end }}
{{ define "hops.alert" -}}
{{ with .Annotations.summary }}{{ . }}
{{ end }}{{ with .Annotations.description }}{{ . }}
{{ end }}{{ with .Annotations.trends }}{{ . }}
{{ end }}
{{ end }}
"""

# -- as Grafana reads them -------------------------------------------------------------------------


def alert_rules(site: Site) -> Json:
    """The provisioning file: rules on scans every ten minutes, and on their ingest, and texts."""
    groups = [_group("scans", SCANS, site), _group("ingest", INGESTS, site)]
    templates = [{"orgId": 1, "name": "hops", "template": MESSAGE}]
    return {"apiVersion": 1, "groups": groups, "templates": templates}


def _group(name: str, rules: list[Rule], site: Site) -> Json:
    group = {"orgId": 1, "name": name, "folder": FOLDER, "interval": "10m"}
    return {**group, "rules": [_rule(rule, site) for rule in rules]}


def _rule(rule: Rule, site: Site) -> Json:
    """The query A, its newest value B, and whether that is beyond the limit: C."""
    nothing = (
        f"Grafana got no values from Graphite, so that nobody knows {rule.nothing}. See whether "
        "graphite-web answers, in time and without an error, and whether carbon writes."
    )
    labels = {"source": "hops", "location": _one(LOCATION)}
    annotations = {
        "summary": _one(rule.summary, f"{rule.title}? Nothing heard from Graphite"),
        "description": _one(rule.description, nothing),
    }
    if rule.is_of_coil:
        labels.update(coil=_one(COIL), quantity=rule.quantity)
        annotations["trends"] = _one(_scanner_page(site))
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "for": rule.wait,
        "noDataState": "Alerting" if rule.silent_slots else "OK",
        "execErrState": "Error",
        "annotations": annotations,
        "labels": labels,
        "data": _steps(rule, site),
    }


def _steps(rule: Rule, site: Site) -> list[Json]:
    series = f"{site.prefix}.StabilityCollector.{'.'.join('*' * len(site.levels))}.{rule.path}"
    query, seconds = queries.newest(series), rule.seconds
    mode: Json = {"mode": "dropNN"}
    which, limit = rule.beyond
    if rule.silent_slots:  # an empty slot is made -1
        query, seconds = queries.kept(series, rule.silent_slots), SILENT
        mode = {"mode": "replaceNN", "replaceWithValue": -1}
        which, limit = "lt", 0
    condition = {
        "type": "query",
        "evaluator": {"type": which, "params": [limit]},
        "operator": {"type": "and"},
        "query": {"params": ["C"]},
        "reducer": {"type": "last", "params": []},
    }
    return [
        {
            "refId": "A",
            "relativeTimeRange": {"from": seconds, "to": 0},
            "datasourceUid": DATASOURCE_UID,
            "model": {"refId": "A", "target": query, "textEditor": True},
        },
        _expression("B", type="reduce", expression="A", reducer="last", settings=mode),
        _expression("C", type="threshold", expression="B", conditions=[condition]),
    ]


def _expression(ref_id: str, **model: object) -> Json:
    return {
        "refId": ref_id,
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": EXPRESSION,
        "model": {"refId": ref_id, "datasource": {"type": EXPRESSION, "uid": EXPRESSION}, **model},
    }


def _scanner_page(site: Site) -> str:
    nodes = [
        f"var-{level}=" + _path((rf"{_HEAD}([^.]*\.){{{index}}}", ""), (r"\..*", ""))
        for index, level in enumerate(site.levels)
    ]
    choices = "&".join([*nodes, f"var-coil={COIL}"])
    return f"{{{{ externalURL }}}}d/{SCANNER_UID}?{choices}"
