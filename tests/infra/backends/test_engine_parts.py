"""Whether a part lies on the disk as the engine believes, down to the byte."""

from pathlib import Path

import pytest

from casino_club.infra.backends.engine.parts import Part, PartsLookedAt

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
