"""Small tables of odds, for tests that want to see every number."""

import json
from typing import Any

from casino_club.features.odds.rules.shapes import FORMAT
from casino_club.features.odds.rules.tables import OddsTable, table_of

TITLE = {"en": "Trial", "ko": "시험"}
STAKE = {"currencies": ["COIN"], "min": 10, "max": 1_000, "step": 10}


def prizes(*phases: tuple[int, list[int]], resets: list[str] | None = None, **changes: Any) -> dict[str, Any]:
    """Three items: nothing, ten coins, and a legendary badge."""
    items = [("blank", "common", "NOTHING", 0), ("ten", "common", "COIN", 10), ("star", "legendary", "BADGE", 1)]
    return {
        "format": FORMAT,
        "kind": "prizes",
        "product": "trial",
        "title": TITLE,
        "price": {"currency": "COIN", "amount": 5},
        "items": [{"id": name, "tier": tier, "prize": a_prize(name, kind, n)} for name, tier, kind, n in items],
        "phases": [{"draws": draws, "weights": weights} for draws, weights in phases or [(1, [90, 9, 1])]],
        **({"resets": resets} if resets is not None else {}),
        **changes,
    }


def a_prize(name: str, kind: str, amount: int) -> dict[str, Any]:
    """A badge says which one it is."""
    return {"kind": kind, "amount": amount, **({"reference": name} if kind == "BADGE" else {})}


def with_pity(*, base: int = 10, ceiling: int = 5) -> dict[str, Any]:
    """Legendary at base/1000 until the last draw, which is certain."""
    return prizes((ceiling - 1, [600, 400 - base, base]), (1, [0, 0, 1]), resets=["legendary"])


def wager(**changes: Any) -> dict[str, Any]:
    """A coin that lies tails up two times in three."""
    return {
        "format": FORMAT,
        "kind": "wager",
        "product": "coin-toss",
        "title": TITLE,
        "stake": STAKE,
        "places": [{"id": "heads", "weight": 1}, {"id": "tails", "weight": 2}],
        "bets": [
            {"id": "heads", "wins": [{"on": ["heads"], "pays": 28}]},
            {"id": "tails", "wins": [{"on": ["tails"], "pays": 14}]},
        ],
        **changes,
    }


def slot(**changes: Any) -> dict[str, Any]:
    """Two reels of three stops, two rows, both lines, a wild symbol."""
    return {
        "format": FORMAT,
        "kind": "slot",
        "product": "small-slot",
        "title": TITLE,
        "stake": STAKE,
        "rows": 2,
        "reels": [
            [{"symbol": symbol, "weight": weight} for symbol, weight in reel]
            for reel in ((("plum", 3), ("bell", 2), ("wild", 1)), (("bell", 1), ("plum", 4), ("plum", 2)))
        ],
        "lines": [[0, 0], [1, 1]],
        "pays": [{"symbol": "plum", "count": 2, "pays": 6}, {"symbol": "bell", "count": 2, "pays": 30}],
        "wild": "wild",
        **changes,
    }


def cells() -> dict[str, Any]:
    """A bonus with a chance for each of two situations."""
    items = [("no-bonus", "NOTHING", 0), ("bonus", "GEM", 5)]
    return {
        "format": FORMAT,
        "kind": "cells",
        "product": "bonus",
        "title": TITLE,
        "price": {"currency": "COIN", "amount": 0},
        "items": [{"id": name, "tier": name, "prize": {"kind": kind, "amount": n}} for name, kind, n in items],
        "cells": [{"id": "low", "weights": [95, 5]}, {"id": "whale", "weights": [85, 15]}],
    }


def a_table(value: dict[str, Any] | None = None) -> OddsTable:
    return table_of(value or prizes())


def as_json(value: dict[str, Any]) -> str:
    """As staff would write it."""
    return json.dumps(value, indent=2, ensure_ascii=False)
