"""`hops judge`, the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from diamond3.once import listen_for_errors
from hops import site as sites
from hops.console import counted, print_json, printable, progress, say
from hops.graphiteweb import Event
from hops.judge import rules
from hops.judge.judging import Coil, Judge
from hops.options import HELP, config_option, examples, json_option, location_option
from hops.quantities import QUANTITIES
from hops.site import Site


@dataclass(frozen=True)
class Outcome:
    """What was published of a coil."""

    location: str
    coil: str
    points: int
    out_of_control: int
    days_to_learn: int


@click.command(
    context_settings=HELP,
    epilog=examples("hops judge", "hops judge --location Harvard/Northwest/Bay1 --json"),
)
@location_option("Only of this scanner, as in [scanners].")
@config_option
@json_option
def main(location: str | None, conf: Path, as_json: bool) -> None:
    """Judge every scan that Graphite has by its control limits.

    Graphite is sent what it lacks of the verdicts: all of them the first time, later what is new,
    or changed by a service note.

    Diamond's StabilityControlCollector does the same every five minutes; this is for cron, and for
    years of history. It may be stopped and run again at any time, and twice changes nothing.
    """
    site = sites.load(conf)
    errors = listen_for_errors()
    outcomes = judge_all(site, [site.scanner(location)] if location else site.settings.scanners)
    told = [printable(line) for line in errors.lines]
    if as_json:
        print_json({"coils": [asdict(each) for each in outcomes], "errors": told})
    else:
        say_outcomes(outcomes)
        for line in told:
            say(line, "red")
    if errors.messages:
        raise SystemExit(1)


def judge_all(site: Site, scanners: Sequence[Any]) -> list[Outcome]:
    """Judges the scanners' coils, and shows how far it is. Raises Problem."""
    judge = Judge(site, rules.of_site(site.config))
    coils = [coil for scanner in scanners for coil in judge.coils(scanner)]
    sender = site.sender()
    events = judge.events()
    with progress("Judging", len(coils) * len(QUANTITIES)) as advance:
        return [_judge(judge, coil, events, sender, advance) for coil in coils]


def say_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Prints how the coils fare, for people."""
    for each in outcomes:
        if each.days_to_learn:
            state = f"learning, {counted(each.days_to_learn, 'day')} to go"
        else:
            state = f"{each.out_of_control} out of control" if each.out_of_control else "in control"
        sent = f"{counted(each.points, 'point')} sent"
        say(f"{each.location}, coil {each.coil}: {state}; {sent}")
    if not outcomes:
        say("Graphite has no coil of these scanners yet.")


def _judge(
    judge: Judge,
    coil: Coil,
    events: Sequence[Event],
    sender: Any,
    advance: Callable[[int], object],
) -> Outcome:
    points = 0
    services, pieces = judge.services(coil, events), judge.pieces(coil)
    for quantity in QUANTITIES:
        for metrics in judge.difference(coil, quantity, services, pieces):
            sender.publish_all(metrics)
            points += len(metrics)
        advance(1)
    sender.publish_all(judge.about(coil))
    sender.flush()
    newest = coil.newest_scan()
    return Outcome(
        coil.scanner.location,
        coil.name,
        points,
        sum(each.is_out for each in newest),
        max((each.days_to_learn for each in newest), default=0),
    )
