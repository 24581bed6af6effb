"""Dashboards as a Grafana would ask for them: variables chosen and put into queries, and sent."""

import json
import re
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, build_opener

TIMEOUT = 120
ALL = "$__all"
VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")


class Page:
    """A dashboard opened on the Graphite at `url`, for the seconds `since` to `until`.

    `values` is what is chosen: a text, or a list where several may be.
    """

    def __init__(self, dashboard, url, since, until, **chosen):
        self.dashboard = dashboard
        self.url = url
        self.since = since
        self.until = until
        self.values = {}
        self.options = {}
        # In the order of what depends on what.
        variables = dashboard["templating"]["list"]
        for variable in sorted(variables, key=lambda each: each["type"] == "query"):
            name = variable["name"]
            self.options[name] = self._options(variable)
            self.values[name] = chosen.get(name, self._initial(variable))

    def panels(self):
        """(panel, choices) of every panel with queries, once for each repetition of its row."""
        row = None
        for panel in self.dashboard["panels"]:
            if panel["type"] != "row":
                yield from self._repeated(panel, row)
                continue
            row = panel
            for folded in panel["panels"]:
                yield from self._repeated(folded, row)

    def answers(self, panel, choices):
        """{series: {seconds: value}} without nulls, for each of the panel's queries.

        Grafana asks all at once, and since version 11 has Graphite put a query's letter into the
        names of its series.
        """
        queries = {target["refId"]: target["target"] for target in panel["targets"]}
        answer = ask(
            f"{self.url}/render",
            target=[
                rf'aliasSub({self.fill(query, choices)}, "(^.*$)", "\1 {letter}")'
                for letter, query in queries.items()
            ],
            until=self.until,
            maxDataPoints=panel["maxDataPoints"],
            format="json",
            **{"from": self.since},
        )
        found = {letter: {} for letter in queries}
        for series in answer:
            name, _, letter = series["target"].rpartition(" ")
            found[letter][name] = {
                seconds: value for value, seconds in series["datapoints"] if value is not None
            }
        return list(found.values())

    def notes(self, annotation):
        """The events that an annotation query finds."""
        tags = " ".join(self.fill(tag) for tag in annotation["target"]["tags"])
        return ask(
            f"{self.url}/events/get_data?{urlencode({'tags': tags})}"
            f"&from={self.since}&until={self.until}"
        )

    def fill(self, text, choices=(), form="glob"):
        """`text` with the chosen values of its variables."""
        values = {**self.values, **dict(choices)}

        def value_of(match):
            name = match[1] or match[3]
            return formatted(values[name], match[2] or form) if name in values else match[0]

        return VARIABLE.sub(value_of, text)

    def _repeated(self, panel, row):
        if "targets" not in panel:
            return
        if row is None or "repeat" not in row:
            yield panel, {}
            return
        for value in self.values[row["repeat"]]:
            yield panel, {row["repeat"]: value}

    def _options(self, variable):
        if variable["type"] != "query":
            return []
        query = self.fill(variable["query"])
        if expand := re.fullmatch(r"expand\((.*)\)", query):
            names = ask(f"{self.url}/metrics/expand?query={quote(expand[1])}")["results"]
        else:
            answer = ask(f"{self.url}/metrics/find", query=query)
            names = [one["text"] for one in answer]
        regex = self.fill(variable["regex"], form="regex").strip("/")
        if regex:
            names = [found[1] for found in (re.search(regex, name) for name in names) if found]
        return sorted(set(names), key=first_number if variable["sort"] == 3 else str)

    def _initial(self, variable):
        options = self.options[variable["name"]]
        value = variable.get("current", {}).get("value", "")
        if variable["type"] != "query":
            return value
        if value == [ALL]:
            return variable.get("allValue") or options
        return options[:1] if variable.get("multi") else (options or [""])[0]


def first_number(name):
    found = re.search(r"\d+", name)
    return int(found[0]) if found else -1


def formatted(value, form):
    """As Grafana's formats `glob`, `regex` and `percentencode` write a value or several."""
    values = [value] if isinstance(value, str) else value
    if form == "regex":
        values = [re.sub(r"([\\^$*+?.()|{}\[\]/])", r"\\\1", one) for one in values]
        return values[0] if len(values) == 1 else f"({'|'.join(values)})"
    text = values[0] if len(values) == 1 else "{" + ",".join(values) + "}"
    return quote(text, safe="") if form == "percentencode" else text


def ask(url, **form):
    """The JSON that Graphite answers; with a `form`, to a POST."""
    return json.loads(ask_raw(url, urlencode(form, doseq=True).encode() if form else None))


def ask_raw(url, body=None):
    """What Graphite answers; with a `body`, to a POST."""
    direct = build_opener(ProxyHandler({}))
    with direct.open(url, body, timeout=TIMEOUT) as answer:
        return answer.read()
