"""The tables that the platform brings along: a slot, a roulette wheel, a hidden move, two gachas with pity."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from casino_club.features.odds.rules.shapes import FORMAT
from casino_club.features.odds.rules.tables import OddsTable, table_of

STAKE: Final = {"currencies": ["COIN", "CYBER_TOKEN"], "min": 10, "max": 10_000, "step": 10}
RED: Final = (1, 3, 5, 7, 9, 12, 14, 16, 18, 19, 21, 23, 25, 27, 30, 32, 34, 36)

Bets = Iterator[tuple[str, Sequence[int], int]]
"""Name, numbers, and what the bet pays for one of its stake, the stake included."""


def shipped_tables() -> list[OddsTable]:
    """All of them, by product."""
    return [table_of(value) for value in (gacha(), gallery(), hidden_move(), roulette(), slot())]


def slot() -> dict[str, Any]:
    """Three reels of 24 stops, three rows, five lines."""
    strips = (
        "lemon plum orange cherry lemon bell plum orange lemon cherry plum seven"
        " orange lemon plum bell orange cherry lemon wild plum orange bell cherry",
        "plum orange lemon cherry bell orange plum lemon wild orange cherry plum"
        " lemon bell orange plum seven lemon cherry orange plum bell lemon cherry",
        "orange lemon plum cherry orange bell lemon plum seven orange cherry lemon"
        " plum bell orange lemon wild plum cherry orange lemon bell plum cherry",
    )
    pays = {"lemon": 15, "plum": 20, "orange": 20, "cherry": 50, "bell": 80, "seven": 400}
    return {
        "format": FORMAT,
        "kind": "slot",
        "product": "slot-orchard",
        "title": {"en": "Orchard", "ko": "과수원"},
        "stake": STAKE,
        "rows": 3,
        "reels": [[{"symbol": symbol, "weight": 1} for symbol in strip.split()] for strip in strips],
        "lines": [[1, 1, 1], [0, 0, 0], [2, 2, 2], [0, 1, 2], [2, 1, 0]],
        "pays": [{"symbol": symbol, "count": 3, "pays": paid} for symbol, paid in pays.items()],
        "wild": "wild",
    }


def roulette() -> dict[str, Any]:
    """A European wheel: one zero, and the bets that a table of felt has room for."""
    step = STAKE["step"]
    assert isinstance(step, int)
    return {
        "format": FORMAT,
        "kind": "wager",
        "product": "roulette-european",
        "title": {"en": "European roulette", "ko": "유러피언 룰렛"},
        "stake": STAKE,
        "places": [{"id": str(number), "weight": 1} for number in range(37)],
        "bets": [
            {"id": name, "wins": [{"on": [str(number) for number in numbers], "pays": paid * step}]}
            for name, numbers, paid in (*_inside_bets(), *_outside_bets())
        ],
    }


def _inside_bets() -> Bets:
    yield from ((f"straight-{number}", (number,), 36) for number in range(37))
    sideways = [(number, number + 1) for number in range(1, 36) if number % 3]
    upwards = [(number, number + 3) for number in range(1, 34)]
    for pair in sorted([*sideways, *upwards, (0, 1), (0, 2), (0, 3)]):
        yield f"split-{pair[0]}-{pair[1]}", pair, 18
    for row in range(1, 37, 3):
        yield f"street-{row}", range(row, row + 3), 12
    yield "trio-0-1-2", (0, 1, 2), 12
    yield "trio-0-2-3", (0, 2, 3), 12
    for number in range(1, 33):
        if number % 3:
            yield f"corner-{number}", (number, number + 1, number + 3, number + 4), 9
    yield "first-four", (0, 1, 2, 3), 9
    for row in range(1, 34, 3):
        yield f"six-line-{row}", range(row, row + 6), 6


def _outside_bets() -> Bets:
    numbers = range(1, 37)
    for nth in (1, 2, 3):
        yield f"dozen-{nth}", range(nth * 12 - 11, nth * 12 + 1), 3
        yield f"column-{nth}", range(nth, 37, 3), 3
    yield "red", RED, 2
    yield "black", [number for number in numbers if number not in RED], 2
    yield "even", [number for number in numbers if number % 2 == 0], 2
    yield "odd", [number for number in numbers if number % 2], 2
    yield "low", range(1, 19), 2
    yield "high", range(19, 37), 2


def hidden_move() -> dict[str, Any]:
    """Rock, paper, scissors: the opponent's move is as likely to be any. A draw gives the stake back."""
    beats = {"rock": "scissors", "paper": "rock", "scissors": "paper"}
    return {
        "format": FORMAT,
        "kind": "wager",
        "product": "rps-ai",
        "title": {"en": "Rock, paper, scissors", "ko": "가위바위보"},
        "stake": STAKE,
        "places": [{"id": move, "weight": 1} for move in beats],
        "bets": [
            {"id": move, "wins": [{"on": [beaten], "pays": 19}, {"on": [move], "pays": 10}]}
            for move, beaten in beats.items()
        ],
    }


def gacha() -> dict[str, Any]:
    """Four tiers. Legendary is at .6%, rises from the 60th pull without one, and is certain on the 80th."""
    items = [
        *(("coins-50", "common", "COIN", 50), ("coins-100", "common", "COIN", 100)),
        *(("xp-30", "common", "XP", 30), ("coins-500", "rare", "COIN", 500)),
        *(("free-spin-3", "rare", "FREE_SPIN", 3), ("gems-3", "rare", "GEM", 3)),
        ("stage-3-unlock", "epic", "CONTENT_UNLOCK", 3),
        ("gems-10", "epic", "GEM", 10),
        ("tokens-200", "legendary", "CYBER_TOKEN", 200),
        ("star-badge", "legendary", "BADGE", 1),
    ]
    usual = (3400, 2400, 1740, 1200, 600, 400, 100, 100, 40, 20)
    rising = (3000, 2000, 1240, 1200, 600, 400, 100, 100, 900, 460)
    certain = (0, 0, 0, 0, 0, 0, 0, 0, 66, 34)
    return {
        "format": FORMAT,
        "kind": "prizes",
        "product": "gacha-constellation",
        "title": {"en": "Constellation", "ko": "별자리 뽑기"},
        "price": {"currency": "GEM", "amount": 1},
        "items": [
            {"id": name, "tier": tier, "prize": {"kind": kind, "amount": amount, **_reference(name, kind)}}
            for name, tier, kind, amount in items
        ],
        "phases": [
            {"draws": 59, "weights": list(usual)},
            {"draws": 20, "weights": list(rising)},
            {"draws": 1, "weights": list(certain)},
        ],
        "resets": ["legendary"],
    }


def gallery() -> dict[str, Any]:
    """Three tiers above the common one, and nothing that can be staked. Legendary is certain on the 60th pull."""
    items = [
        *(("xp-10", "common", "XP", 10), ("xp-50", "common", "XP", 50)),
        *(("stage-1-unlock", "rare", "CONTENT_UNLOCK", 1), ("stage-2-unlock", "epic", "CONTENT_UNLOCK", 2)),
        *(("stage-3-unlock", "legendary", "CONTENT_UNLOCK", 3), ("gallery-badge", "legendary", "BADGE", 1)),
    ]
    return {
        "format": FORMAT,
        "kind": "prizes",
        "product": "gacha-gallery",
        "title": {"en": "Gallery", "ko": "갤러리 뽑기"},
        "price": {"currency": "GEM", "amount": 1},
        "items": [
            {"id": name, "tier": tier, "prize": {"kind": kind, "amount": amount, **_reference(name, kind)}}
            for name, tier, kind, amount in items
        ],
        "phases": [
            {"draws": 59, "weights": [6000, 2700, 900, 250, 100, 50]},
            {"draws": 1, "weights": [0, 0, 0, 0, 2, 1]},
        ],
        "resets": ["legendary"],
    }


def _reference(name: str, kind: str) -> dict[str, str]:
    return {"reference": name} if kind == "BADGE" else {}
