"""Games over HTTP, as an app meets them: play, lose the connection, find the round again, be refused in plain words."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from casino_club.features.games.jobs import erase_games, export_rounds
from casino_club.features.wallet.public import Pocket
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.log_files import LogFiles
from casino_club.infra.db.database import Database
from casino_club.infra.log.effects import Stores
from casino_club.infra.privacy.doors import Erased, Reach
from casino_club.infra.vault import Vault
from tests.builders.actions import NOON
from tests.builders.jobs import NOWHERE
from tests.builders.venues import a_seated_user
from tests.features.actions.club import VAULT_SECRET
from tests.features.identity import people
from tests.features.identity.people import Person, open_house
from tests.infra.waiting import POLL_SECONDS

RPS = "/api/games/rps/play"
SLOT = "/api/games/slot/spin"
ROULETTE = "/api/games/roulette/spin"
FREE = "/api/games/free-coins"
HISTORY = "/api/games/roulette/history"


async def somebody(house: people.House, coins: int = 1_000, *, is_of_age: bool = True) -> Person:
    """Who has all that play takes."""
    return await a_seated_user(house, Pocket.COINS, coins, is_of_age=is_of_age)


async def age_of(person: Person) -> str:
    status: str = (await person.send("GET", "/api/users/verify-age")).json()["status"]
    return status


async def rested(house: people.House) -> None:
    """As if everybody's last round were over."""
    async with house.database.transaction() as db:
        await db.execute("UPDATE game_standings SET next_play_at = now() - interval '1 minute'")


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_round_is_played_once_and_found_again_after_a_broken_connection(house: people.House) -> None:
    person, other = await somebody(house), await somebody(house)
    body = {"round_id": str(uuid4()), "stake": 50}

    first = await person.send("POST", SLOT, body)
    again = await person.send("POST", SLOT, body)
    found = await person.send("GET", f"/api/games/rounds/{body['round_id']}")
    reused = await person.send("POST", SLOT, {**body, "stake": 60})
    anothers = await other.send("GET", f"/api/games/rounds/{body['round_id']}")

    assert first.status_code == 200, first.text
    assert first.json() == again.json() == found.json()
    assert (first.json()["staked"], first.json()["currency"]) == (50, "COIN")
    assert first.json()["balance_after"] == 950 + first.json()["won"]
    assert refused(reused) == (409, "round_reused")
    assert refused(anothers) == (404, "round_missing")
    [draw] = (await person.send("GET", "/api/draws")).json()["draws"]
    assert (draw["id"], draw["name"]) == (first.json()["draw_id"], first.json()["came"])
    assert await house.logged(person.user_id) == ["SIGN_UP", "LOGIN", "SLOT_SPIN"]


async def test_a_free_spin_is_taken_with_a_word(house: people.House) -> None:
    person = await somebody(house)
    body = {"round_id": str(uuid4()), "free": True}
    none = await person.send("POST", SLOT, body)
    async with house.database.transaction() as db:
        await db.execute("INSERT INTO free_spins VALUES ($1, '', 1)", person.user_id)
    staked = await person.send("POST", SLOT, {**body, "stake": 100})
    in_tokens = await person.send("POST", SLOT, {**body, "currency": "CYBER_TOKEN"})

    spun = (await person.send("POST", SLOT, body)).json()
    again = (await person.send("POST", SLOT, body)).json()

    assert refused(none) == (409, "spins_missing")
    assert refused(staked) == refused(in_tokens) == (422, "free_spin_stakes")
    assert (spun["free"], spun["staked"], spun["bets"]) == (True, 0, [{"bet": "spin", "stake": 100}])
    assert (spun["balance_after"], again) == (1_000 + spun["won"], spun)
    assert (await person.send("GET", "/api/rewards/held")).json()["free_spins"] == []


async def test_too_fast_is_told_when_to_come_back(house: people.House) -> None:
    person = await somebody(house)
    await person.send("POST", SLOT, {"round_id": str(uuid4())})

    early = await person.send("POST", SLOT, {"round_id": str(uuid4())})

    assert refused(early) == (429, "round_too_soon")
    assert early.headers["retry-after"] in {"1", "2", "3"}


async def test_several_bets_are_one_spin_of_the_wheel(house: people.House) -> None:
    person = await somebody(house)
    bets = [{"bet": "red", "stake": 100}, {"bet": "straight-17", "stake": 20}, {"bet": "dozen-2", "stake": 30}]

    spun = (await person.send("POST", ROULETTE, {"round_id": str(uuid4()), "bets": bets})).json()

    number = int(spun["came"])
    red = number in {1, 3, 5, 7, 9, 12, 14, 16, 18, 19, 21, 23, 25, 27, 30, 32, 34, 36}
    assert spun["won"] == 200 * red + 720 * (number == 17) + 90 * (13 <= number <= 24)
    assert (spun["staked"], spun["bets"]) == (150, bets)
    assert spun["result"] == ("win" if spun["won"] > 150 else "partial" if spun["won"] else "lose")
    [last, *_] = reversed(await house.logged(person.user_id))
    assert last == "ROULETTE_SPIN"


async def test_hot_and_cold_numbers_are_history_and_say_so(house: people.House) -> None:
    person, other = await somebody(house), await somebody(house)
    empty = (await person.send("GET", HISTORY)).json()
    came = []
    for each in (person, other, person):
        body = {"round_id": str(uuid4()), "bets": [{"bet": "red", "stake": 10}]}
        came.append((await each.send("POST", ROULETTE, body)).json()["came"])
        await rested(house)

    shown = (await person.send("GET", HISTORY)).json()

    assert (empty["spins"], empty["hot"], empty["cold"], empty["latest"]) == (0, [], [], [])
    assert (shown["spins"], shown["latest"]) == (3, came[::-1])
    assert len(shown["numbers"]) == 37
    assert {each["number"] for each in shown["hot"]} == set(came)
    assert "not a forecast" in shown["note"]["en"]
    assert "예측이 아닙니다" in shown["note"]["ko"]
    assert refused(await person.send("GET", f"{HISTORY}?product=slot-orchard")) == (422, "other_game")
    assert refused(await person.send("GET", f"{HISTORY}?product=roulette-none")) == (404, "product_missing")


async def test_a_user_moves_against_a_hidden_move_over_http(house: people.House) -> None:
    person = await somebody(house)
    asked = [(await person.send("GET", "/api/games/rps/hidden-move")).json() for _ in range(2)]
    body = {"round_id": str(uuid4()), "move": "paper", "hidden": asked[0]["hidden"]}

    played = await person.send("POST", "/api/games/rps/play", body)
    again = await person.send("POST", "/api/games/rps/play", body)
    found = await person.send("GET", f"/api/games/rounds/{body['round_id']}")
    await rested(house)
    stale = await person.send("POST", "/api/games/rps/play", {**body, "round_id": str(uuid4())})

    assert asked[0] == asked[1]
    assert played.status_code == 200, played.text
    assert played.json() == again.json() == found.json()
    assert played.json()["came"] in {"rock", "paper", "scissors"}
    assert (played.json()["hidden"], len(played.json()["salt"])) == (body["hidden"], 64)
    assert refused(stale) == (409, "move_outdated")


async def test_free_coins_are_shown_taken_and_shown_again(house: people.House) -> None:
    person = await somebody(house, coins=1_800)

    before = (await person.send("GET", FREE)).json()
    taken = (await person.send("POST", FREE)).json()
    after = (await person.send("GET", FREE)).json()
    early = await person.send("POST", FREE)

    assert before == {"coins": 200, "is_due": True, "next_at": None, "ceiling": 2_000}
    assert (taken["coins"], taken["balance"]) == (200, 2_000)
    assert after == {"coins": 0, "is_due": False, "next_at": taken["next_at"], "ceiling": 2_000}
    assert refused(early) == (429, "free_coins_too_soon")
    assert int(early.headers["retry-after"]) > 14_000


async def test_users_page_through_their_own_rounds(house: people.House) -> None:
    person, other = await somebody(house), await somebody(house)
    spun = []
    for path, more in ((SLOT, {}), (ROULETTE, {"bets": [{"bet": "odd", "stake": 10}]}), (SLOT, {"stake": 10})):
        spun.append((await person.send("POST", path, {"round_id": str(uuid4()), **more})).json())
        await rested(house)
    await other.send("POST", SLOT, {"round_id": str(uuid4())})

    first = (await person.send("GET", "/api/games/rounds?limit=2")).json()
    second = (await person.send("GET", f"/api/games/rounds?limit=2&cursor={first['next_cursor']}")).json()
    slots = (await person.send("GET", "/api/games/rounds?game=slot")).json()

    assert first["rounds"] + second["rounds"] == spun[::-1]
    assert second["next_cursor"] is None
    assert slots["rounds"] == [spun[2], spun[0]]


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        (SLOT, {"stake": 0}, (422, "invalid_body")),
        (SLOT, {"stake": -100}, (422, "invalid_body")),
        (SLOT, {"stake": 10.5}, (422, "invalid_body")),
        (SLOT, {"stake": 10**16}, (422, "invalid_body")),
        (SLOT, {"stake": 10**15}, (422, "invalid_bet")),
        (SLOT, {"stake": "100"}, (422, "invalid_body")),
        (SLOT, {"currency": "KRW"}, (422, "invalid_body")),
        (SLOT, {"currency": "GEM"}, (403, "funds_refused")),
        (SLOT, {"currency": "CYBER_TOKEN"}, (409, "insufficient_funds")),
        (SLOT, {"stake": 2_000}, (409, "insufficient_funds")),
        (SLOT, {"product": "rps-ai"}, (422, "other_game")),
        (SLOT, {"product": "slot-gone"}, (404, "product_missing")),
        (SLOT, {"round_id": "mine"}, (422, "invalid_body")),
        (SLOT, {"autoplay": 10}, (422, "invalid_body")),
        (SLOT, {"user_id": 1}, (422, "invalid_body")),
        (RPS, {"move": "well", "hidden": "0" * 64}, (422, "invalid_body")),
        (RPS, {"move": "rock"}, (422, "invalid_body")),
        (RPS, {"move": "rock", "hidden": "0" * 63 + "\n"}, (422, "invalid_body")),
        (RPS, {"move": "rock", "hidden": "0" * 64}, (409, "move_outdated")),
        (ROULETTE, {"bets": []}, (422, "invalid_body")),
        (ROULETTE, {"bets": [{"bet": "red", "stake": 10}] * 2}, (422, "invalid_bet")),
        (ROULETTE, {"bets": [{"bet": "spin", "stake": 10}]}, (422, "invalid_bet")),
        (ROULETTE, {"bets": [{"bet": f"straight-{n}", "stake": 10**15} for n in range(37)]}, (422, "amount_invalid")),
    ],
)
async def test_a_round_that_may_not_be_is_refused_in_plain_words(
    house: people.House, path: str, body: dict[str, Any], answer: tuple[int, str]
) -> None:
    person = await somebody(house)

    assert refused(await person.send("POST", path, {"round_id": str(uuid4()), **body})) == answer

    assert (await person.send("GET", "/api/games/rounds")).json() == {"rounds": [], "next_cursor": None}
    assert (await person.send("GET", "/api/seed")).json()["next_nonce"] == 1


async def test_age_comes_first(house: people.House) -> None:
    person = await somebody(house, is_of_age=False)

    answer = await person.send("POST", SLOT, {"round_id": str(uuid4())})

    assert refused(answer) == (403, "age_unproven")
    assert "/api/users/verify-age" in answer.json()["detail"]


async def test_nobody_under_the_markets_age_is_of_age_whatever_the_setting_says(
    database: Database, database_url: str, redis_url: str
) -> None:
    more = {"age_verifier": "sandbox", "age_years_min": 18, "market": "us"}
    async with open_house(database, database_url, redis_url, **more) as house:
        person = await house.person()
        await person.send("POST", "/api/users/verify-age", {"birth_date": f"{datetime.now(UTC).year - 20}-01-01"})

        async with asyncio.timeout(30):
            while (status := await age_of(person)) == "pending":  # noqa: ASYNC110 - it is the verifier who takes time
                await asyncio.sleep(POLL_SECONDS)

        assert status == "refused"


async def test_rounds_are_handed_out_and_stay_by_number(house: people.House) -> None:
    person = await somebody(house)
    spun = (await person.send("POST", SLOT, {"round_id": str(uuid4())})).json()
    reach = Reach(
        Stores(house.database, RedisHotStore(NOWHERE), {}, LogFiles(Path("nowhere"))), Vault(VAULT_SECRET), ()
    )

    handed = [record async for record in export_rounds.records(reach, person.user_id)]
    await erase_games.run(reach, Erased(person.user_id, 0, NOON))
    await erase_games.run(reach, Erased(person.user_id, 0, NOON))

    assert [(each["round_id"], each["won"]) for each in handed] == [(spun["round_id"], spun["won"])]
    async with house.database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM game_standings") == 0
        assert await db.fetchval("SELECT count(*) FROM game_rounds") == 1
