"""The sample reports: their form, their arithmetic and the story in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from statistics import median

import pytest
from beside import real_report

from sample_data import samples
from sample_data.files import generate
from sample_data.measure import simulate
from sample_data.report import Fit, Statistics, fit_cells, report_text, statistics_cells
from sample_data.scanners import FOLDERS, FRIDAY, NORTH, SOUTH, example_scanners
from sample_data.schedule import DAYS_A_YEAR, Scan, newest_day, schedule

ROOT = Path(__file__).resolve().parents[2]
UNTIL = date(2026, 11, 20)
MIN, MAX, MEAN, SD, SD_PERCENT, P2P_PERCENT = range(6)
CHISQ = 3

Table = list[list[float]]
Sections = dict[str, Table]
YearsOfReports = dict[str, dict[int, dict[date, Sections]]]


def read(text: str) -> Sections:
    """The rows of every section, without their slice numbers."""
    sections: Sections = {}
    for line in text.split("\n"):
        if line.endswith(" results:"):
            rows = sections.setdefault(line.split()[1], [])
        elif "\t" in line and not line.startswith("slice#"):
            rows.append([float(cell) for cell in line.split("\t")[1:]])
    return sections


@pytest.fixture(scope="module")
def two_years() -> YearsOfReports:
    reports: YearsOfReports = {}
    for scan in schedule(example_scanners(UNTIL), UNTIL):
        of_scanner = reports.setdefault(scan.scanner.location, {})
        text = report_text(simulate(scan))
        of_scanner.setdefault(scan.coil.channels, {})[scan.time.date()] = read(text)
    return reports


@pytest.fixture(scope="module")
def all_sections(two_years: YearsOfReports) -> list[Sections]:
    return [
        sections
        for coils in two_years.values()
        for days in coils.values()
        for sections in days.values()
    ]


def scans_of(days: int, seed: int = 1) -> list[Scan]:
    return schedule(example_scanners(UNTIL, seed), UNTIL, days / DAYS_A_YEAR)


# Form


def form(line: str) -> str:
    """The line with its numbers masked, all but their decimals and the width of the slice."""
    line = re.sub(r"^( \d|\d\d)\t", "ss\t", line)
    line = re.sub(r"\d+\.(\d+)", lambda number: "N." + "d" * len(number.group(1)), line)
    return re.sub(r"[+-]N", "±N", re.sub(r"\d+(?= (slices|meas|chan))", "N", line))


def test_every_line_has_the_form_of_the_real_report() -> None:
    real = Path(real_report()).read_bytes().decode()
    for scan in scans_of(days=7):
        text = report_text(simulate(scan))
        assert [form(line) for line in text.split("\n")] == [
            form(line) for line in real.split("\n")
        ]


def test_no_row_is_one_of_the_real_report() -> None:
    rows = re.compile(rb"^[ \d]\d\t(.*\d)", re.MULTILINE)
    real = set(rows.findall(Path(real_report()).read_bytes()))
    assert len(real) == 80
    for content in samples.sample_reports().values():
        assert real.isdisjoint(rows.findall(content))


def test_slices_are_numbered_from_1_and_right_aligned() -> None:
    text = report_text(simulate(scans_of(days=7)[0]))
    numbers = re.findall(r"^(.\d)\t", text, re.MULTILINE)
    assert numbers == [f"{number:2d}" for number in range(1, 17)] * 5


def test_numbers_have_the_decimals_of_their_columns() -> None:
    row = statistics_cells(Statistics(1.0, 3.0, 2.0, 0.5))
    assert row == "1.00\t3.00\t2.00\t0.500\t25.000\t100.000"
    fit = fit_cells(Fit(2.0, -0.25, 0.0000014, 3.5))
    assert fit == "+2.000000\t-0.250000\t+0.000001\t+3.500000"


# Arithmetic: of printed numbers, so to within half of the last decimal of each.


@pytest.mark.parametrize("section", ["SI", "SIfit", "SNR", "ghost"])
def test_statistics_agree_with_each_other(section: str, all_sections: list[Sections]) -> None:
    for sections in all_sections:
        for least, greatest, mean, sd, sd_percent, p2p_percent in sections[section]:
            assert 0 < least <= mean <= greatest
            assert sd_percent == pytest.approx(
                100 * sd / mean, abs=0.0005 + (0.05 + sd_percent * 0.005) / (mean - 0.005)
            )
            assert p2p_percent == pytest.approx(
                100 * (greatest - least) / mean,
                abs=0.0005 + (1 + p2p_percent * 0.005) / (mean - 0.005),
            )


def test_fit_agrees_with_the_signal_and_the_residuals(all_sections: list[Sections]) -> None:
    n = range(500)
    for sections in all_sections:
        for si, sifit, (p0, p1, p2, chisq) in zip(
            sections["SI"], sections["SIfit"], sections["fit"]
        ):
            assert sifit[MEAN] == pytest.approx(p0, abs=0.0051)
            assert sifit[SD] == pytest.approx((chisq / 499) ** 0.5, abs=0.00051)
            assert sifit[SD] <= si[SD]
            # Half of the last decimal of p2, times the mean of n^2, is 0.042.
            mean = p0 + p1 * sum(n) / 500 + p2 * sum(each**2 for each in n) / 500
            assert si[MEAN] == pytest.approx(mean, abs=0.05)


def test_sd_of_the_signal_is_that_of_the_fitted_curve_and_the_residuals() -> None:
    report = simulate(scans_of(days=7)[0])
    for each in report.slices:
        curve = [each.fit.p1 * n + each.fit.p2 * n**2 for n in range(500)]
        middle = sum(curve) / 500
        squares = sum((value - middle) ** 2 for value in curve) + each.fit.chisq
        assert each.si.sd == pytest.approx((squares / 499) ** 0.5)


def test_a_quantity_of_mean_0_has_no_percentages() -> None:
    nothing = Statistics(0.0, 0.0, 0.0, 0.0)
    assert statistics_cells(nothing) == "0.00\t0.00\t0.00\t0.000\tnan\tnan"


# Schedule and files


def test_every_weekday_of_two_years_has_one_scan_a_scanner_and_weekends_none() -> None:
    scans = schedule(example_scanners(UNTIL), UNTIL)
    first = UNTIL - timedelta(days=729)
    weekdays = [
        day
        for day in (first + timedelta(days=number) for number in range(730))
        if day.weekday() <= FRIDAY
    ]
    for location in FOLDERS:
        days = [scan.time.date() for scan in scans if scan.scanner.location == location]
        assert days == weekdays


def test_coils_alternate_over_the_week() -> None:
    week = {
        scan.time.weekday(): scan.coil.channels
        for scan in scans_of(days=7)
        if scan.scanner.location == NORTH
    }
    assert week == {0: 32, 1: 64, 2: 32, 3: 64, 4: 32}


def test_scans_are_made_around_seven_but_not_at_the_same_minute() -> None:
    times = [scan.time for scan in scans_of(days=365)]
    assert all(6 <= time.hour <= 7 for time in times)
    assert len({(time.hour, time.minute) for time in times}) > 30


def test_the_newest_day_is_the_last_one_whose_morning_is_over() -> None:
    assert newest_day(datetime(2026, 11, 23, 8, 59)) == date(2026, 11, 22)
    assert newest_day(datetime(2026, 11, 23, 9, 0)) == date(2026, 11, 23)


def test_files_lie_in_their_scanners_folders_and_were_written_shortly_after_the_scan(
    tmp_path: Path,
) -> None:
    patterns = {
        "north-bay1": "Stability_%Y%m%dT%H%M%S.txt",
        "south-bay2": "Stability_%Y-%m-%dT%H-%M-%S.txt",
    }
    paths = list(generate(tmp_path, scans_of(days=14)))
    assert len(paths) == 20
    assert sorted(paths) == sorted(tmp_path.glob("*/*"))
    for path in paths:
        scanned = datetime.strptime(path.name, patterns[path.parent.name])
        latest = scanned.replace(tzinfo=timezone(timedelta(hours=-12)))
        assert 0 < path.stat().st_mtime - latest.timestamp() < 300


def test_reports_are_written_one_by_one_as_they_are_asked_for(tmp_path: Path) -> None:
    paths = list(islice(generate(tmp_path, scans_of(days=14)), 3))
    assert sorted(paths) == sorted(tmp_path.glob("*/*"))


def test_an_existing_report_is_never_overwritten(tmp_path: Path) -> None:
    scan = scans_of(days=7)[0]
    path = tmp_path / scan.scanner.folder / scan.file_name
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="is there already and is never overwritten"):
        list(generate(tmp_path, [scan]))
    assert path.read_text() == "precious"


# Determinism


def test_the_same_seed_gives_the_same_reports_and_another_seed_others() -> None:
    def texts(seed: int) -> list[str]:
        return [report_text(simulate(scan)) for scan in scans_of(7, seed)]

    first, again, other = texts(1), texts(1), texts(2)
    assert first == again
    assert all(one != another for one, another in zip(first, other))


def test_a_longer_history_has_the_same_newest_reports() -> None:
    assert scans_of(days=30)[-10:] == scans_of(days=7)[-10:]


def test_the_committed_reports_are_what_the_generator_makes() -> None:
    committed = {path.name: path.read_bytes() for path in samples.FOLDER.iterdir()}
    assert committed == samples.sample_reports()


# The story


Value = Callable[[Sections], float]


def mean_of(section: str, column: int) -> Value:
    return lambda sections: sum(row[column] for row in sections[section]) / len(sections[section])


def in_slice(section: str, column: int, number: int) -> Value:
    return lambda sections: sections[section][number - 1][column]


def ratio(days: dict[date, Sections], value: Value, later: range, earlier: range) -> float:
    """The median in the later period over that in the earlier one, in days before the end."""

    def middle(period: range) -> float:
        return median(
            value(sections) for day, sections in days.items() if (UNTIL - day).days in period
        )

    return middle(later) / middle(earlier)


@pytest.mark.parametrize("channels", [32, 64])
def test_without_service_snr_falls_and_drift_and_ghost_grow(
    channels: int, two_years: YearsOfReports
) -> None:
    days = two_years[SOUTH][channels]
    newest, oldest = range(80, 140), range(670, 730)  # of the days before the failing element
    assert 0.90 < ratio(days, mean_of("SNR", MEAN), newest, oldest) < 0.96
    assert ratio(days, mean_of("SI", P2P_PERCENT), newest, oldest) > 1.2
    assert ratio(days, mean_of("ghost", MEAN), newest, oldest) > 1.1


@pytest.mark.parametrize("channels", [32, 64])
def test_the_service_visit_is_a_step_back_to_good(channels: int, two_years: YearsOfReports) -> None:
    days = two_years[NORTH][channels]
    after, before = range(195, 255), range(255, 315)
    assert ratio(days, mean_of("SNR", MEAN), after, before) > 1.04
    assert ratio(days, mean_of("SI", P2P_PERCENT), after, before) < 0.85
    assert ratio(days, mean_of("ghost", MEAN), after, before) < 0.9


@pytest.mark.parametrize(
    ("number", "failed", "good"),
    [(4, range(446, 470), range(521, 560)), (12, range(21), range(69, 110))],
)
def test_a_failing_element_is_seen_in_its_slices_and_in_no_others(
    number: int, failed: range, good: range, two_years: YearsOfReports
) -> None:
    days = two_years[SOUTH][32]
    assert ratio(days, in_slice("SNR", MEAN, number), failed, good) < 0.8
    assert ratio(days, in_slice("SNR", SD_PERCENT, number), failed, good) > 1.4
    assert ratio(days, in_slice("ghost", MEAN, number), failed, good) > 1.2
    far = 16 if number == 4 else 1
    assert 0.95 < ratio(days, in_slice("SNR", MEAN, far), failed, good) < 1.05
    other_coil = two_years[SOUTH][64]
    assert 0.95 < ratio(other_coil, in_slice("SNR", MEAN, number), failed, good) < 1.05


def test_a_repaired_element_is_good_again(two_years: YearsOfReports) -> None:
    days = two_years[SOUTH][32]
    repaired, good = range(405, 445), range(521, 560)
    assert ratio(days, in_slice("SNR", MEAN, 4), repaired, good) > 0.95
