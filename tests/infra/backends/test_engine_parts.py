"""Whether a part lies on the disk as the engine believes, down to the byte."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casino_club.infra.backends.engine.parts import Part, PartsLookedAt, forget_broken

FILES = {"data.bin": 800, "data.cmrk4": 90, "primary.cidx": 10, "checksums.txt": 300, "columns.txt": 50}
COUNTED = 900


@pytest.fixture
def part(tmp_path: Path) -> Part:
    """A part as merges leave it."""
    for name, size in FILES.items():
        (tmp_path / name).write_bytes(bytes(size))
    return Part(str(tmp_path), COUNTED)


def test_a_part_with_all_its_bytes_is_whole(part: Part) -> None:
    assert PartsLookedAt().broken([part]) == []


@pytest.mark.parametrize(("name", "left"), [("data.bin", 799), ("data.cmrk4", 0), ("checksums.txt", 0)])
def test_a_part_that_lacks_bytes_is_broken_until_it_is_gone(part: Part, name: str, left: int) -> None:
    (Path(part.path) / name).write_bytes(bytes(left))
    looked_at = PartsLookedAt()

    assert [looked_at.broken([part]) for _ in range(2)] == [[part], [part]]


def test_a_part_that_was_found_whole_is_not_looked_at_again(part: Part) -> None:
    looked_at = PartsLookedAt()
    looked_at.broken([part])

    (Path(part.path) / "data.bin").unlink()

    assert looked_at.broken([part]) == []


def test_a_part_that_went_away_meanwhile_is_not_broken(part: Part) -> None:
    assert PartsLookedAt().broken([part._replace(path=part.path + "/gone")]) == []


def test_parts_that_were_broken_long_ago_are_forgotten_and_nothing_else(tmp_path: Path) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    names = {
        "detached/broken-on-start_all_1_4_1": 8,
        "detached/covered-by-broken_all_1_1_0": 8,
        "detached/broken-on-start_all_5_5_0": 6,
        "detached/all_2_2_0": 8,
        "all_1_9_2": 8,
    }
    for name, days in names.items():
        part = tmp_path / "store/0a1/0a1b2c3d" / name
        part.mkdir(parents=True)
        (part / "data.bin").touch()
        os.utime(part, times=(0, (now - timedelta(days=days)).timestamp()))

    forgotten = forget_broken(tmp_path, before=now - timedelta(days=7))

    assert sorted(path.name for path in forgotten) == ["broken-on-start_all_1_4_1", "covered-by-broken_all_1_1_0"]
    assert sorted(path.parent.name for path in tmp_path.rglob("data.bin")) == [
        *("all_1_9_2", "all_2_2_0", "broken-on-start_all_5_5_0")
    ]
