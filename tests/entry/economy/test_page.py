"""The page of a run stands alone, can be read by everybody, and is well-formed."""

import re
from xml.etree import ElementTree as ET

import pytest

from casino_club.entry.economy.comparing import FORMAT, ComparisonOut, differences
from casino_club.entry.economy.drawing import Frame, Interval, Series, bars, intervals, lines
from casino_club.entry.economy.page import page_of, page_of_both
from casino_club.entry.economy.report import report_of
from casino_club.entry.economy.simulation import simulate
from tests.entry.economy.runs import RULES, a_meaner_slot, a_plan, a_run, own_plan, with_table

SVG = "{http://www.w3.org/2000/svg}"
FRAME = Frame("a", "Coins & <gems>", "What it shows.", "Day", "Coins")


def both() -> str:
    plan = a_plan(users=20, days=5)
    first, second = simulate(plan, RULES), simulate(plan, with_table(a_meaner_slot()))
    found = differences(first.tally.people, second.tally.people)
    return page_of_both(ComparisonOut(FORMAT, found, report_of(first), report_of(second)))


@pytest.mark.parametrize("page", [page_of(report_of(a_run(users=20, days=5))), both()], ids=["one", "both"])
def test_a_page_is_well_formed_needs_nothing_else_and_names_what_it_draws(page: str) -> None:
    tree = ET.fromstring(page.removeprefix("<!DOCTYPE html>"))

    charts = list(tree.iter(f"{SVG}svg"))
    assert len(charts) >= 6
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    for chart in charts:
        title, about = chart.find(f"{SVG}title"), chart.find(f"{SVG}desc")
        assert title is not None
        assert about is not None
        assert chart.get("aria-labelledby") == f"{title.get('id')} {about.get('id')}"
        assert title.text
        assert about.text
        assert len([each for each in chart.iter(f"{SVG}text") if each.get("class") == "name"]) == 2
    assert not [each for each in tree.iter() if each.tag in ("script", "link", "img", "iframe")]
    assert set(re.findall(r"https?://[^\"\s]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "prefers-color-scheme: dark" in page


def test_a_run_in_which_nothing_happened_is_drawn_too() -> None:
    run = simulate(own_plan(users=1, days=1, takes_free_percent=0), RULES)

    assert ET.fromstring(page_of(report_of(run)).removeprefix("<!DOCTYPE html>")) is not None


def test_names_are_written_so_that_they_cannot_be_markup() -> None:
    charts = [
        lines(FRAME, [Series("<b>", [0, 1, 2])]),
        bars(FRAME, ["<i>"], [Series("a", [3]), Series("b", [0])]),
        intervals(FRAME, [Interval("<u>", 0.9, 0.95, 1.0, 0.96)]),
    ]

    written = "".join(ET.tostring(each, encoding="unicode") for each in charts)

    assert "Coins &amp; &lt;gems&gt;" in written
    assert not re.search(r"<[biu]>", written)


def test_a_value_stands_where_the_axis_says() -> None:
    chart = lines(FRAME, [Series("a", [0, 50, 100])])

    line = next(each for each in chart.iter() if each.tag == "polyline")

    assert [point.split(",")[1] for point in (line.get("points") or "").split()] == ["256.0", "136.0", "16.0"]
