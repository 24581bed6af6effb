"""Alert rules for Grafana's own alerting, as its provisioning files have them.

Rules know no dashboard variables: they ask the data source that is provisioned with them, for all
locations and coils at once. What they ask for is stored, and is what the pages show.

A rule that has no answer, or an error instead of one, has no labels of a series: no text may
take one for granted. No text has a dollar sign, which provisioning files would expand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from grafana import queries
from grafana.fleet import NO_SCAN_DAYS
from grafana.panels import Json
from grafana.variables import CONTROL, INGEST, SCANNER_UID, Site
from hops.control import WIDTH
from hops.quantities import QUANTITIES, WATCHED, Bad, Quantity
from hops.times import DAY, HOUR

FOLDER = "MRI stability"
DATASOURCE_UID = "hops-graphite"
EXPRESSION = "__expr__"

RECENT = 7 * DAY
# Graphite finds a series for some hours after its last point before the time that is asked for: so
# long a silent collector is told of. And more points than 500 Grafana does not ask for.
SILENT = 3 * DAY
# Slots without a point that are silence: of the collector's minutes, and of the judge's hours.
SILENT_MINUTES = 120
SILENT_HOURS = 3
STUCK = 10 * 60


class About(NamedTuple):
    """The series that a rule asks for, below a location, and how its texts name one."""

    where: str
    labels: dict[str, str]
    link: str = ""


class Rule(NamedTuple):
    """When to alert: the newest value of a series of `query` in `seconds` meets the `condition`.

    `summary` and `description` are of one series, `nothing` of when none was got.
    """

    uid: str
    title: str
    query: str
    about: About
    seconds: int
    condition: Json
    summary: str
    description: str
    nothing: str
    wait: str = "0s"
    no_data: str = "OK"
    is_silence: bool = False


def alert_rules(site: Site) -> Json:
    """The provisioning file: rules on scans every ten minutes, and on their ingest, and texts."""
    scans = [_deviation(quantity, site) for quantity in WATCHED] + [_own_limit(site)]
    ingest = [
        _no_scan(site),
        _silence(site),
        _judge_silence(site),
        _rejected(site),
        _unconfirmed(site),
        _unreadable(site),
        _stuck(site),
    ]
    return {
        "apiVersion": 1,
        "groups": [_group("scans", "10m", scans), _group("ingest", "10m", ingest)],
        "templates": [{"orgId": 1, "name": "hops", "template": MESSAGE}],
    }


# -- what is told ------------------------------------------------------------------------------

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


def _one(text: str) -> str:
    """A text of one series; empty without a series."""
    return _either(text, "")


def _either(one: str, none: str) -> str:
    """The text of one series, or that of an answer without any."""
    otherwise = f"{{{{ else }}}}{none}" if none else ""
    return f"{{{{ if .Labels.name }}}}{one}{otherwise}{{{{ end }}}}"


def _cut(*patterns: str) -> str:
    """The path of the series without what each of the patterns finds."""
    return _replaced((pattern, "") for pattern in patterns)


def _replaced(changes: Iterable[tuple[str, str]]) -> str:
    cuts = [f"reReplaceAll {json.dumps(pattern)} {json.dumps(text)}" for pattern, text in changes]
    return f"{{{{ .Labels.name | {' | '.join(cuts)} }}}}"


_HEAD = r"^.*StabilityCollector\."
_LOCATION = _replaced([(_HEAD, ""), (rf"\.({CONTROL}|{INGEST})\..*", ""), (r"\.", " ")])
_COIL = _cut(rf"^.*\.{CONTROL}\.", r"\..*")
_COLUMN = rf"^.*\.{CONTROL}\.[^.]*\."
_QUANTITY = _replaced(
    [
        (_COLUMN, ""),
        (r"\.over_limit", ""),
        *((f"^{each.column}", each.name) for each in QUANTITIES),
    ]
)


_OF_SCANNER = About(_LOCATION, {"location": _one(_LOCATION)})


def _of_coil(site: Site, quantity: str) -> About:
    nodes = [
        f"var-{level}=" + _cut(rf"{_HEAD}([^.]*\.){{{index}}}", r"\..*")
        for index, level in enumerate(site.levels)
    ]
    choices = "&".join([*nodes, f"var-coil={_COIL}"])
    return About(
        f"{_LOCATION}, coil {_COIL}",
        {"location": _one(_LOCATION), "coil": _one(_COIL), "quantity": quantity},
        _one(f"{{{{ externalURL }}}}d/{SCANNER_UID}?{choices}"),
    )


# -- the rules ---------------------------------------------------------------------------------


def _deviation(quantity: Quantity, site: Site) -> Rule:
    is_low_bad = quantity.bad is Bad.LOW
    about = _of_coil(site, quantity.name)
    series = f"{_all(site, CONTROL)}.*.{quantity.column}.sigmas"
    name = quantity.name if quantity.name.isupper() else quantity.name.lower()
    return Rule(
        uid=f"hops-{quantity.column.replace('.', '-').lower()}",
        title=f"{quantity.name} out of control",
        query=queries.newest(series),
        about=about,
        seconds=RECENT,
        condition=_beyond("lt", -WIDTH) if is_low_bad else _beyond("gt", WIDTH),
        summary=f"{quantity.name} out of control: {about.where}",
        description=(
            f"In the last scan of {about.where} the {name}, averaged over all slices, is "
            f"{_number('%.1f')}standard deviations from the centre line of its own history: "
            f"further than {WIDTH} {'below' if is_low_bad else 'above'}. {quantity.help}. Look at "
            "the phantom's place and scan it again. If it stays, compare coils and slices on the "
            "scanner's page: one coil points at the coil, all coils at the scanner; call service."
        ),
        nothing=f"whether the {name} of any coil is out of control",
    )


def _own_limit(site: Site) -> Rule:
    about = _of_coil(site, _one(_QUANTITY))
    return Rule(
        uid="hops-own-limit",
        title="Beyond the site's own limit",
        query=queries.newest(f"{_all(site, CONTROL)}.*.*.*.over_limit"),
        about=about,
        seconds=RECENT,
        condition=_beyond("gt", 0),
        summary=f"{_QUANTITY} beyond the site's limit: {about.where}",
        description=(
            f"In the last scan of {about.where} the quantity {_QUANTITY}, averaged over all "
            f"slices, is {_number('%.3g')}beyond the limit that the site has set for it. Scan the "
            "phantom again. If it stays, look at its trend on the scanner's page, and call service."
        ),
        nothing="whether any coil is beyond a limit of the site's own",
    )


def _no_scan(site: Site) -> Rule:
    return Rule(
        uid="hops-no-scan",
        title=f"No scan for {NO_SCAN_DAYS} days",
        query=queries.newest(f"{_all(site, INGEST)}.seconds_since_last_scan"),
        about=_OF_SCANNER,
        seconds=DAY,
        condition=_beyond("gt", NO_SCAN_DAYS * DAY),
        summary=f"No scan for {NO_SCAN_DAYS} days: {_LOCATION}",
        description=(
            f"The newest report of {_LOCATION} is older than {NO_SCAN_DAYS} days. Was the phantom "
            "scanned? If it was, see whether the report is on the share."
        ),
        nothing="when any scanner was last scanned",
    )


def _silence(site: Site) -> Rule:
    return Rule(
        uid="hops-silence",
        title="Collector silent",
        query=queries.kept(f"{_all(site, INGEST)}.waiting", SILENT_MINUTES),
        about=_OF_SCANNER,
        seconds=SILENT,
        condition=_beyond("lt", 0),
        summary=f"Collector silent: {_LOCATION}",
        description=(
            f"For two hours nothing was heard of the collector that looks after {_LOCATION}, and "
            "nobody knows whether reports wait. See whether Diamond runs, whether the share is "
            "there, and whether carbon takes what Diamond sends: hops doctor."
        ),
        nothing="whether any collector is alive: it may be that none is, or carbon",
        no_data="Alerting",
        is_silence=True,
    )


def _judge_silence(site: Site) -> Rule:
    about = _of_coil(site, "")
    return Rule(
        uid="hops-judge-silence",
        title="Scans not judged",
        query=queries.kept(f"{_all(site, CONTROL)}.*.days_to_learn", SILENT_HOURS),
        about=about,
        seconds=SILENT,
        condition=_beyond("lt", 0),
        summary=f"Scans not judged: {about.where}",
        description=(
            f"For hours nobody has judged the scans of {about.where}: pages and alerts are those "
            "of then. See the log of StabilityControlCollector, or of hops judge."
        ),
        nothing="whether scans are judged: it may be that StabilityControlCollector is not enabled",
        no_data="Alerting",
        is_silence=True,
    )


def _rejected(site: Site) -> Rule:
    return Rule(
        uid="hops-rejected",
        title="Reports rejected",
        query=queries.newest(f"{_all(site, INGEST)}.rejected"),
        about=_OF_SCANNER,
        seconds=2 * HOUR,
        condition=_beyond("gt", 0),
        wait="1h",
        summary=f"Reports rejected: {_LOCATION}",
        description=(
            f"Some reports of {_LOCATION} could not be read, and lie in the Rejected folder of the "
            "share, each with a .reason.txt that says why. Ask for the report again or put it "
            "right, and move it back. The count begins anew when Diamond reads its configuration: "
            "pkill -HUP diamond3."
        ),
        nothing="whether reports were rejected",
    )


def _unconfirmed(site: Site) -> Rule:
    return Rule(
        uid="hops-unconfirmed",
        title="Reports not in Graphite",
        query=queries.newest(f"{_all(site, INGEST)}.unconfirmed"),
        about=_OF_SCANNER,
        seconds=2 * HOUR,
        condition=_beyond("gt", 0),
        wait="1h",
        summary=f"Reports not in Graphite: {_LOCATION}",
        description=(
            f"Reports of {_LOCATION} have been published for an hour, and Graphite does not show "
            "all of their values. They stay on the share and are published again. See the "
            "collector's log for how many are missing, and the ingest page for carbon: down, disk "
            "full, or MAX_CREATES_PER_MINUTE too small?"
        ),
        nothing="whether reports are in Graphite",
    )


def _unreadable(site: Site) -> Rule:
    return Rule(
        uid="hops-unreadable",
        title="Reports unreadable",
        query=queries.newest(f"{_all(site, INGEST)}.unreadable"),
        about=_OF_SCANNER,
        seconds=2 * HOUR,
        condition=_beyond("gt", 0),
        wait="1h",
        summary=f"Reports unreadable: {_LOCATION}",
        description=(
            f"The system has refused for an hour to show some reports of {_LOCATION} to Diamond's "
            "user. See the rights of these files on the share; the collector's log names them."
        ),
        nothing="whether reports can be read",
    )


def _stuck(site: Site) -> Rule:
    return Rule(
        uid="hops-stuck",
        title="Share does not answer",
        query=queries.newest(f"{_all(site, INGEST)}.stuck_seconds"),
        about=_OF_SCANNER,
        seconds=2 * HOUR,
        condition=_beyond("gt", STUCK),
        summary=f"Share does not answer: {_LOCATION}",
        description=(
            f"The share of {_LOCATION} has not answered for {_number('%.0f')}seconds. Its reports "
            "wait on the scanner's side. See whether its server is there, and whether the mount "
            "hangs."
        ),
        nothing="whether shares answer",
    )


def _all(site: Site, beside: str) -> str:
    """What is called so at all locations."""
    return f"{site.prefix}.StabilityCollector.{'.'.join('*' * len(site.levels))}.{beside}"


def _number(form: str) -> str:
    """The newest value and a blank, where there is one."""
    return f'{{{{ with .Values.B }}}}{{{{ printf "{form}" .Value }}}} {{{{ end }}}}'


def _beyond(which: str, limit: float) -> Json:
    evaluator = {"type": which, "params": [limit]}
    return {
        "type": "query",
        "evaluator": evaluator,
        "operator": {"type": "and"},
        "query": {"params": ["C"]},
        "reducer": {"type": "last", "params": []},
    }


def _group(name: str, interval: str, rules: list[Rule]) -> Json:
    return {
        "orgId": 1,
        "name": name,
        "folder": FOLDER,
        "interval": interval,
        "rules": [_rule(rule) for rule in rules],
    }


def _rule(rule: Rule) -> Json:
    """The query A, its newest value B, and whether that meets the condition: C."""
    nothing = (
        f"Grafana got no values from Graphite, so that nobody knows {rule.nothing}. See whether "
        "graphite-web answers, in time and without an error, and whether carbon writes."
    )
    # Where the newest slot is empty, silence is -1.
    silence = {"mode": "replaceNN", "replaceWithValue": -1}
    mode = silence if rule.is_silence else {"mode": "dropNN"}
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "for": rule.wait,
        "noDataState": rule.no_data,
        "execErrState": "Error",
        "annotations": {
            "summary": _either(rule.summary, f"{rule.title}? Nothing heard from Graphite"),
            "description": _either(rule.description, nothing),
            **({"trends": rule.about.link} if rule.about.link else {}),
        },
        "labels": {"source": "hops", **rule.about.labels},
        "data": [
            {
                "refId": "A",
                "relativeTimeRange": {"from": rule.seconds, "to": 0},
                "datasourceUid": DATASOURCE_UID,
                "model": {"refId": "A", "target": rule.query, "textEditor": True},
            },
            _expression("B", type="reduce", expression="A", reducer="last", settings=mode),
            _expression("C", type="threshold", expression="B", conditions=[rule.condition]),
        ],
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
