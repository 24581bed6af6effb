"""`hops doctor`, the command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import click

from hops.console import counted, print_json, say
from hops.doctor import configuration
from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.errors import Problem
from hops.options import HELP, config_option, examples, json_option
from hops.site import load

STYLES = {OK: "green", WARNING: "yellow", FAILED: "bold red"}


@click.command(
    context_settings=HELP,
    epilog=examples(
        "hops doctor --probe",
        "hops doctor --config-only",
        "hops doctor -c /etc/diamond/diamond.conf --json",
    ),
)
@config_option
@click.option(
    "--config-only",
    is_flag=True,
    help="Look only at whether Diamond accepts its configuration: at once, for a service that "
    "starts or reloads.",
)
@click.option(
    "--probe",
    is_flag=True,
    help="Send three points to carbon, which makes three small files, and see how Graphite keeps "
    "them.",
)
@json_option
def main(conf: Path, config_only: bool, probe: bool, as_json: bool) -> None:
    """Look at the whole road of a report, and say what to do.

    From the scanner's folder to Graphite's retention, each part is ok, or it is said what to do.

    Nothing of the site's is touched: a small file of its own is moved through each folder, as the
    collector moves reports, and removed; and points are sent to carbon only for the probe. A folder
    that does not answer is named, and left alone. The exit status is 1 when something
    failed. With --json: {"failed": 0, "warnings": 1, "findings": [{"check", "state", "text",
    "todo"}]}, where a state is ok, warning or failed.
    """
    findings = []
    for finding in configuration.accepted(conf) if config_only else _examine(conf, probe):
        findings.append(finding)
        if not as_json:
            _print(finding)
    count = {state: sum(each.state == state for each in findings) for state in STYLES}
    if as_json:
        found = [asdict(finding) for finding in findings]
        print_json({"failed": count[FAILED], "warnings": count[WARNING], "findings": found})
    elif not config_only:
        say(f"\n{count[OK]} ok, {counted(count[WARNING], 'warning')}, {count[FAILED]} failed")
    sys.exit(1 if count[FAILED] else 0)


def _examine(conf: Path, probe: bool) -> Iterator[Finding]:
    accepted = list(configuration.accepted(conf))
    try:
        site = load(conf)
    except Problem as problem:
        refused = [each.text for each in accepted if each.state == FAILED]
        todo = "correct it; all else is looked at then"
        yield Finding("configuration", FAILED, (refused or [problem.message])[0], todo)
        return
    for each in accepted:
        todo = "Diamond does not start, nor reload, until that is done"
        yield replace(each, todo=todo) if each.state == FAILED else each
    # It needs Diamond, which can be imported only now.
    from hops.doctor.road import examine

    yield from examine(site, probe)


def _print(finding: Finding) -> None:
    say(f"{finding.state:8} {finding.check}: {finding.text}", STYLES[finding.state], hang=9)
    if finding.todo:
        say(f"         -> {finding.todo}", hang=3)
