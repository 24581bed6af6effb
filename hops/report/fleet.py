"""The coils of a site, or of a scanner, in a period: what page, table and message are made of.

    fleet = read(site, Period(since, until))
    for verdict in fleet.worst_first:
        print(verdict.data.location, verdict.data.coil, verdict.state.value, verdict.age)
        for quantity in WATCHED:
            print(quantity.name, *verdict.cell(quantity))

A verdict is a coil's: its newest scan (`cell`), the whole period (`state`, `beyond`, `slow`,
`excursions`) and every scan in it (`means`, `averages`, `slices`). `hops.report.words` says it in
sentences.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from diamond3.installed import our_version
from hops.errors import Problem
from hops.judge import rules
from hops.notes import Notebook
from hops.report.data import Scanner
from hops.report.verdict import Of, State, Verdict, judge
from hops.site import Site
from hops.times import Period, moment


@dataclass(frozen=True)
class Fleet:
    """The coils that a report is about."""

    verdicts: Sequence[Verdict]
    """By scanner, as configured, and coil."""
    period: Period
    """It ends `now`, or before."""
    now: int
    timezone: str
    source: str
    """Where the data are from, in words."""
    unknown: Sequence[str] = ()
    """Locations of scanners that Graphite has nothing of."""

    @property
    def worst_first(self) -> list[Verdict]:
        """Out of control first, and of those the one that has most scans beyond."""
        order = list(State)
        return sorted(
            self.verdicts,
            key=lambda v: (order.index(v.state), -len(v.beyond()), -len(v.beyond(Of.SLICE))),
        )

    @property
    def is_out(self) -> bool:
        """Whether something was out of control in the period."""
        return any(each.state is State.OUT for each in self.verdicts)

    @property
    def is_slow(self) -> bool:
        """Whether something changed slowly in the period."""
        return any(each.slow for each in self.verdicts)

    @property
    def days(self) -> tuple[str, str]:
        """The first and the last day of the period, on the scanners' clocks."""
        first, last = (moment(epoch, self.timezone)[:10] for epoch in self.period)
        return first, last

    @property
    def small_print(self) -> list[str]:
        """Where the data are from, when it was made and with what."""
        day = moment(self.now, self.timezone)[:10]
        return [f"Data: {self.source}. Made on {day} with HOPS {our_version()}."]

    @property
    def sites(self) -> str:
        """The first levels of the locations."""
        names = (each.data.location.partition("/")[0] for each in self.verdicts)
        return ", ".join(dict.fromkeys(names))

    def short(self, location: str) -> str:
        """A location without its site, if there is only one."""
        return location.removeprefix(f"{self.sites}/")


def read(
    site: Site,
    period: Period,
    locations: Sequence[str] = (),
    coil: str | None = None,
    fixed: Period | None = None,
) -> Fleet:
    """What Graphite has of the coils, or of that one, of the scanners, or of those at `locations`;
    `fixed`: the baseline of all limits, instead of the judge's.

    Raises Problem when Graphite does not answer as it should, or has nothing of them.
    """
    now = int(time.time())
    period = Period(period.since, min(period.until, now))
    notebook, wanted = Notebook.of(site), [site.scanner(each) for each in locations]
    scanners = [
        Scanner(
            notebook, site.any_prefix, each.location, site.settings.timezone,
            rules.of_site(site.config),
        )
        for each in wanted or site.settings.scanners
    ]
    coils = {scanner.location: scanner.coils() for scanner in scanners}
    there = {name for names in coils.values() for name in names}
    where = ", ".join(scanner.path for scanner in scanners)
    if not there:
        raise Problem(
            f"The Graphite at {notebook.graphite.address} has nothing under {where}: was a report "
            "archived (hops status), and is the path the same that Diamond sends to?"
        )
    if coil is not None and coil not in there:
        raise Problem(
            f"{', '.join(coils)} has no coil {coil!r}: choose one of {', '.join(sorted(there))}."
        )
    verdicts = [
        judge(scanner.coil(name, period, now, fixed))
        for scanner in scanners
        for name in coils[scanner.location]
        if coil in (None, name)
    ]
    return Fleet(
        verdicts,
        period,
        now,
        site.settings.timezone,
        f"{where if locations else site.any_prefix} in the Graphite at {notebook.graphite.address}",
        [location for location, names in coils.items() if not names],
    )
