"""The program that makes realistic years of Stability reports of two invented scanners.

The reports look exactly like those a scanner writes, and their numbers tell a story that
physicists know: coils age, warm-up drift grows until a service visit, summers are a little worse
than winters, and coil elements fail.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

if not __package__:
    # Run by its path: Python then looks for modules beside this file, not for the package.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sample_data.files import generate
from sample_data.scanners import DEFAULT_SEED, events, example_scanners
from sample_data.schedule import DEFAULT_YEARS, newest_day, schedule

SHORTEST_YEARS = 0.01  # a few days
LONGEST_YEARS = 20.0

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
