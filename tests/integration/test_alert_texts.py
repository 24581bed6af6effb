"""What alerts say, filled in by the rules of Go's templates, which are Grafana's."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.build import HERE

pytestmark = pytest.mark.integration

Json = dict[str, Any]

FILE = yaml.safe_load((HERE / "provisioning/alerting/hops.yaml").read_text(encoding="utf-8"))
RULES = {rule["uid"]: rule for group in FILE["groups"] for rule in group["rules"]}
(MESSAGE,) = FILE["templates"]
PROGRAM = Path(__file__).with_name("go_templates") / "main.go"
COLLECTOR = "servers.host.StabilityCollector.Example.South.Bay2"


def fill(*jobs: Json) -> list[str]:
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not on PATH")
    done = subprocess.run(
        [go, "run", str(PROGRAM)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    texts: list[str] = json.loads(done.stdout)
    return texts


def parts(rule: Json) -> dict[str, str]:
    """The templates of a rule."""
    return {**rule["annotations"], **rule["labels"]}


def texts_of(rule: Json, path: str = "", value: float = 0) -> Json:
    """The annotations and labels of an alert about the series `path`, or about none."""
    known = {"Labels": {"name": path}, "Values": {"B": {"Value": value}}} if path else {}
    templates = parts(rule)
    filled = fill(*({"Text": text, **known} for text in templates.values()))
    return dict(zip(templates, filled))


def test_an_alert_of_a_coil_names_it_and_leads_to_its_trends() -> None:
    path = f"{COLLECTOR}.control.32.SNR.mean.sigmas"
    said = texts_of(RULES["hops-snr-mean"], path, -4.26)
    assert said["summary"] == "SNR out of control: Example South Bay2, coil 32"
    assert "is -4.3 standard deviations from the centre line" in said["description"]
    link = "var-site=Example&var-building=South&var-scanner=Bay2&var-coil=32"
    assert said["trends"] == f"http://grafana/d/hops-scanner?{link}"
    labels = [said[name] for name in ("source", "location", "coil", "quantity")]
    assert labels == ["hops", "Example South Bay2", "32", "SNR"]


def test_an_alert_of_the_sites_own_limit_names_the_quantity() -> None:
    path = f"{COLLECTOR}.control.32.SIfit.sdpct.over_limit"
    said = texts_of(RULES["hops-own-limit"], path, 0.0123)
    assert said["summary"] == "Fluctuation beyond the site's limit: Example South Bay2, coil 32"
    assert "is 0.0123 beyond the limit" in said["description"]
    assert said["quantity"] == "Fluctuation"


def test_an_alert_of_a_scanner_names_it() -> None:
    said = texts_of(RULES["hops-silence"], f"{COLLECTOR}.ingest.waiting", -1)
    assert said["summary"] == "Collector silent: Example South Bay2"
    assert (said["location"], "coil" in said) == ("Example South Bay2", False)


def test_without_an_answer_a_whole_sentence_says_what_nobody_knows() -> None:
    templates = [(rule, *each) for rule in RULES.values() for each in parts(rule).items()]
    for (rule, name, _), said in zip(templates, fill(*({"Text": text} for *_, text in templates))):
        if name == "summary":
            assert said == f"{rule['title']}? Nothing heard from Graphite"
        elif name == "description":
            assert said.startswith("Grafana got no values from Graphite, so that nobody knows ")
        elif name in ("location", "coil", "trends"):
            assert not said
        assert not any(sign in said for sign in ("{{", "no value>", "no value]", "%!"))


def test_a_message_says_what_fires_and_what_is_well_again() -> None:
    high = {"summary": "SNR low", "description": "Scan again.", "trends": "http://grafana/d/x"}
    firing = [{"Annotations": high}, {"Annotations": {"summary": "Collector silent"}}]
    job = {"Text": MESSAGE["template"], "Alerts": {"Firing": firing, "Resolved": firing[1:]}}
    well = {"Text": MESSAGE["template"], "Alerts": {"Firing": [], "Resolved": firing}}
    title, body, title_when_well = fill(
        {**job, "Message": "hops.title"},
        {**job, "Message": "hops.message"},
        {**well, "Message": "hops.title"},
    )
    assert title == "2 to look at: MRI stability"
    assert title_when_well == "Well again: MRI stability"
    assert [line for line in body.splitlines() if line] == [
        "SNR low",
        "Scan again.",
        "http://grafana/d/x",
        "Collector silent",
        "Well again:",
        "- Collector silent",
    ]
