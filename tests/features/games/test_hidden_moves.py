"""The house moves first, and can't move otherwise afterwards."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from casino_club.features.games.commands.playing import Play, play
from casino_club.features.games.commands.showing import hidden_move
from casino_club.features.games.rules import refusals
from casino_club.features.odds.commands import seeds
from casino_club.features.odds.public import Bet, Game
from casino_club.features.odds.rules.refusals import MoveOutdated, SeedMissing
from casino_club.kernel.subject import UserSubject
from tests.builders.actions import NOON
from tests.builders.venues import USER
from tests.features.games.parlour import Parlour, seconds
from tests.features.odds.house import seeded

LATER = NOON + seconds(60)
BEATS = {"rock": "scissors", "paper": "rock", "scissors": "paper"}


async def hidden(parlour: Parlour, user_id: int = USER) -> str:
    async with parlour.database.connection() as db:
        return await hidden_move(db, parlour.desk, "rps-ai", user_id, now=NOON)


def a_move(parlour: Parlour, move: str, published: str, **more: Any) -> Play:
    return parlour.wanted(Game.RPS, "rps-ai", Bet(move, 100), hidden=published, **more)


async def test_the_move_that_was_published_is_the_one_that_is_shown(parlour: Parlour) -> None:
    for number, move in enumerate([*BEATS, *BEATS], 1):
        published = await hidden(parlour)

        played = await parlour.play(a_move(parlour, move, published), now=NOON + seconds(10 * number))

        assert played.salt is not None
        texts = ("casino-club/odds-move/1", played.came, played.salt)
        spelled = b"".join(len(each).to_bytes(4, "big") + each.encode() for each in texts)
        assert hashlib.sha256(spelled).hexdigest() == published == played.hidden
        assert played.won == (190 if BEATS[move] == played.came else 100 if move == played.came else 0)


async def test_asking_stakes_nothing_and_gives_the_same_until_something_is_drawn(parlour: Parlour) -> None:
    before = [await hidden(parlour) for _ in range(5)]
    assert not any((await parlour.kept()).values())
    await parlour.play(parlour.spin())

    assert len(set(before)) == 1
    assert await hidden(parlour) != before[0]


async def test_whichever_move_the_user_makes_the_house_has_made_its_own(parlour: Parlour) -> None:
    published = await hidden(parlour)
    came: set[str] = set()
    for move in BEATS:
        with pytest.raises(ZeroDivisionError):
            await rolled_back(parlour, a_move(parlour, move, published), came)

    assert len(came) == 1


async def rolled_back(parlour: Parlour, wanted: Play, came: set[str]) -> None:
    async with parlour.database.transaction() as db:
        came.add((await play(db, parlour.desk, wanted, now=NOON)).came)
        raise ZeroDivisionError


async def overtaken_by_a_spin(parlour: Parlour) -> None:
    await parlour.play(parlour.spin())


async def overtaken_by_a_client_seed(parlour: Parlour) -> None:
    await seeded(parlour.database, parlour.desk.odds, USER, "another")


async def overtaken_by_a_new_seed(parlour: Parlour) -> None:
    await overtaken_by_a_spin(parlour)
    await parlour.run(lambda db: seeds.rotate(db, parlour.desk.odds, UserSubject(USER), now=NOON))
    await seeded(parlour.database, parlour.desk.odds, USER)


@pytest.mark.parametrize("overtake", [overtaken_by_a_spin, overtaken_by_a_client_seed, overtaken_by_a_new_seed])
async def test_a_hidden_move_that_was_overtaken_is_refused_whatever_the_user_moves(
    parlour: Parlour, overtake: Any
) -> None:
    published = await hidden(parlour)
    await overtake(parlour)
    before = (await parlour.kept(), await parlour.holds())

    for move in BEATS:
        with pytest.raises(MoveOutdated):
            await parlour.play(a_move(parlour, move, published), now=LATER)

    assert (await parlour.kept(), await parlour.holds()) == before
    assert (await parlour.play(a_move(parlour, "rock", await hidden(parlour)), now=LATER)).staked == 100


async def test_nobody_plays_against_a_move_that_was_published_to_another(parlour: Parlour) -> None:
    await parlour.seat(8, coins=1_000)

    for made_up in (await hidden(parlour, 8), "0" * 64):
        with pytest.raises(MoveOutdated):
            await parlour.play(a_move(parlour, "rock", made_up))

    assert not any((await parlour.kept()).values())


async def test_a_move_at_once_from_many_windows_is_one_round(parlour: Parlour) -> None:
    wanted = a_move(parlour, "paper", await hidden(parlour))

    found = await asyncio.gather(*(parlour.play(wanted) for _ in range(20)))

    assert len(set(found)) == 1
    for other in (replace(wanted, hidden="0" * 64), replace(wanted, bets=(Bet("rock", 100),))):
        with pytest.raises(refusals.RoundReused):
            await parlour.play(other)
    assert [kind for kind, _ in await parlour.told()] == ["RPS_PLAY"]


async def test_without_a_seed_there_is_no_move_to_hide(parlour: Parlour) -> None:
    with pytest.raises(SeedMissing):
        await hidden(parlour, 8)


@pytest.mark.parametrize("product", ["slot-orchard", "roulette-european"])
async def test_other_games_have_no_hidden_moves(parlour: Parlour, product: str) -> None:
    with pytest.raises(refusals.OtherGame):
        async with parlour.database.connection() as db:
            await hidden_move(db, parlour.desk, product, USER, now=NOON)
