"""Make realistic years of Stability reports of two invented scanners.

The reports look exactly like those a scanner writes, and their numbers tell a story that
physicists know: coils age, warm-up drift grows until a service visit, summers are a little worse
than winters, and coil elements fail.

Nothing is simulated measurement by measurement. The statistics of a slice are drawn straight from
the distributions that they have in a series of independent measurements, which makes a report in
a millisecond or two. A report depends on its scanner (with the scanner's seed and history) and on
the time of the scan, and on no other report: a longer history has the same reports in it.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from statistics import NormalDist

# File names by generation of the scanner's software, as strftime patterns.
BEFORE_XA30 = "Stability_%Y%m%dT%H%M%S.txt"
SINCE_XA30 = "Stability_%Y-%m-%dT%H-%M-%S.txt"

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = range(5)

DEFAULT_SEED = 1
DEFAULT_YEARS = 2.0
SHORTEST_YEARS = 0.01  # a few days
LONGEST_YEARS = 20.0
DAYS_A_YEAR = 365.25

SCAN_TIME = time(7, 0)  # before the first patient
SCAN_TIME_SD = timedelta(minutes=9)
MORNING_OVER = timedelta(hours=9)  # since midnight: that day's scan is certainly done
REPORT_DELAY = timedelta(seconds=40)  # from the time in the file name to the written file

# Ageing, a year since the last service visit; relative to a scanner just serviced.
SNR_LOSS_A_YEAR = 0.035
WARMING_GROWTH_A_YEAR = 0.9
GHOST_GROWTH_A_YEAR = 0.12
UNREST_GROWTH_A_YEAR = 0.06
ADJUSTMENT = 0.012  # scatter of the signal level that a visit leaves the receiver adjusted to

WARMEST_DAY = 200  # of the year: mid July, when the cooling works hardest
MONDAY_WARMING = 1.25  # gradients that rested over the weekend warm up more
WANDER_DAYS = 9.0  # over which the slow wander of a quantity forgets itself
MISPLACED = 1 / 50  # of the scans have the phantom visibly off its place
MISPLACEMENT = 0.05  # of the phantom's length
PLACING = 0.003  # of the phantom's length: scatter of its place in all the other scans
UNSETTLED = 1 / 60  # of the scans run while something nearby disturbs the scanner
UNSETTLED_UNREST = 1.7

# Within a scan, relative to the mean signal.
RESIDUAL_SD = 2.8e-4  # scatter left after the fit
NOISE_SCATTER = 3.2e-4  # scatter of the noise estimate: it makes SNR's sd[%] proportional to SNR
GHOST_SCATTER = 0.0115  # scatter of the ghost level, relative to the level
DRIFT_SCATTER = 2.0e-4  # scatter of the linear drift from slice to slice
SETTLING = 0.5  # part of the linear drift that the quadratic term takes back by the end
COMMON_CURVATURE = 3.0e-4  # quadratic term that all slices share

# A failing coil element, in the slice next to it, when it has failed entirely.
FAILURE_DAYS = 40.0  # time constant of the decay
FAILURE_REACH = 0.15  # distance along the phantom at which its effect has fallen to 1/e
FAILURE_SNR_LOSS = 0.38
FAILURE_SIGNAL_LOSS = 0.03
FAILURE_SCATTER = 2.2  # rise of the noise estimate's scatter
FAILURE_GHOST = 0.45
FAILURE_UNREST = 0.8

# Pieces a scan is cut into to find the extremes of drift plus scatter.
PIECES = 10

STANDARD_NORMAL = NormalDist()
SMALLEST_PROBABILITY = 1e-12  # keeps quantiles finite


@dataclass(frozen=True)
class Variation:
    """How a quantity varies about its level, relative to it.

    From scan to scan: with the `season` (in mid July; the opposite in mid January), a `slow`
    wander over weeks and `daily` scatter. From slice to slice: a `pattern` that stays, and the
    `grain` of each scan.
    """

    season: float
    slow: float
    daily: float
    pattern: float = 0.0
    grain: float = 0.0


VARIATIONS = {
    # A warmer phantom has less magnetisation and a longer T1: less signal in summer.
    "signal": Variation(-0.006, slow=0.004, daily=0.002, pattern=0.003, grain=0.0003),
    # SNR depends on how each slice lies to the coil's elements: a strong pattern.
    "snr": Variation(-0.010, slow=0.010, daily=0.010, pattern=0.040, grain=0.012),
    "ghost": Variation(0.020, slow=0.020, daily=0.015, pattern=0.030, grain=0.008),
    # Cooling water is warmer in summer.
    "warming": Variation(0.120, slow=0.100, daily=0.120),
    "unrest": Variation(0.000, slow=0.050, daily=0.050),
}

# Values at evenly spaced places along the phantom, joined by a smooth curve.
Profile = tuple[float, ...]


@dataclass(frozen=True)
class Coil:
    """A receive coil and what it measures on the phantom, just after a service visit.

    `channels` is the number of receive channels; `weekdays` are the days it is scanned on
    (Monday is 0). Profiles along the phantom: `signal` (scanner's units), `snr` (no unit),
    `ghost` (scanner's units, as the report has them), `warming` (linear change of the signal over
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


@dataclass(frozen=True)
class Scan:
    """One run of the Stability sequence, at a local `time`, with at least four measurements."""

    scanner: Scanner
    coil: Coil
    time: datetime
    slices: int = 16
    measurements: int = 500

    @property
    def file_name(self) -> str:
        """The name the scanner gives the report."""
        return self.time.strftime(self.scanner.file_name)

    @property
    def source(self) -> str:
        """Names this scanner and coil: what their random numbers start from."""
        return f"{self.scanner.seed}/{self.scanner.location}/{self.coil.channels}"


@dataclass(frozen=True)
class Statistics:
    """The statistics of one quantity in one slice over the measurements; `sd` divides by one less
    than their number."""

    minimum: float
    maximum: float
    mean: float
    sd: float

    @property
    def sd_percent(self) -> float:
        """sd[%] = 100 sd / mean; not a number where the mean is 0."""
        return percent(self.sd, self.mean)

    @property
    def peak_to_peak_percent(self) -> float:
        """P2P[%] = 100 (max - min) / mean; not a number where the mean is 0."""
        return percent(self.maximum - self.minimum, self.mean)


@dataclass(frozen=True)
class Fit:
    """Least-squares fit p0 + p1 n + p2 n^2 of the signal at measurement n = 0, 1, ...;
    `chisq` is the sum of the squared residuals."""

    p0: float
    p1: float
    p2: float
    chisq: float


@dataclass(frozen=True)
class SliceResult:
    """All that a report says of one slice."""

    si: Statistics
    sifit: Statistics
    snr: Statistics
    ghost: Statistics
    fit: Fit


@dataclass(frozen=True)
class Report:
    """What a report says; slices are numbered from 1."""

    measurements: int
    channels: int
    slices: tuple[SliceResult, ...]


# The example sites -------------------------------------------------------------------------------

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


def newest_day(now: datetime) -> date:
    """The last day whose morning scan is over at the local time `now`."""
    return (now - MORNING_OVER).date()


# When scans happen, and their files --------------------------------------------------------------


def schedule(scanners: Iterable[Scanner], until: date, years: float = DEFAULT_YEARS) -> list[Scan]:
    """Every scan of the `scanners` in the `years` up to and including the day `until`, by time."""
    days = [until - timedelta(days=ago) for ago in range(round(years * DAYS_A_YEAR))]
    scans = [
        Scan(scanner, coil, scan_time(scanner, day))
        for scanner in scanners
        for day in days
        for coil in scanner.coils
        if day.weekday() in coil.weekdays
    ]
    return sorted(scans, key=lambda scan: (scan.time, scan.scanner.location))


def scan_time(scanner: Scanner, day: date) -> datetime:
    """When the scanner scanned the phantom on that day: local time, whole seconds."""
    rng = Random(f"{scanner.seed}/{scanner.location}/{day}")
    seconds = round(SCAN_TIME_SD.total_seconds() * normal(rng))
    return datetime.combine(day, SCAN_TIME) + timedelta(seconds=seconds)


def generate(folder: Path, scans: Iterable[Scan]) -> Iterator[Path]:
    """Write the report of each scan into its scanner's folder below `folder`; yield each file.

    A file's modification time is shortly after its scan, in this machine's time zone.

    Raises FileExistsError for a report that is there already (nothing is ever overwritten), and
    OSError for a folder that cannot be written.
    """
    for scan in scans:
        path = folder / scan.scanner.folder / scan.file_name
        write_report(path, report_text(simulate(scan)), scan.time + REPORT_DELAY)
        yield path


def write_report(path: Path, text: str, written: datetime) -> None:
    """Make the file `path` with that text and modification time; raises as `generate` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="ascii", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise FileExistsError(
            f"{str(path)!r} is there already and is never overwritten: choose another folder."
        ) from None
    os.utime(path, (written.timestamp(), written.timestamp()))


# The text of a report ----------------------------------------------------------------------------

STATISTICS_HEADER = "slice#\tmin\tmax\tmean\tsd\tsd[%]\tP2P[%]"
FIT_HEADER = "slice#\tp[0]\tp[1]\tp[2]\tchisq"


def report_text(report: Report) -> str:
    """The report as the scanner writes it; a number that is none is `nan`."""
    slices = report.slices
    first_line = (
        f"Stability configuration: {len(slices)} slices, {report.measurements} measurements, "
        f"{report.channels} channels\n\n"
    )
    sections = (
        section("SI", STATISTICS_HEADER, [statistics_cells(each.si) for each in slices]),
        section("SIfit", STATISTICS_HEADER, [statistics_cells(each.sifit) for each in slices]),
        section("SNR", STATISTICS_HEADER, [statistics_cells(each.snr) for each in slices]),
        section("ghost", STATISTICS_HEADER, [statistics_cells(each.ghost) for each in slices]),
        section("fit", FIT_HEADER, [fit_cells(each.fit) for each in slices]),
    )
    return first_line + "\n\n".join(sections)


def section(name: str, header: str, rows: Sequence[str]) -> str:
    numbered = "".join(f"{number:2d}\t{row}\n" for number, row in enumerate(rows, start=1))
    return f"Stability {name} results:\n\n{header}\n{numbered}"


def statistics_cells(values: Statistics) -> str:
    return (
        f"{values.minimum:.2f}\t{values.maximum:.2f}\t{values.mean:.2f}\t"
        f"{values.sd:.3f}\t{values.sd_percent:.3f}\t{values.peak_to_peak_percent:.3f}"
    )


def fit_cells(fit: Fit) -> str:
    return f"{fit.p0:+.6f}\t{fit.p1:+.6f}\t{fit.p2:+.6f}\t{fit.chisq:+.6f}"


def percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else math.nan


# What the scanner measures -----------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    """The scanner's state during one scan, as factors on the profiles of a coil just serviced.

    `offset` is how far the phantom lies off its place, in parts of its length; `failures` are
    pairs of an element's position and how much of it has failed, 0 to 1.
    """

    signal: float
    snr: float
    ghost: float
    warming: float
    unrest: float
    offset: float
    failures: tuple[tuple[float, float], ...]

    def failed(self, place: float) -> float:
        """How much the failing elements matter at that place along the phantom, 0 to 1."""
        return sum(
            extent * math.exp(-(((place - position) / FAILURE_REACH) ** 2))
            for position, extent in self.failures
        )


def simulate(scan: Scan) -> Report:
    """What the scanner reports of this scan; the same scan always gives the same report."""
    rng = Random(f"{scan.source}/{scan.time.isoformat()}")
    condition = condition_during(scan, rng)
    return Report(
        scan.measurements,
        scan.coil.channels,
        tuple(slice_result(scan, condition, number, rng) for number in range(scan.slices)),
    )


def condition_during(scan: Scan, rng: Random) -> Condition:
    """The scanner's state: ageing since the last service, season, slow wander, the day's noise."""
    day = scan.time.date()
    services = [service for service in scan.scanner.history.services if service < day]
    age = (day - max(services)).days / DAYS_A_YEAR if services else 0.0
    season = math.cos(2 * math.pi * (day.timetuple().tm_yday - WARMEST_DAY) / DAYS_A_YEAR)

    def varied(quantity: str) -> float:
        variation = VARIATIONS[quantity]
        return math.exp(
            variation.season * season
            + variation.slow * wander(f"{scan.source}/{quantity}", day)
            + variation.daily * normal(rng)
        )

    misplaced = MISPLACEMENT if rng.random() < MISPLACED else 0.0
    unsettled = UNSETTLED_UNREST if rng.random() < UNSETTLED else 1.0
    monday = MONDAY_WARMING if day.weekday() == MONDAY else 1.0
    adjustment = 1 + ADJUSTMENT * draw(f"{scan.source}/adjustment", len(services))
    return Condition(
        signal=adjustment * varied("signal"),
        snr=(1 - SNR_LOSS_A_YEAR * age) * varied("snr"),
        ghost=(1 + GHOST_GROWTH_A_YEAR * age) * varied("ghost"),
        warming=(1 + WARMING_GROWTH_A_YEAR * age) * monday * varied("warming"),
        unrest=(1 + UNREST_GROWTH_A_YEAR * age) * unsettled * varied("unrest"),
        offset=misplaced * rng.choice((-1, 1)) + PLACING * normal(rng),
        failures=tuple(
            (failure.position, extent_of(failure, day, rng))
            for failure in scan.scanner.history.failures
            if failure.channels == scan.coil.channels
        ),
    )


def extent_of(failure: Failure, day: date, rng: Random) -> float:
    """How much of the element has failed, 0 to 1: it decays, with better and worse days."""
    contact = 0.75 + 0.25 * rng.random()
    if day < failure.since or (failure.repaired is not None and day >= failure.repaired):
        return 0.0
    return contact * (1 - math.exp(-(day - failure.since).days / FAILURE_DAYS))


def slice_result(scan: Scan, condition: Condition, number: int, rng: Random) -> SliceResult:
    """The statistics of one slice, numbered from 0."""
    coil = scan.coil
    middle = (number + 0.5) / scan.slices
    place = middle + condition.offset
    failed = condition.failed(middle)

    def level(profile: Profile, quantity: str) -> float:
        variation = VARIATIONS[quantity]
        pattern = draw(f"{scan.source}/pattern/{quantity}", number)
        scatter = variation.pattern * pattern + variation.grain * normal(rng)
        return along(profile, place) * (1 + scatter)

    signal = level(coil.signal, "signal") * condition.signal * (1 - FAILURE_SIGNAL_LOSS * failed)
    snr = level(coil.snr, "snr") * condition.snr * (1 - FAILURE_SNR_LOSS * failed)
    ghost = level(coil.ghost, "ghost") * condition.ghost * (1 + FAILURE_GHOST * failed)
    drift = along(coil.warming, place) / 100 * condition.warming + DRIFT_SCATTER * normal(rng)
    curvature = COMMON_CURVATURE * condition.warming - SETTLING * drift
    residual_sd = RESIDUAL_SD * signal * condition.unrest * (1 + FAILURE_UNREST * failed)
    si, sifit, fit = signal_results(signal, drift, curvature, residual_sd, scan.measurements, rng)
    return SliceResult(
        si=si,
        sifit=sifit,
        snr=snr_statistics(
            snr,
            NOISE_SCATTER * snr * (1 + FAILURE_SCATTER * failed),
            scan.measurements,
            rng,
        ),
        ghost=ghost_statistics(
            ghost, GHOST_SCATTER * ghost * math.sqrt(condition.unrest), scan.measurements, rng
        ),
        fit=fit,
    )


def signal_results(
    start: float, drift: float, curvature: float, sigma: float, measurements: int, rng: Random
) -> tuple[Statistics, Statistics, Fit]:
    """SI, SIfit and fit of a signal that follows a parabola with independent normal scatter.

    `start` is the signal of measurement 0; `drift` and `curvature` are what the linear and the
    quadratic term add over the scan, relative to `start`; `sigma` is the scatter.

    Residuals of a least-squares fit are orthogonal to the parabola and have mean 0. So SIfit,
    which is the residuals on top of p0, has the mean p0, and the sum of squares of SI is that of
    the parabola plus chisq.
    """
    p1 = start * drift / measurements
    p2 = start * curvature / measurements**2
    residual_sd = sigma * sd_ratio(measurements, rng)
    chisq = residual_sd**2 * (measurements - 1)

    moments = index_moments(measurements)
    mean = start + p1 * moments.mean + p2 * moments.mean_of_square
    parabola = (
        p1**2 * moments.variance
        + 2 * p1 * p2 * moments.covariance
        + p2**2 * moments.variance_of_square
    ) * measurements
    sd = math.sqrt((parabola + chisq) / (measurements - 1))

    pieces = min(PIECES, measurements)
    lows, highs, residual_lows, residual_highs = [], [], [], []
    for piece in range(pieces):
        n = (piece + 0.5) / pieces * (measurements - 1)
        trend = p1 * n + p2 * n**2
        low, high = (sigma * each for each in extremes(measurements / pieces, rng))
        lows.append(trend + low)
        highs.append(trend + high)
        residual_lows.append(low)
        residual_highs.append(high)
    return (
        Statistics(start + min(lows), start + max(highs), mean, sd),
        Statistics(start + min(residual_lows), start + max(residual_highs), start, residual_sd),
        Fit(start, p1, p2, chisq),
    )


def snr_statistics(mean: float, scatter: float, measurements: int, rng: Random) -> Statistics:
    """SNR, whose relative sd `scatter` is that of the noise estimate it is divided by.

    So high SNRs lie farther from the mean than low ones: a log-normal distribution, with
    ln SNR of variance ln(1 + scatter^2).
    """
    log_variance = math.log1p(scatter**2)
    low, high = (
        mean * math.exp(deviate * math.sqrt(log_variance) - log_variance / 2)
        for deviate in extremes(measurements, rng)
    )
    return Statistics(low, high, mean, mean * scatter * sd_ratio(measurements, rng))


def ghost_statistics(mean: float, sigma: float, measurements: int, rng: Random) -> Statistics:
    """The ghost level: independent normal scatter `sigma` about `mean`."""
    low, high = extremes(measurements, rng)
    return Statistics(
        mean + sigma * low, mean + sigma * high, mean, sigma * sd_ratio(measurements, rng)
    )


# Mathematics -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class IndexMoments:
    """Moments of n and n^2 for n = 0, 1, ..., measurements - 1."""

    mean: float
    mean_of_square: float
    variance: float
    covariance: float
    variance_of_square: float


@lru_cache(maxsize=16)
def index_moments(measurements: int) -> IndexMoments:
    first, second, third, fourth = (
        sum(n**power for n in range(measurements)) / measurements for power in (1, 2, 3, 4)
    )
    return IndexMoments(
        first, second, second - first**2, third - first * second, fourth - second**2
    )


def normal(rng: Random) -> float:
    """A standard normal deviate; Python promises the same `random()` in every version, unlike
    `gauss()`."""
    return normal_quantile(rng.random())


def normal_quantile(probability: float) -> float:
    return STANDARD_NORMAL.inv_cdf(
        min(max(probability, SMALLEST_PROBABILITY), 1 - SMALLEST_PROBABILITY)
    )


def extremes(count: float, rng: Random) -> tuple[float, float]:
    """The least and the greatest of `count` standard normal deviates.

    The greatest of n uniform deviates is distributed as u^(1/n); least and greatest are all but
    independent when there are many.
    """
    return (
        -normal_quantile(rng.random() ** (1 / count)),
        normal_quantile(rng.random() ** (1 / count)),
    )


def sd_ratio(measurements: int, rng: Random) -> float:
    """A sample's sd relative to the true one: scatter 1/sqrt(2(n-1)), for n of dozens or more."""
    return max(0.0, 1 + normal(rng) / math.sqrt(2 * (measurements - 1)))


@lru_cache(maxsize=8192)
def draw(source: str, number: int) -> float:
    """The standard normal deviate that belongs to this source and number."""
    return normal(Random(f"{source}/{number}"))


def wander(source: str, day: date) -> float:
    """A smooth random function of the day, of about unit size: deviates joined by an S-curve."""
    position = day.toordinal() / WANDER_DAYS
    knot = math.floor(position)
    part = position - knot
    weight = part * part * (3 - 2 * part)
    return (1 - weight) * draw(source, knot) + weight * draw(source, knot + 1)


def along(profile: Profile, place: float) -> float:
    """The profile's value at a place from 0 to 1 (Catmull-Rom spline); the end's value beyond."""
    last = len(profile) - 1
    position = min(max(place, 0.0), 1.0) * last
    knot = min(int(position), last - 1)
    part = position - knot
    left, right = profile[knot], profile[knot + 1]
    before = profile[knot - 1] if knot > 0 else 2 * left - right
    after = profile[knot + 2] if knot + 2 <= last else 2 * right - left
    return left + part / 2 * (
        right
        - before
        + part * (2 * before - 5 * left + 4 * right - after)
        + part * part * (3 * (left - right) + after - before)
    )


# The program -------------------------------------------------------------------------------------

EXAMPLES = """examples:
  python3 sample_data/generate.py /tmp/scanners
      two years of both scanners, up to the last morning
  python3 sample_data/generate.py /tmp/scanners --years 0.25 --until 2026-06-30
      the three months before July 2026
  python3 sample_data/generate.py /tmp/others --seed 2
      the same story with other noise
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; 0 when every report was written, 1 after an error."""
    options = parse(arguments)
    until = options.until or newest_day(datetime.now())
    scanners = example_scanners(until, options.seed)
    scans = schedule(scanners, until, options.years)
    try:
        written = sum(1 for _ in generate(options.folder, scans))
    except OSError as error:
        print(f"generate.py: error: {sentence(error)}", file=sys.stderr)
        return 1
    print(f"{written} reports in {str(options.folder)!r}, up to {until}")
    for scanner in scanners:
        print(f"  {scanner.folder}: {scanner.location}")
        for event in events(scanner.history):
            print(f"    {event}")
    return 0


def sentence(error: OSError) -> str:
    """What went wrong, where, and what to do."""
    if error.filename is None:
        return str(error)
    return f"{error.filename!r} cannot be written ({error.strerror}): choose another folder."


def events(history: SiteHistory) -> Iterator[str]:
    """What happened, in words: the answers to what the data show."""
    for service in history.services:
        yield f"service visit on {service}"
    for failure in history.failures:
        end = f"repaired on {failure.repaired}" if failure.repaired else "not repaired"
        yield f"{failure.channels}-channel coil loses an element from {failure.since}, {end}"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="generate.py",
        description="Write realistic Stability reports of two invented scanners, one for each "
        "weekday morning. An existing file is never overwritten.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="where the scanners' folders are made")
    parser.add_argument(
        "--until",
        type=day_option,
        metavar="YYYY-MM-DD",
        help="the last day (default: the last one whose morning is over)",
    )
    parser.add_argument(
        "--years",
        type=years_option,
        default=DEFAULT_YEARS,
        help="how many years of reports, fractions too (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=DEFAULT_SEED,
        help="another number gives other noise (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def day_option(text: str) -> date:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day, write YYYY-MM-DD") from None
    if not 2000 <= day.year <= 2099:
        raise argparse.ArgumentTypeError(f"{text!r} is not in the years 2000 to 2099")
    return day


def years_option(text: str) -> float:
    try:
        years = float(text)
    except ValueError:
        years = math.nan
    if not SHORTEST_YEARS <= years <= LONGEST_YEARS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of years, write one from {SHORTEST_YEARS} to {LONGEST_YEARS:g}"
        )
    return years


if __name__ == "__main__":
    sys.exit(main())
