"""Coils made up for the tests of `hops report`."""

import functools

from hops.judge import verdicts
from hops.notes import begin_anew
from hops.quantities import QUANTITIES
from hops.report.data import CoilData, scans_of
from hops.report.fleet import Fleet
from hops.times import Period

DAY = 86400
# 2026-11-20 12:00 UTC
NEWEST = 1795176000

NORMAL = {
    "SNR": 300.0, "Signal": 560.0, "Drift": 0.25, "Drift of the fit": 0.08, "Fluctuation": 0.03,
    "Ghost level": 2.2,
}


def coil(scans=400, slices=16, changes=(), location="Example/Bay1", notes=(), **more):
    """A coil scanned daily, whose values go up and down by one percent, as it is judged.

    `changes`: tuples of a quantity's name, its slices, a factor and for how many of the newest
    scans.
    """
    values = {quantity: {} for quantity in QUANTITIES}
    for quantity in QUANTITIES:
        for number in range(1, slices + 1):
            values[quantity][number] = {
                NEWEST - ago * DAY: NORMAL.get(quantity.name, 1.0) * (1 + (0.01, -0.01)[ago % 2])
                for ago in reversed(range(scans))
            }
        for name, numbers, factor, newest in changes:
            if name == quantity.name:
                for number in numbers:
                    for ago in range(newest):
                        values[quantity][number][NEWEST - ago * DAY] *= factor
    return data(values, location=location, notes=notes, **more)


def data(values, location="Example/Bay1", name="32", notes=(), limits=(), days=None, **more):
    """The data of values, as they are judged; `days`: only so many of the newest are shown."""
    until = more.pop("until", NEWEST + 3600)
    since = NEWEST - 10_000 * DAY if days is None else until - days * DAY
    judged = {
        quantity: verdicts_on(
            quantity,
            tuple((number, tuple(series.items())) for number, series in slices.items()),
            tuple(begin_anew(notes)),
            dict(limits).get(quantity),
        )
        for quantity, slices in values.items()
    }
    scans = scans_of(values.values())
    return CoilData(
        location, name, Period(since, until), more.pop("now", until),
        {
            quantity: {number: within(series, since) for number, series in slices.items()}
            for quantity, slices in values.items()
        },
        {
            quantity: {name: within(series, since) for name, series in found.series.items()}
            for quantity, found in judged.items()
        },
        notes,
        days_to_learn=max((f.newest.days_to_learn for f in judged.values() if f.newest), default=0),
        last_scan=scans[-1] if scans else None,
        **more,
    )


@functools.cache
def verdicts_on(quantity, slices, services, limit):
    """Judged once, as that takes long and most coils differ in one quantity."""
    series = {number: dict(points) for number, points in slices}
    return verdicts.judge(quantity, series, services, limit=limit)


def within(series, since):
    return {e: value for e, value in series.items() if e >= since and value is not None}


def fleet(*verdicts, **more):
    """What a report about them is made of."""
    period = verdicts[0].data.period
    source = "servers.*.StabilityCollector in the Graphite at http://127.0.0.1:8080"
    return Fleet(verdicts, period, verdicts[0].data.now, "", source, **more)
