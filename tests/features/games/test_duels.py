"""A duel is played once between two users, step by step, and its stakes are always somebody's."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
import pytest

from casino_club.features.games.commands import dueling
from casino_club.features.games.rules import refusals
from casino_club.features.games.rules.duels import Duel, DuelState, Move, commitment_of
from casino_club.kernel.errors import Refused
from tests.builders.actions import NOON
from tests.features.games.dueling import (
    ANNA,
    AS_BEFORE,
    BORIS,
    CLARA,
    HELD,
    POOR,
    RICH,
    SALTS,
    STEP,
    STEPS,
    Table,
)
from tests.features.games.parlour import a_round_id

BEATS = {Move.ROCK: Move.SCISSORS, Move.SCISSORS: Move.PAPER, Move.PAPER: Move.ROCK}


@pytest.mark.parametrize("one", Move)
@pytest.mark.parametrize("other", Move)
async def test_who_wins_gets_both_stakes_and_a_draw_gives_each_their_own(table: Table, one: Move, other: Move) -> None:
    duel = await table.until("settled", one, other)

    ends = (AS_BEFORE, AS_BEFORE) if one is other else (RICH, POOR) if BEATS[one] is other else (POOR, RICH)
    assert duel.state is DuelState.SETTLED
    assert await table.wealth() == [*ends, AS_BEFORE]
    assert await table.held() == 0
    assert [await table.counted(each) for each in (ANNA, BORIS)] == [1_000 - end["coins"] for end in ends]


async def test_both_plays_are_told_once_under_the_duels_id(table: Table) -> None:
    await table.until("settled")

    told = [(user_id, kind, msgspec.json.decode(metadata)) for user_id, kind, metadata in await table.told()]
    assert [(user_id, kind, each["result"], each["staked"], each["won"]) for user_id, kind, each in told] == [
        (ANNA, "RPS_PLAY", "win", 100, 200),
        (BORIS, "RPS_PLAY", "lose", 100, 0),
    ]
    assert {each["round_id"] for *_, each in told} == {str(table.duel_id)}


@pytest.mark.parametrize("state", STEPS)
async def test_stakes_lie_with_the_house_of_duels_from_commitment_to_end(table: Table, state: str) -> None:
    await table.until(state)

    assert await table.held() == HELD.get(state, 0)
    assert sum(each["coins"] for each in await table.wealth()) + await table.held() == 3_000


REFUSED_OF_ANNA: dict[str, dict[str, type[Refused]]] = {
    "open": {"join": refusals.DuelOwn, "commit": refusals.DuelNotJoined, "reveal": refusals.CommitmentsMissing},
    "joined": {"join": refusals.DuelOwn, "reveal": refusals.CommitmentsMissing},
    "one committed": {"join": refusals.DuelOwn, "reveal": refusals.CommitmentsMissing},
    "both committed": {"join": refusals.DuelOwn, "leave": refusals.DuelRunning},
    "one revealed": {"join": refusals.DuelOwn, "leave": refusals.DuelRunning},
    "settled": {"join": refusals.DuelOwn},
}


@pytest.mark.parametrize("event", ["join", "commit", "reveal", "leave"])
@pytest.mark.parametrize("state", STEPS)
async def test_the_challenger_may_do_what_the_state_allows_and_is_refused_the_rest(
    table: Table, state: str, event: str
) -> None:
    before = await table.until(state)
    expected = REFUSED_OF_ANNA[state].get(event)
    wealth, told = await table.wealth(), await table.told()

    if expected is not None:
        with pytest.raises(expected):
            await getattr(table, event)(ANNA)
        assert (await table.wealth(), await table.told(), await table.seen()) == (wealth, told, before)
        return
    after = await getattr(table, event)(ANNA)
    assert after == await table.seen()
    reached = {"commit": "one committed", "leave": ""}.get(event, state) if before.state is DuelState.JOINED else state
    assert await table.held() == (HELD.get(reached, 0) if after.state.is_live else 0)


@pytest.mark.parametrize("event", ["join", "commit", "reveal", "leave"])
@pytest.mark.parametrize("state", STEPS)
async def test_nobody_else_has_any_part_in_a_duel(table: Table, state: str, event: str) -> None:
    before = await table.until(state)
    if (state, event) == ("open", "join"):
        return

    with pytest.raises(refusals.DuelTaken if event == "join" else refusals.DuelMissing):
        await getattr(table, event)(CLARA)

    assert await table.seen() == before


async def test_of_many_who_want_the_seat_one_gets_it(table: Table) -> None:
    for user_id in range(20, 40):
        await table.parlour.seat(user_id, coins=100)
    await table.challenge()

    ends = await asyncio.gather(*(table.join(user_id) for user_id in range(20, 40)), return_exceptions=True)

    joined = [end for end in ends if isinstance(end, Duel)]
    assert len(joined) == 1
    assert {type(end) for end in ends} == {Duel, refusals.DuelTaken}
    assert (await table.seen()).users == joined[0].users


async def test_both_reveal_at_once_and_the_duel_is_settled_once(table: Table) -> None:
    await table.until("both committed")

    await asyncio.gather(
        *(reveal for _ in range(10) for reveal in (table.reveal(ANNA), table.reveal(BORIS, Move.SCISSORS)))
    )

    assert (await table.seen()).state is DuelState.SETTLED
    assert await table.wealth() == [RICH, POOR, AS_BEFORE]
    assert len(await table.told()) == 2


async def test_the_second_move_waits_for_the_first_and_settles_the_duel(table: Table) -> None:
    await table.until("both committed")

    async with table.parlour.database.transaction() as db:
        desk, duel_id = table.parlour.desk, table.duel_id
        await dueling.reveal(db, desk, duel_id, ANNA, move=Move.ROCK, salt=SALTS[ANNA], now=NOON)
        second = asyncio.create_task(table.reveal(BORIS, Move.SCISSORS))
        await table.until_waiting(second)

    assert (await second).state is DuelState.SETTLED


async def test_who_wants_a_seat_waits_for_who_is_taking_it(table: Table) -> None:
    await table.challenge()

    async with table.parlour.database.transaction() as db:
        await dueling.join(db, table.parlour.desk, table.duel_id, BORIS, now=NOON)
        second = asyncio.create_task(table.join(CLARA))
        await table.until_waiting(second)

    with pytest.raises(refusals.DuelTaken):
        await second


@pytest.mark.parametrize("step", ["open", "joined", "one committed", "both committed", "one revealed", "settled"])
async def test_the_same_request_a_hundred_times_at_once_does_it_once(table: Table, step: str) -> None:
    if step != "open":
        await table.until(STEPS[STEPS.index(step) - 1])
    again: dict[str, Callable[[], Awaitable[Duel]]] = {
        "open": table.challenge,
        "joined": table.join,
        "one committed": partial(table.commit, ANNA),
        "both committed": partial(table.commit, BORIS, Move.SCISSORS),
        "one revealed": partial(table.reveal, ANNA),
        "settled": partial(table.reveal, BORIS, Move.SCISSORS),
    }

    found = await asyncio.gather(*(again[step]() for _ in range(100)))

    assert set(found) == {await table.seen()}
    assert await table.held() == HELD.get(step, 0)
    assert len(await table.told()) == (2 if step == "settled" else 0)


async def test_a_commitment_that_was_copied_from_the_opponent_can_never_be_opened(table: Table) -> None:
    await table.until("one committed")
    copied = (await table.seen()).seats[0].commitment
    assert copied is not None
    await table.commit(BORIS, commitment=copied)
    await table.reveal(ANNA)

    for salt in SALTS.values():
        with pytest.raises(refusals.RevealMismatch):
            await table.reveal(BORIS, Move.ROCK, salt=salt)
    await table.answer_for(STEP)

    assert (await table.lapse()).state is DuelState.TIMED_OUT
    assert await table.wealth() == [RICH, POOR, AS_BEFORE]


async def test_a_commitment_of_another_duel_is_of_no_use(table: Table) -> None:
    await table.until("joined")
    other = Table(table.parlour, a_round_id())
    await table.commit(ANNA, commitment=commitment_of(other.duel_id, ANNA, Move.ROCK, SALTS[ANNA]))
    await table.commit(BORIS)

    with pytest.raises(refusals.RevealMismatch):
        await table.reveal(ANNA)


async def test_another_move_or_salt_than_the_one_committed_to_is_refused_and_the_right_one_still_counts(
    table: Table,
) -> None:
    await table.until("both committed")

    for move, salt in ((Move.PAPER, ""), (Move.ROCK, "d" * 32), (Move.ROCK, SALTS[BORIS])):
        with pytest.raises(refusals.RevealMismatch):
            await table.reveal(ANNA, move, salt=salt)
    await table.reveal(ANNA)
    with pytest.raises(refusals.RevealMismatch):
        await table.reveal(ANNA, Move.PAPER)

    assert (await table.reveal(BORIS, Move.SCISSORS)).state is DuelState.SETTLED


async def test_a_second_commitment_is_refused(table: Table) -> None:
    await table.until("one committed")

    with pytest.raises(refusals.CommitmentMade):
        await table.commit(ANNA, Move.PAPER)

    assert await table.held() == 100


async def test_the_opponents_move_is_hidden_until_the_end(table: Table) -> None:
    await table.until("one revealed")

    assert hashlib.sha256(b"".join(_fields(str(table.duel_id), str(ANNA), "rock", SALTS[ANNA]))).hexdigest() == (
        (await table.seen()).seats[0].commitment
    )


def _fields(*texts: str) -> list[bytes]:
    """Written apart from the code that it checks."""
    return [len(each).to_bytes(4, "big") + each.encode() for each in ("casino-club/duel-move/1", *texts)]
