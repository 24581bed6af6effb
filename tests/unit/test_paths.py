"""Metric paths are built of their levels, and give them back."""

from __future__ import annotations

from pathlib import Path

import pytest
from beside import golden_lines

import stability_report
from hops import paths

PREFIX = "servers.host.StabilityCollector"


@pytest.mark.parametrize("location", ["Bay1", "Harvard/Northwest/Bay1", "Basel/Süd/3 T"])
def test_a_location_is_a_part_of_its_scanners_path(location: str) -> None:
    path = paths.scanner(PREFIX, location)

    assert path == f"{PREFIX}.{stability_report.location_path(location)}"
    assert path.count(".") == PREFIX.count(".") + 1 + location.count("/")


def test_a_location_with_an_empty_level_has_no_path() -> None:
    with pytest.raises(ValueError, match="Harvard//Bay1"):
        paths.scanner(PREFIX, "Harvard//Bay1")


def test_each_path_that_the_collector_of_2018_sent_is_taken_apart_and_built_again() -> None:
    sent = [line.split()[0] for line in Path(golden_lines()).read_text().splitlines() if line]

    taken_apart = [paths.series(path) for path in sent]

    assert len(sent) == 448
    assert [str(series) for series in taken_apart] == sent
    assert {series.coil for series in taken_apart} == {"32"}
    assert {series.section for series in taken_apart} == {"SI", "SIfit", "SNR", "ghost", "fit"}
    assert {series.slice for series in taken_apart} == {str(number) for number in range(1, 17)}


def test_what_is_not_said_is_any() -> None:
    series = paths.Series("a.b", section="SNR", slice="1")

    assert str(series) == "a.b.*.SNR.*.1"
    assert paths.Series("a.b", "32").coil_path == "a.b.32"


def test_a_section_and_a_coil_have_all_their_series_below_them() -> None:
    assert str(paths.series_of_section("a.b.32.SNR")) == "a.b.32.SNR.*.*"
    assert str(paths.series_of_coil("a.b.32")) == "a.b.32.*.*.*"


def test_what_the_collector_says_of_itself_is_beside_the_coils() -> None:
    assert paths.ingest("a.Bay1", "waiting") == "a.Bay1.ingest.waiting"
