"""What a scanner is, with its coils and its history; and the two example scanners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sample_data.mathematics import Profile

# File names by generation of the scanner's software, as strftime patterns.
BEFORE_XA30 = "Stability_%Y%m%dT%H%M%S.txt"
SINCE_XA30 = "Stability_%Y-%m-%dT%H-%M-%S.txt"

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = range(5)

DEFAULT_SEED = 1


@dataclass(frozen=True)
class Coil:
    """A receive coil and what it measures on the phantom, just after a service visit.

    `channels` is the number of receive channels; `weekdays` are the days it is scanned on
    (Monday is 0). Profiles along the phantom: `signal` (intensity units), `snr` (no unit),
    `ghost` (percent of the signal), `warming` (linear change of the signal over
    a scan, in percent of it).
    """

    channels: int
    weekdays: tuple[int, ...]
    signal: Profile
    snr: Profile
    ghost: Profile
    warming: Profile


@dataclass(frozen=True)
class Failure:
    """A coil element that fails, more and more from day `since` until it is `repaired`.

    `position` is the element's place along the phantom, 0 to 1; `repaired` is the first day with
    the good coil, None while it is still failing.
    """

    channels: int
    position: float
    since: date
    repaired: date | None = None


@dataclass(frozen=True)
class SiteHistory:
    """What happened to a scanner: the days of service visits (after that morning's scan) and the
    coil elements that failed. Before the first visit it is as good as just serviced."""

    services: tuple[date, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Scanner:
    """A scanner: its `location` in metric paths, the name of its report `folder`, the strftime
    pattern of its `file_name`s, its coils and history; `seed` makes its noise its own."""

    location: str
    folder: str
    file_name: str
    coils: tuple[Coil, ...]
    history: SiteHistory
    seed: int = DEFAULT_SEED


def events(history: SiteHistory) -> Iterator[str]:
    """What happened, in words: the answers to what the data show."""
    for service in history.services:
        yield f"service visit on {service}"
    for failure in history.failures:
        end = f"repaired on {failure.repaired}" if failure.repaired else "not repaired"
        yield f"{failure.channels}-channel coil loses an element from {failure.since}, {end}"


# The example scanners ----------------------------------------------------------------------------

NORTH = "Example/North/Bay1"
SOUTH = "Example/South/Bay2"
FOLDERS: dict[str, str] = {NORTH: "north-bay1", SOUTH: "south-bay2"}

DAYS_OF_32 = (MONDAY, WEDNESDAY, FRIDAY)
DAYS_OF_64 = (TUESDAY, THURSDAY)

NORTH_32 = Coil(
    channels=32,
    weekdays=DAYS_OF_32,
    signal=(468.0, 509.0, 547.0, 571.0, 592.0, 624.0, 661.0),
    snr=(351.0, 402.0, 371.0, 338.0, 322.0, 287.0, 243.0),
    ghost=(2.05, 2.21, 2.16, 2.08, 2.13, 2.27, 2.44),
    warming=(-0.31, -0.20, -0.12, -0.07, -0.02, 0.03, 0.06),
)
NORTH_64 = Coil(
    channels=64,
    weekdays=DAYS_OF_64,
    signal=(604.0, 631.0, 655.0, 672.0, 694.0, 729.0, 771.0),
    snr=(486.0, 521.0, 472.0, 417.0, 398.0, 369.0, 334.0),
    ghost=(1.71, 1.84, 1.79, 1.75, 1.83, 1.94, 2.07),
    warming=(-0.27, -0.19, -0.11, -0.06, -0.01, 0.02, 0.05),
)
SOUTH_32 = Coil(
    channels=32,
    weekdays=DAYS_OF_32,
    signal=(533.0, 541.0, 560.0, 583.0, 597.0, 602.0, 589.0),
    snr=(296.0, 341.0, 366.0, 352.0, 327.0, 301.0, 264.0),
    ghost=(2.62, 2.48, 2.41, 2.46, 2.59, 2.71, 2.88),
    warming=(0.09, 0.03, -0.04, -0.09, -0.15, -0.21, -0.27),
)
SOUTH_64 = Coil(
    channels=64,
    weekdays=DAYS_OF_64,
    signal=(662.0, 667.0, 684.0, 709.0, 728.0, 733.0, 716.0),
    snr=(411.0, 459.0, 483.0, 457.0, 421.0, 394.0, 357.0),
    ghost=(2.19, 2.06, 2.01, 2.07, 2.18, 2.29, 2.42),
    warming=(0.08, 0.02, -0.03, -0.08, -0.13, -0.19, -0.24),
)


def example_scanners(until: date, seed: int = DEFAULT_SEED) -> tuple[Scanner, Scanner]:
    """The two example scanners, with histories that end on the day `until`.

    North is serviced some months before the end. South waits for its visit; its 32-channel coil
    loses an element in the first year, which is repaired, and another in the newest weeks, which
    is not.
    """

    def before(days: int) -> date:
        return until - timedelta(days=days)

    north = Scanner(
        NORTH,
        FOLDERS[NORTH],
        BEFORE_XA30,
        (NORTH_32, NORTH_64),
        SiteHistory(services=(before(960), before(255))),
        seed,
    )
    south = Scanner(
        SOUTH,
        FOLDERS[SOUTH],
        SINCE_XA30,
        (SOUTH_32, SOUTH_64),
        SiteHistory(
            services=(before(870),),
            failures=(
                Failure(32, position=0.25, since=before(520), repaired=before(445)),
                Failure(32, position=0.70, since=before(68)),
            ),
        ),
        seed,
    )
    return north, south
