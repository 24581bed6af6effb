"""The few ready reports in `reports/`: one of each form that reports in the field have.

`python3 -m sample_data.samples` writes those that are missing; it overwrites none.
"""

from __future__ import annotations

import codecs
import math
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from sample_data.measure import simulate
from sample_data.report import Fit, Report, SliceResult, Statistics, report_text
from sample_data.scanners import NORTH_32, SOUTH_32, SOUTH_64, example_scanners
from sample_data.schedule import Scan

FOLDER = Path(__file__).with_name("reports")
LAST_DAY = date(2026, 3, 6)
SEED = 2026

NO_SIGNAL = Statistics(0.0, 0.0, 0.0, 0.0)
NO_NUMBER = Statistics(math.nan, math.nan, math.nan, math.nan)
OUTSIDE_THE_PHANTOM = SliceResult(NO_SIGNAL, NO_SIGNAL, NO_NUMBER, NO_SIGNAL, Fit(0, 0, 0, 0))


def sample_reports() -> dict[str, bytes]:
    """The bytes of every ready report, by file name."""
    north, south = example_scanners(LAST_DAY, SEED)
    older = Scan(north, NORTH_32, datetime(2026, 3, 2, 7, 4, 12))
    newer = Scan(south, SOUTH_64, datetime(2026, 3, 3, 6, 58, 31))
    one_slice = Scan(south, SOUTH_32, datetime(2026, 3, 4, 7, 11, 5), slices=1, measurements=200)
    windows = Scan(south, SOUTH_64, datetime(2026, 3, 5, 7, 2, 47))
    misplaced = Scan(north, NORTH_32, datetime(2026, 3, 6, 6, 49, 50))
    return {
        older.file_name: text_of(older).encode(),
        newer.file_name: text_of(newer).encode(),
        one_slice.file_name: text_of(one_slice).encode(),
        windows.file_name: codecs.BOM_UTF8 + text_of(windows).replace("\n", "\r\n").encode(),
        misplaced.file_name: both_spellings(
            report_text(without_ends(simulate(misplaced)))
        ).encode(),
    }


def text_of(scan: Scan) -> str:
    return report_text(simulate(scan))


def without_ends(report: Report) -> Report:
    """The report of a phantom so short that the first and the last slice lie outside it: there
    every percentage and every SNR is 0/0."""
    inside = report.slices[1:-1]
    return replace(report, slices=(OUTSIDE_THE_PHANTOM, *inside, OUTSIDE_THE_PHANTOM))


def both_spellings(text: str) -> str:
    """The text with 0/0 in the last slice as `-1.#IND`, as an older C runtime spells it."""
    lines = text.splitlines(keepends=True)
    return "".join(
        line.replace("nan", "-1.#IND") if line.startswith("16\t") else line for line in lines
    )


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, content in sample_reports().items():
        path = FOLDER / name
        if not path.exists():
            with path.open("xb") as file:
                file.write(content)


if __name__ == "__main__":
    main()
