"""When the scanners scan the phantom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from random import Random

from sample_data.mathematics import normal
from sample_data.scanners import Coil, Scanner

DEFAULT_YEARS = 2.0
DAYS_A_YEAR = 365.25

SCAN_TIME = time(7, 0)  # before the first patient
SCAN_TIME_SD = timedelta(minutes=9)
MORNING_OVER = timedelta(hours=9)  # since midnight: that day's scan is certainly done


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
    return sorted(scans, key=attrgetter("time", "scanner.location"))


def scan_time(scanner: Scanner, day: date) -> datetime:
    """When the scanner scanned the phantom on that day: local time, whole seconds."""
    rng = Random(f"{scanner.seed}/{scanner.location}/{day}")
    seconds = round(SCAN_TIME_SD.total_seconds() * normal(rng))
    return datetime.combine(day, SCAN_TIME) + timedelta(seconds=seconds)


def newest_day(now: datetime) -> date:
    """The last day whose morning scan is over at the local time `now`."""
    return (now - MORNING_OVER).date()
