"""`hops retention` on whisper files that were made in other ways."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
import whisper
from commands import hops

from hops.retention import whisperfile

# Debian's default for all series, and what graphite/ asks for.
DEBIANS = [(60, 1440), (300, 8640), (3600, 26280)]
OURS = [(600, 52560), (86400, 9125)]
SCANNER = "servers/h/StabilityCollector/Harvard/Bay1"
MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    folder = tmp_path / "whisper"
    folder.mkdir()
    return folder


def make(
    storage: Path, series: str = "32/SNR/mean/1", archives: Any = DEBIANS, factor: float = 0.5
) -> Path:
    path = storage / SCANNER / f"{series}.wsp"
    path.parent.mkdir(parents=True, exist_ok=True)
    whisper.create(str(path), archives, factor, sparse=True)
    return path


def shown(path: Path, epoch: int) -> float | None:
    """What Graphite answers for the slot of `epoch`."""
    before = HOUR if time.time() - epoch < 364 * DAY else DAY
    (start, _, step), values = whisper.fetch(str(path), epoch - before, epoch + 1)
    found: float | None = values[(epoch - epoch % step - start) // step]
    return found


def answer(storage: Path, *options: str, status: int = 0) -> Any:
    done = hops("retention", "--whisper", storage, "--json", *options)
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def ages(now: int) -> dict[int, float]:
    """A scan in each archive of Debian's, by epoch, not two in an hour."""
    return {
        now - 2 * HOUR: 1.125,
        now - 5 * HOUR: 2.25,
        now - 10 * DAY: 3.5,
        now - 25 * DAY: 4.75,
        now - 100 * DAY: 5.0625,
        now - 900 * DAY: 6.375,
    }


@pytest.mark.parametrize("factor", [0.0, 0.5])
def test_a_series_with_values_in_all_archives_keeps_every_one(storage: Path, factor: float) -> None:
    path = make(storage, factor=factor)
    values = ages(int(time.time()))
    whisper.update_many(str(path), list(values.items()))
    seen = {epoch: shown(path, epoch) for epoch in values}
    assert seen == values
    found = answer(storage, "--yes")
    assert found.pop("bytes") == 12 * (61685 - 36360) - 12  # points, and one archive less
    assert found == {"right": 0, "different": 1, "mended": 1, "trouble": {}}
    info = whisper.info(str(path))
    assert [(each["secondsPerPoint"], each["points"]) for each in info["archives"]] == OURS
    assert (info["xFilesFactor"], info["aggregationMethod"]) == (0, "average")
    for epoch, value in values.items():
        # One that was kept by the hour is at the beginning of it.
        coarse = epoch - epoch % (300 if time.time() - epoch < 30 * DAY else HOUR)
        assert shown(path, coarse if time.time() - epoch > DAY else epoch) == value
    # And in the coarser archives, which had lost them.
    by_day = dict(whisperfile._archives(path))[whisperfile.Archive(DAY, 9125)]
    old = {epoch: value for epoch, value in values.items() if time.time() - epoch > 2 * DAY}
    assert {epoch: by_day.get(epoch - epoch % DAY) for epoch in old} == old


def test_a_value_that_only_the_finest_archive_has_is_kept(storage: Path) -> None:
    path = make(storage)
    old = int(time.time()) - 3 * DAY
    whisper.update_many(str(path), [(old, 7.5)], old + MINUTE)
    assert shown(path, old) is None  # it was lost on the way to the five minutes
    answer(storage, "--yes")
    assert shown(path, old) == 7.5


def test_it_only_tells_unless_it_is_to_be_done(storage: Path) -> None:
    path = make(storage)
    right = make(storage, "32/SNR/mean/2", OURS, 0)
    before = path.read_bytes()
    done = hops("retention", "--whisper", storage)
    assert done.exit_code == 0
    assert "Series kept as they should be: 1; in another way: 1" in done.stdout
    assert "1 kept as 1 minute for 1 day, 5 minutes for 30 days" in done.stdout
    assert "with --yes" in done.stdout
    assert path.read_bytes() == before
    inode = right.stat().st_ino
    answer(storage, "--yes")
    assert right.stat().st_ino == inode


@pytest.mark.parametrize(("column", "method"), [("min", "min"), ("max", "max"), ("sd", "average")])
def test_each_column_is_rolled_up_as_graphites_files_say(
    storage: Path, column: str, method: str
) -> None:
    path = make(storage, f"32/SNR/{column}/1", OURS, 0.5)
    answer(storage, "--yes")
    assert whisper.info(str(path))["aggregationMethod"] == method


def test_other_series_are_left_alone(storage: Path) -> None:
    others = [make(storage, "ingest/waiting"), storage / "carbon/agents/a/errors.wsp"]
    others[1].parent.mkdir(parents=True)
    whisper.create(str(others[1]), DEBIANS)
    before = [path.read_bytes() for path in others]
    assert answer(storage, "--yes")["different"] == 0
    assert [path.read_bytes() for path in others] == before


def test_a_file_that_would_lose_a_value_stays_and_is_told(storage: Path) -> None:
    two = make(storage, "32/SNR/mean/1")
    slot = int(time.time()) // 600 * 600 - 2 * HOUR
    whisper.update_many(str(two), [(slot, 1.0), (slot + 120, 2.0)])
    one = make(storage, "32/SNR/mean/2")
    before = two.read_bytes()
    found = answer(storage, "--yes", status=1)
    assert found["mended"] == 1
    assert list(found["trouble"].values()) == [[str(two)]]
    assert "two values that would share a slot of 600 s" in next(iter(found["trouble"]))
    assert two.read_bytes() == before
    assert whisper.info(str(one))["xFilesFactor"] == 0


def test_a_shorter_retention_loses_nothing(storage: Path, tmp_path: Path) -> None:
    path = make(storage)
    whisper.update_many(str(path), [(int(time.time()) - 900 * DAY, 6.5)])
    (tmp_path / "storage-schemas.conf").write_text("[all]\npattern = .*\nretentions = 10m:1y\n")
    (tmp_path / "storage-aggregation.conf").write_text("")
    found = answer(storage, "--carbon-conf", str(tmp_path), "--yes", status=1)
    assert found["mended"] == 0
    assert "older than the wanted retention" in str(found["trouble"])
    assert len(whisper.info(str(path))["archives"]) == 3


@pytest.mark.parametrize("kind", ["empty", "zeros", "cut short", "nonsense"])
def test_a_broken_file_is_named_and_stays(storage: Path, kind: str) -> None:
    path = make(storage)
    make(storage, "32/SNR/mean/2")
    size = path.stat().st_size
    content = {
        "empty": b"",
        "zeros": b"\0" * size,
        "cut short": path.read_bytes()[: size // 2],
        "nonsense": b"no whisper file",
    }[kind]
    path.write_bytes(content)
    found = answer(storage, "--yes", status=1)
    assert found["mended"] == 1
    assert list(found["trouble"].values()) == [[str(path)]]
    assert path.read_bytes() == content


def test_owner_and_mode_stay(storage: Path) -> None:
    path = make(storage)
    path.chmod(0o640)
    owner = (1234, 1235) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(path, *owner)
    answer(storage, "--yes")
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (*owner, 0o640)


def test_an_interrupted_run_is_finished_by_the_next(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [make(storage, f"32/SNR/mean/{number}") for number in (1, 2, 3)]
    (paths[1].with_name(paths[1].name + whisperfile.NEW)).write_text("half of one")
    update_many = whisper.update_many
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill(path: str, *arguments: Any) -> None:
        if "/2.wsp" in path:
            raise full
        update_many(path, *arguments)

    for path in paths:
        update_many(str(path), [(int(time.time()) - HOUR, 1.0)])
    before = paths[1].read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(whisper, "update_many", fill)
        done = hops("retention", "--whisper", storage, "--yes")
    assert done.exit_code == 1
    assert "No space left on device" in done.stderr
    assert "1 of 3 are mended" in done.stderr
    assert paths[1].read_bytes() == before
    assert answer(storage, "--yes")["mended"] == 2
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["1.wsp", "2.wsp", "3.wsp"]


def test_what_is_not_read_back_as_it_was_takes_no_place(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(storage)
    whisper.update_many(str(path), [(int(time.time()) - HOUR, 1.0)])
    before = path.read_bytes()
    monkeypatch.setattr(whisper, "update_many", lambda *arguments: None)
    found = answer(storage, "--yes", status=1)
    assert "could not be read back" in str(found["trouble"])
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["1.wsp"]


def test_what_carbon_writes_meanwhile_is_kept(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(storage)
    now = int(time.time())
    whisper.update_many(str(path), [(now - 5 * HOUR, 1.0)])
    replace = os.replace

    def replace_late(source: Path, target: Path) -> None:
        monkeypatch.undo()
        with path.open("rb+") as carbons:
            replace(source, target)
            whisper.file_update_many(carbons, [(now - HOUR, 2.0)])

    monkeypatch.setattr(os, "replace", replace_late)
    answer(storage, "--yes")
    assert (shown(path, now - 5 * HOUR), shown(path, now - HOUR)) == (1.0, 2.0)


def test_configuration_that_cannot_be_used_is_told(storage: Path, tmp_path: Path) -> None:
    done = hops("retention", "--whisper", storage, "--carbon-conf", tmp_path)
    assert done.exit_code == 1
    assert "storage-schemas.conf cannot be used" in done.stderr
    for text in (
        "[a]\nretentions = 10m:1y\n",
        "[a]\npattern = .*\nretentions = often\n",
        "nonsense",
    ):
        (tmp_path / "storage-schemas.conf").write_text(text)
        done = hops("retention", "--whisper", storage, "--carbon-conf", tmp_path)
        assert done.exit_code == 1
        assert str(tmp_path / "storage-schemas.conf") in done.stderr
