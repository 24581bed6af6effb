"""What is typed after an option: made into what it means, or refused in a plain sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import click


def folder(text: str) -> Path:
    """A folder that is there and can be read."""
    try:
        os.scandir(text).close()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise click.BadParameter(
            f"{text!r} cannot be read ({why}): name a folder that is there, and yours to read."
        ) from None
    return Path(text)


def number_from(
    lowest: float, highest: float | None = None, kind: Callable[[str], float] = int
) -> Callable[[str], float]:
    """What makes a number from `lowest` to `highest`."""

    def number(text: str) -> float:
        try:
            made = kind(text)
        except ValueError:
            made = float("nan")  # which is in no range
        if lowest <= made <= (float("inf") if highest is None else highest):
            return made
        whole = "whole number" if kind is int else "number"
        up_to = "" if highest is None else f" to {highest:g}"
        raise click.BadParameter(f"{text!r}: expected a {whole} from {lowest:g}{up_to}.")

    return number


def day_of(years: range) -> Callable[[str], date]:
    """What makes a day of one of the years."""

    def day(text: str) -> date:
        try:
            made = datetime.strptime(text, "%Y-%m-%d").date()
        except ValueError:
            raise click.BadParameter(f"{text!r}: expected a day as in 2026-06-30.") from None
        if made.year not in years:
            raise click.BadParameter(f"{made.year} is not from {years[0]} to {years[-1]}.")
        return made

    return day


port = number_from(1, 65535)
