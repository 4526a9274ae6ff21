"""The simulator as it is called."""

import json
import signal
from pathlib import Path

import psutil
import pytest
import typer
from msgspec.structs import replace

from casino_club.entry.cli.economy import UNSOUND, end_unless_sound
from casino_club.entry.economy.checks import Check, Verdict
from casino_club.entry.economy.report import report_of
from casino_club.features.shop.rules.shipped import shipped_catalogue
from tests.entry.cli.calling import Club
from tests.entry.economy.runs import a_meaner_slot, a_mix, a_run
from tests.infra.waiting import wait_for

OFFLINE = Club({})
SMALL = ("economy", "simulate", "--users", "20", "--days", "5")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_run_is_told_to_people_and_to_programs_and_written_down(tmp_path: Path) -> None:
    page, numbers = tmp_path / "run.html", tmp_path / "run.json"

    said = await OFFLINE.call(*SMALL, "--html", str(page), "--numbers", str(numbers))
    as_program = await OFFLINE.call(*SMALL, "--json")

    assert said.code == as_program.code == 0
    assert "free_coins" in said.stdout
    assert "checks hold" in said.stdout
    assert as_program.stdout == numbers.read_text()
    assert as_program.json["plan"] == {**as_program.json["plan"], "users": 20, "days": 5, "mix": "everyday"}
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert names_in(tmp_path) == ["run.html", "run.json"]


async def test_two_versions_are_set_beside_each_other(tmp_path: Path) -> None:
    slot, catalogue = tmp_path / "slot.json", tmp_path / "catalogue.json"
    slot.write_text(json.dumps(a_meaner_slot()))
    catalogue.write_text(shipped_catalogue().text)

    said = await OFFLINE.call(*SMALL, "--compare", "shipped", f"{slot},{catalogue}")
    as_program = await OFFLINE.call(*SMALL, "--compare", "shipped", f"{slot},{catalogue}", "--json")

    assert said.code == 0
    assert "slot.json,catalogue.json" in said.stdout
    digests = [as_program.json[each]["plan"]["digests"] for each in ("first", "second")]
    assert {name for name in digests[0] if digests[0][name] != digests[1][name]} == {"slot-orchard"}
    assert "coins_lost" in {each["figure"] for each in as_program.json["differences"]}


async def test_a_mix_of_ones_own_is_played_and_a_table_put_in_place(tmp_path: Path) -> None:
    mix, slot = tmp_path / "mix.json", tmp_path / "slot.json"
    mix.write_text(json.dumps(a_mix()))
    slot.write_text(json.dumps(a_meaner_slot()))

    done = await OFFLINE.call(*SMALL, "--mix-file", str(mix), "--mix", "own", "--with", str(slot), "--json")

    assert [each["product"] for each in done.json["games"]] == ["slot-orchard"]
    assert done.json["games"][0]["rtp_declared"] == pytest.approx(0.942202)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--mix", "nobody"), "mix_missing: There is no mix nobody; there are everyday, patient, reckless."),
        (("--mix-file", "gone.toml"), "mix_invalid: gone.toml: No such file or directory."),
        (("--mix-file", "."), "mix_invalid: .: Is a directory."),
        (("--with", "gone.json"), "rules_invalid: gone.json: No such file or directory."),
        (("--compare", "shipped", "sold"), "rules_invalid: sold: No such file or directory."),
    ],
)
async def test_what_is_not_there_is_a_line_with_a_code(words: tuple[str, ...], told: str) -> None:
    done = await OFFLINE.call(*SMALL, *words)

    assert (done.code, done.stdout, done.stderr.splitlines()[-1]) == (2, "", told)


@pytest.mark.parametrize(
    ("name", "content", "option"),
    [
        ("a.toml", b"\xff", "--mix-file"),
        ("a.toml", b"mixes = 1", "--mix-file"),
        ("a.toml", b"[", "--mix-file"),
        ("a.json", b"[" * 100_000, "--mix-file"),
        ("a.json", b"{}", "--with"),
        ("a.json", b'{"format": "casino-club/catalogue/1"}', "--with"),
        ("a.json", b" " * 5_000_000, "--with"),
        ("a.json", b"{" * 5_000, "--with"),
    ],
)
async def test_files_that_cannot_be_used_are_a_line_with_a_code(
    tmp_path: Path, name: str, content: bytes, option: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    done = await OFFLINE.call(*SMALL, option, str(path))

    assert done.code == 2
    assert done.stderr.startswith(("mix_invalid: ", "rules_invalid: "))
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [("--users", "0"), ("--users", "x"), ("--days", "0"), ("--seed", "-1"), ("--users", "1000001")]
)
async def test_numbers_that_make_no_run_are_refused(words: tuple[str, ...]) -> None:
    assert (await OFFLINE.call("economy", "simulate", *words)).code == 2


async def test_a_page_that_cannot_be_written_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    done = await OFFLINE.call(*SMALL, "--html", str(tmp_path / "gone" / "page.html"))

    assert done.code == 1
    assert "can't be written: No such file or directory." in done.stderr
    assert names_in(tmp_path) == []


async def test_the_schema_and_the_shipped_mixes_are_handed_out() -> None:
    schema, mixes = await OFFLINE.call("economy", "schema"), await OFFLINE.call("economy", "mixes")

    assert {"ReportOut", "DayOut"} <= set(schema.json["run"]["$defs"])
    assert {"ReportOut", "Difference"} <= set(schema.json["comparison"]["$defs"])
    assert "[mixes.everyday]" in mixes.stdout


def test_a_broken_check_ends_with_a_code_of_its_own() -> None:
    report = report_of(a_run(users=3, days=2))
    wrong = Check("conservation COIN", "", Verdict.BROKEN, 1, 0, 0)

    end_unless_sound([report])
    with pytest.raises(typer.Exit) as ended:
        end_unless_sound([report, replace(report, checks=[*report.checks, wrong])])

    assert ended.value.exit_code == UNSOUND == 3


def test_whoever_is_interrupted_keeps_the_page_of_before(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("before")
    running = OFFLINE.start("economy", "simulate", "--users", "1000000", "--html", str(page))

    wait_for(lambda: psutil.Process(running.pid).cpu_times().user > 1.5)
    running.send_signal(signal.SIGINT)

    assert running.wait(30) != 0
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("page.html", "before")]
