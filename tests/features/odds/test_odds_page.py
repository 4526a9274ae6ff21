"""The tables on the operators' page are tables, one of each kind."""

import re
from pathlib import Path

from casino_club.features.odds.rules.disclosure import disclose
from casino_club.features.odds.rules.tables import draft_table

PAGE = (Path(__file__).parents[3] / "docs/odds.md").read_text(encoding="utf-8")


def test_every_table_of_the_page_holds_together() -> None:
    pages = [
        disclose(draft_table(text))
        for text in re.findall(r"^```json table\n(.*?)\n```$", PAGE, re.DOTALL | re.MULTILINE)
    ]

    assert [page.kind for page in pages] == ["prizes", "wager", "slot", "cells"]
    assert pages[0].ceiling_draws == 50
    assert [bet.rtp.decimal for bet in pages[1].bets] == ["0.966666666666667", "0.933333333333333"]
    assert pages[2].rtp is not None
    assert pages[2].rtp.decimal == "0.93125"
