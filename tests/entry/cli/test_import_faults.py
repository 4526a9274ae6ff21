"""Files that are broken, missing or not what they seem: one line each, with the place."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from casino_club.features.actions.rules.import_report import ImportReport
from casino_club.infra.db.database import Database
from casino_club.infra.log import imports
from tests.builders.histories import MAP, MAP_ID, as_csv, as_parquet, gzipped, spins
from tests.entry.cli.calling import Club

ALL = (*MAP, *MAP_ID)


def half(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def empty(folder: Path) -> Path:
    path = folder / "history.csv"
    path.touch()
    return path


def unnamed(folder: Path) -> Path:
    return as_csv(folder / "history.dat", spins(1))


UNREADABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a missing file": (lambda folder: folder / "none.csv", "can't be read: No such file"),
    "a folder": (lambda folder: folder, "is a folder; name the files in it."),
    "an empty file": (empty, "is empty."),
    "an unknown format": (unnamed, "what format it has can't be told from its name"),
    "half a Parquet file": (lambda f: half(as_parquet(f / "h.parquet", spins(500))), "is no whole Parquet file"),
    "other columns": (
        lambda f: as_csv(f / "h.csv", [{"a": 1, "b": 2}]),
        "no column 'member' for user_id; there are a, b",
    ),
    "columns left over": (
        lambda f: as_csv(f / "h.csv", [{**spins(1)[0], "note": "x"}]),
        "nothing is said of note: keep a column with --map metadata.NAME=note",
    ),
    "one name twice": (lambda f: written(f / "h.csv", b"member,member,ts\n1,2,3\n"), "line 1: the columns need names"),
}


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("what", UNREADABLE)
async def test_what_cannot_be_read_is_one_line(club: Club, tmp_path: Path, what: str) -> None:
    make, sentence = UNREADABLE[what]

    done = await club.call("import", str(make(tmp_path)), *ALL)

    assert (done.code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert sentence in done.stderr


async def test_no_file_is_read_before_every_file_was_looked_at(club: Club, database: Database, tmp_path: Path) -> None:
    good = as_csv(tmp_path / "good.csv", spins(3))

    done = await club.call("import", str(good), str(tmp_path / "none.csv"), *ALL)

    async with database.connection() as db:
        assert not await db.fetchval("SELECT count(*) FROM user_actions")
    assert done.code == 1


async def test_what_stands_before_the_damage_is_recorded_and_the_rest_once_the_file_is_whole(
    club: Club, database: Database, tmp_path: Path
) -> None:
    whole = gzipped(as_csv(tmp_path / "history.csv", spins(30_000)))
    cut = written(tmp_path / "cut.csv.gz", whole.read_bytes()[: whole.stat().st_size // 2])

    damaged = await club.call("import", str(cut), *ALL)
    async with database.connection() as db:
        before = await db.fetchval("SELECT count(*) FROM user_actions")
    done = await club.call("import", str(whole), *ALL, "--json")

    assert (damaged.code, len(damaged.stderr.splitlines())) == (1, 1)
    assert "is damaged behind byte" in damaged.stderr
    assert 0 < before < 30_000
    assert (done.json[0]["duplicate"], done.json[0]["accepted"]) == (before, 30_000 - before)


async def test_bad_lines_are_refused_with_their_number_and_the_rest_goes_in(
    club: Club, database: Database, tmp_path: Path
) -> None:
    path = as_csv(tmp_path / "history.csv", spins(6))
    lines = path.read_bytes().splitlines()
    lines[2] += b",more"
    lines[3] = b"\xff\xfe" + lines[3]
    lines[4] = b'"' + lines[4]
    lines[5] = b"x" * 3_000_000
    path.write_bytes(b"\n".join(lines))

    done = await club.call("import", str(path), *ALL, "--json")

    [told] = done.json
    said = {each["line"]: each["message"] for each in told["refused"]["invalid_action"]["examples"]}
    assert (told["accepted"], told["refused_rows"]) == (2, 4)
    assert said == {
        3: "The line has 10 cells, not 9.",
        4: "The line is not UTF-8.",
        5: "A quote that begins in this line is not closed.",
    }


async def test_a_file_that_another_process_imports_is_left_to_it(
    club: Club, database: Database, tmp_path: Path
) -> None:
    path = as_csv(tmp_path / "history.csv", spins(3))
    await club.call("import", str(path), *ALL)
    async with database.connection() as db:
        row = await db.fetchrow("SELECT namespace, file_digest FROM imports")
        assert row is not None
        await imports.hold(db, imports.FileOf(*row))

        done = await club.call("import", str(path), *ALL)

        await imports.let_go(db)
    assert (done.code, done.stderr) == (1, "Another process imports the same file; let it end, or end it.\n")


async def cut_behind_line_2(club: Club, database: Database, folder: Path) -> Path:
    """A file of three rows, and what a process leaves that was killed while it imported them."""
    path = as_csv(folder / "history.csv", spins(3))
    await club.call("import", str(path), *ALL)
    async with database.connection() as db:
        await db.execute("UPDATE imports SET ended_at = NULL, line = 2")
    return path


async def test_a_cut_import_goes_on_with_the_mapping_it_began_with(
    club: Club, database: Database, tmp_path: Path
) -> None:
    path = await cut_behind_line_2(club, database, tmp_path)

    other = await club.call("import", str(path), *MAP, "--map", "metadata.event=event_id")
    same = await club.call("import", str(path), *ALL, "--json")

    assert (other.code, "was begun with another mapping" in other.stderr) == (1, True)
    assert (same.code, same.json[0]["duplicate"]) == (0, 2)


async def test_a_file_that_was_changed_while_its_import_was_cut_is_not_taken_for_another(
    club: Club, database: Database, tmp_path: Path
) -> None:
    path = await cut_behind_line_2(club, database, tmp_path)
    as_csv(path, spins(4))

    changed = await club.call("import", str(path), *ALL)
    again = await club.call("import", str(path), *ALL, "--again", "--json")
    later = await club.call("import", str(as_csv(path, spins(5))), *ALL, "--json")

    assert (changed.code, "has changed since it was imported up to line 2" in changed.stderr) == (1, True)
    assert (again.code, again.json[0]["rows"]) == (0, 4)
    assert (later.code, later.json[0]["accepted"]) == (0, 1)


async def test_refused_rows_never_overwrite_a_file(club: Club, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "history.csv", spins(3))
    (tmp_path / "history.csv.refused.jsonl").write_text("mine\n")

    done = await club.call("import", str(path), *ALL)

    assert (done.code, len(done.stderr.splitlines())) == (1, 1)
    assert "is there already; move it away, or name another with --refused-to." in done.stderr


async def test_a_file_of_which_nothing_is_in_yet_may_be_begun_with_another_mapping(
    club: Club, database: Database, tmp_path: Path
) -> None:
    path = as_csv(tmp_path / "history.csv", spins(3))
    await club.call("import", str(path), *ALL)
    async with database.connection() as db:
        await db.execute("UPDATE imports SET ended_at = NULL, line = 0, refused_bytes = 0, report = ''")

    other = await club.call("import", str(path), *MAP, "--map", "metadata.event=event_id", "--json")

    assert (other.code, other.json[0]["rows"]) == (0, 3)


async def test_the_pace_that_is_told_is_that_of_this_call(club: Club, database: Database, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "history.csv", spins(3))
    whole = await club.call("import", str(path), *ALL)
    done = await club.call("import", str(path), *ALL)
    first_two = ImportReport(rows=2, accepted=2)
    async with database.connection() as db:
        noted = msgspec.json.encode(first_two).decode()
        await db.execute("UPDATE imports SET ended_at = NULL, line = 3, report = $1", noted)
    rest = await club.call("import", str(path), *ALL)

    assert "history.csv: 3 rows in " in whole.stdout
    assert "history.csv: 3 rows\n" in done.stdout
    assert "history.csv: 3 rows, 1 of them now, in " in rest.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--map", "user_id"), "write FIELD=COLUMN"),
        (("--map", "who=member"), "'who' in columns is no field"),
        (("--mapping", "none.toml"), "--mapping none.toml can't be read: No such file or directory.\n"),
    ],
)
async def test_a_mapping_that_says_nothing_is_one_line(
    club: Club, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    done = await club.call("import", str(as_csv(tmp_path / "h.csv", spins(1))), *words)

    assert (done.code, len(done.stderr.splitlines())) == (2, 1)
    assert sentence in done.stderr
