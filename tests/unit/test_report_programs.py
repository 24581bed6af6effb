"""What `hops report` tells programs."""

import csv

from coils import coil, data, fleet

from hops.judge.rules import Limit
from hops.quantities import GHOST, QUANTITIES
from hops.report.programs import as_json, write_csv
from hops.report.verdict import judge


def lines(path, *verdicts):
    write_csv(fleet(*verdicts), path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_has_every_value_of_every_slice_with_its_limits(tmp_path):
    values = coil(scans=30, slices=2, changes=[("Ghost level", [1, 2], 2, 1)]).values
    limits = {GHOST: Limit(3, 1)}.items()
    found = judge(data(values, limits=limits, location='München/"Bay, 1"'))
    told = lines(tmp_path / "values.csv", found)
    assert len(told) == 30 * 3 * len(QUANTITIES)
    assert {line["location"] for line in told} == {'München/"Bay, 1"'}
    [newest] = [
        line for line in told
        if (line["quantity"], line["slice"]) == ("Ghost level", "mean")
        and line["time"].startswith("2026-11-20T")
    ]
    scan = found.means[GHOST].scans[-1]
    assert newest["value"] == "4.444"
    assert float(newest["centre"]) == scan.centre
    assert (float(newest["own_limit"]), newest["beyond_limits"]) == (3, "1")
    average = found.averages[GHOST].scans[-1]
    assert (float(newest["ewma"]), float(newest["ewma_sigmas"])) == (average.value, average.sigmas)
    of_slice = [line for line in told if line["slice"] == "2"]
    assert {line["centre"] for line in of_slice} == {""}
    assert {float(line["sigmas"]) for line in of_slice[:20]} == {0}


def test_a_coil_of_one_slice_has_no_mean_and_one_without_scans_has_no_line(tmp_path):
    told = lines(tmp_path / "values.csv", judge(coil(scans=2, slices=1)), judge(coil(days=0)))
    assert [line["slice"] for line in told] == ["1"] * 2 * len(QUANTITIES)


def test_programs_are_told_what_is_out_of_control():
    changes = [("SNR", [1], 0.5, 2)]
    weak, sound = judge(coil(slices=1, changes=changes)), judge(coil(slices=1, name="64"))
    told = as_json(fleet(weak, sound))
    assert told["out_of_control"]
    assert [coil["state"] for coil in told["coils"]] == ["out of control", "in control"]
    assert [coil["scans_beyond"] for coil in told["coils"]] == [2, 0]
    snr = told["coils"][0]["quantities"][0]
    assert (snr["state"], snr["scans_beyond"], snr["newest"]) == ("out of control", 2, 151.5)
    assert not as_json(fleet(sound))["out_of_control"]


def test_programs_are_told_what_changes_slowly_and_of_single_slices(tmp_path):
    changes = [("Ghost level", range(1, 9), 1.02, 40), ("SNR", [2], 0.94, 2)]
    found = judge(coil(slices=8, changes=changes))
    told = as_json(fleet(found))
    assert (told["out_of_control"], told["slow_changes"]) == (False, True)
    [of_coil] = told["coils"]
    assert of_coil["state"] == "slow change"
    assert of_coil["slow_changes"] == ["Ghost level"]
    assert (of_coil["scans_beyond"], of_coil["scans_beyond_in_slices"]) == (0, 2)
    slow = {each["name"]: each["changes_slowly"] for each in of_coil["quantities"]}
    assert [name for name, is_so in slow.items() if is_so] == ["Ghost level"]
    rows = lines(tmp_path / "values.csv", found)
    assert {row["quantity"] for row in rows if row["changes_slowly"] == "1"} == {"Ghost level"}
    assert {row["slice"] for row in rows if row["beyond_limits"] == "1"} == {"2"}
