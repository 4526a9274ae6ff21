"""Gachas over HTTP, as an app meets them: see what there is, open, lose the connection, find the opening again."""

import json
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from casino_club.features.gacha.jobs import erase_gacha, export_openings
from casino_club.features.odds.commands.versions import ship
from casino_club.features.odds.rules.exact import ceiling, rates_at
from casino_club.features.odds.rules.proofs import verify
from casino_club.features.wallet.public import Give, House, Pocket
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
from tests.features.gacha.arcade import CEILING, SHIPPED, SHORT, TABLES
from tests.features.identity import people
from tests.features.identity.people import Person, open_house
from tests.features.wallet.purse import Purse, a_wallet_policy

SPIN = "/api/gacha/spin"
HISTORY = "/api/gacha/history"


@pytest.fixture
async def house(database: Database, database_url: str, redis_url: str) -> AsyncIterator[people.House]:
    async with open_house(database, database_url, redis_url, age_verifier="sandbox", market="kr") as opened:
        await database.run(lambda db: ship(db, TABLES, now=NOON))
        yield opened


async def somebody(house: people.House, gems: int = 50, *, is_of_age: bool = True) -> Person:
    """Who has all that a gacha takes."""
    return await a_seated_user(house, Pocket.FREE_GEMS, gems, is_of_age=is_of_age)


async def rested(house: people.House) -> None:
    """As if everybody's last opening were over."""
    async with house.database.transaction() as db:
        await db.execute("UPDATE gacha_standings SET next_at = now() - interval '1 minute'")


async def gacha(person: Person, product: str = SHORT) -> dict[str, Any]:
    found: list[dict[str, Any]] = (await person.send("GET", "/api/gacha")).json()["gachas"]
    return next(each for each in found if each["product"] == product)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_an_opening_happens_once_and_is_found_again_after_a_broken_connection(house: people.House) -> None:
    person, other = await somebody(house), await somebody(house)
    body = {"spin_id": str(uuid4()), "spins": 10}

    first = await person.send("POST", SPIN, body)
    again = await person.send("POST", SPIN, body)
    found = await person.send("GET", f"/api/gacha/spins/{body['spin_id']}")
    reused = await person.send("POST", SPIN, {**body, "spins": 9})
    early = await person.send("POST", SPIN, {**body, "spin_id": str(uuid4())})
    anothers = await other.send("GET", f"/api/gacha/spins/{body['spin_id']}")

    assert first.status_code == 200, first.text
    assert first.json() == again.json() == found.json()
    assert (first.json()["spins"], first.json()["price_gems"], first.json()["balance_after"]) == (10, 10, 40)
    assert len(first.json()["reward_detail"]) == 10
    assert refused(reused) == (409, "opening_reused")
    assert refused(early) == (429, "opening_too_soon")
    assert early.headers["retry-after"] in {"3", "4", "5"}
    assert refused(anothers) == (404, "opening_missing")
    logged = [each for each in await house.logged(person.user_id) if each not in {"REWARD_GRANTED", "GEMS_GRANTED"}]
    assert [each for each in logged if each != "CYBER_TOKENS_GRANTED"] == ["SIGN_UP", "LOGIN", "GACHA_SPIN"]


async def test_every_pull_is_proven_once_the_seed_is_revealed(house: people.House) -> None:
    person = await somebody(house)
    made = (await person.send("POST", SPIN, {"spin_id": str(uuid4()), "spins": 10})).json()
    await person.send("POST", "/api/seed/rotate")

    for pull in made["reward_detail"]:
        proof = await person.send("GET", f"/api/draws/{pull['draw_id']}/proof")
        assert all(check.holds for check in verify(proof.content))
        said = json.loads(proof.content)
        assert (said["receipt"], said["nonce"], said["state"]) == (pull["receipt"], pull["nonce"], pull["state"])
        assert (said["outcome"]["name"], said["table_digest"]) == (pull["item"], made["digest"])


async def test_what_is_shown_before_a_pull_is_what_the_engine_draws_from(house: people.House) -> None:
    person = await somebody(house)
    tables = {table.digest: table for table in TABLES}

    for _ in range(12):
        shown = await gacha(person)
        table = tables[shown["digest"]]
        engine = rates_at(table, shown["state"])
        assert {each["item"]: Fraction(each["rate"]) for each in shown["next_pull"]} == engine
        assert (shown["ceiling_pulls"], shown["certain_within"]) == (ceiling(table), CEILING - shown["state"])
        [pull] = (await person.send("POST", SPIN, {"spin_id": str(uuid4()), "product": SHORT})).json()["reward_detail"]
        assert (pull["state"], engine[pull["item"]] > 0) == (shown["state"], True)
        await rested(house)

    page = (await house.http.get(shown["odds"])).json()
    assert (page["odds"]["digest"], page["odds"]["ceiling_draws"]) == (shown["digest"], CEILING)
    assert (shown["users_today"], shown["funds"], shown["price_gems"]) == (1, ["free_gems"], 1)


async def test_every_gacha_that_can_be_opened_is_shown_and_no_other(house: people.House) -> None:
    person = await somebody(house)

    found = (await person.send("GET", "/api/gacha")).json()["gachas"]

    assert [each["product"] for each in found] == ["gacha-constellation", "gacha-gallery", "gacha-short"]
    assert found[0]["title"] == {"en": "Constellation", "ko": "별자리 뽑기"}
    assert (found[0]["certain_within"], found[0]["is_resting"], found[0]["users_today"]) == (80, False, 0)
    assert sum(Fraction(each["rate"]) for each in found[0]["next_pull"]) == 1


async def test_users_page_through_their_own_openings(house: people.House) -> None:
    person, other = await somebody(house), await somebody(house)
    made = []
    for product in (SHORT, SHIPPED, SHORT):
        made.append((await person.send("POST", SPIN, {"spin_id": str(uuid4()), "product": product})).json())
        await rested(house)
    await other.send("POST", SPIN, {"spin_id": str(uuid4())})

    first = (await person.send("GET", f"{HISTORY}?limit=2")).json()
    second = (await person.send("GET", f"{HISTORY}?limit=2&cursor={first['next_cursor']}")).json()
    short = (await person.send("GET", f"{HISTORY}?product={SHORT}")).json()

    assert first["openings"] + second["openings"] == made[::-1]
    assert second["next_cursor"] is None
    assert short["openings"] == [made[2], made[0]]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"spins": 0}, (422, "invalid_body")),
        ({"spins": 11}, (422, "invalid_body")),
        ({"spins": -1}, (422, "invalid_body")),
        ({"spins": 10**18}, (422, "invalid_body")),
        ({"spins": 1.5}, (422, "invalid_body")),
        ({"spins": "3"}, (422, "invalid_body")),
        ({"spin_id": "mine"}, (422, "invalid_body")),
        ({"user_id": 1}, (422, "invalid_body")),
        ({"product": "slot-orchard"}, (422, "no_gacha")),
        ({"product": "gacha-coins"}, (422, "no_gacha")),
        ({"product": "gacha-gone"}, (404, "product_missing")),
        ({"spins": 6}, (409, "insufficient_funds")),
    ],
)
async def test_an_opening_that_may_not_be_is_refused_in_plain_words(
    house: people.House, body: dict[str, Any], answer: tuple[int, str]
) -> None:
    person = await somebody(house, gems=5)

    assert refused(await person.send("POST", SPIN, {"spin_id": str(uuid4()), **body})) == answer

    assert (await person.send("GET", HISTORY)).json() == {"openings": [], "next_cursor": None}
    assert (await person.send("GET", "/api/seed")).json()["next_nonce"] == 1


async def test_age_and_money_that_was_paid_come_first(house: people.House) -> None:
    young, rich = await somebody(house, is_of_age=False), await somebody(house, gems=1)
    gift = Give(Pocket.PAID_GEMS, 50, House.PAYMENTS, "payment")
    await Purse(house.database, a_wallet_policy()).post(gift, user_id=rich.user_id)
    body = {"spin_id": str(uuid4()), "spins": 10}

    unproven, paid = await young.send("POST", SPIN, body), await rich.send("POST", SPIN, body)

    assert refused(unproven) == (403, "age_unproven")
    assert "/api/users/verify-age" in unproven.json()["detail"]
    assert refused(paid) == (403, "free_gems_only")


async def test_openings_are_handed_out_and_stay_by_number(house: people.House) -> None:
    person = await somebody(house)
    made = (await person.send("POST", SPIN, {"spin_id": str(uuid4()), "spins": 2})).json()
    reach = Reach(
        Stores(house.database, RedisHotStore(NOWHERE), {}, LogFiles(Path("nowhere"))), Vault(VAULT_SECRET), ()
    )

    handed = [record async for record in export_openings.records(reach, person.user_id)]
    for _ in range(2):
        await erase_gacha.run(reach, Erased(person.user_id, 0, NOON))

    [record] = handed
    assert (record["spin_id"], len(record["pulls"])) == (made["spin_id"], 2)
    async with house.database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM gacha_standings") == 0
        assert await db.fetchval("SELECT count(*) FROM gacha_log") == 1
