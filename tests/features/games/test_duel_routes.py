"""Duels over HTTP, as two apps meet them: challenge, join, commit, reveal, and what each is shown on the way."""

import hashlib
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.features.games.jobs import erase_games, export_duels
from casino_club.features.games.rules.duels import Move, commitment_of
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.log_files import LogFiles
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.subscribe import Policies
from casino_club.infra.privacy.doors import Erased, Reach
from casino_club.infra.vault import Vault
from tests.architecture.repo import ROOT
from tests.builders.actions import NOON, a_policy
from tests.builders.jobs import NOWHERE
from tests.features.actions.club import VAULT_SECRET
from tests.features.games.test_routes import refused, somebody
from tests.features.identity import people
from tests.features.identity.people import Person

DUELS = "/api/games/duels"
SALT = "0123456789abcdef" * 2


async def asked(person: Person, duel_id: str, step: str, body: Any = None) -> dict[str, Any]:
    answer = await person.send("POST", f"{DUELS}/{duel_id}/{step}", body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def hidden(duel_id: str, person: Person, move: str) -> dict[str, str]:
    """Written apart from the code that it checks."""
    texts = ("casino-club/duel-move/1", duel_id, str(person.user_id), move, SALT)
    spelled = b"".join(len(each).to_bytes(4, "big") + each.encode() for each in texts)
    return {"commitment": hashlib.sha256(spelled).hexdigest()}


async def until_committed(house: people.House, **more: Any) -> tuple[Person, Person, str]:
    anna, boris, duel_id = await somebody(house), await somebody(house), str(uuid4())
    opened = await anna.send("POST", DUELS, {"duel_id": duel_id, **more})
    assert opened.status_code == 200, opened.text
    await asked(boris, duel_id, "join")
    await asked(anna, duel_id, "commit", hidden(duel_id, anna, "paper"))
    await asked(boris, duel_id, "commit", hidden(duel_id, boris, "rock"))
    return anna, boris, duel_id


async def test_a_duel_is_found_in_the_lobby_played_and_shown_to_both_from_their_side(house: people.House) -> None:
    anna, boris, duel_id = await somebody(house), await somebody(house), str(uuid4())
    opened = (await anna.send("POST", DUELS, {"duel_id": duel_id, "stake": 300})).json()
    [listed] = (await boris.send("GET", "/api/games/open-duels?currency=COIN")).json()["duels"]
    assert (opened["state"], opened["opponent"], opened["you"]["user_id"]) == ("open", None, anna.user_id)
    assert (listed["duel_id"], listed["stake"], listed["you"]) == (duel_id, 300, None)
    assert (await anna.send("GET", "/api/games/open-duels")).json()["duels"] == []

    joined = await asked(boris, duel_id, "join")
    assert (joined["state"], joined["opponent"]["user_id"]) == ("joined", anna.user_id)
    assert 0 < joined["seconds_left"] <= 60
    await asked(anna, duel_id, "commit", hidden(duel_id, anna, "paper"))
    await asked(boris, duel_id, "commit", hidden(duel_id, boris, "rock"))
    await asked(anna, duel_id, "reveal", {"move": "paper", "salt": SALT})
    seen = (await boris.send("GET", f"{DUELS}/{duel_id}")).json()
    assert (seen["opponent"]["has_revealed"], seen["opponent"]["move"], seen["opponent"]["salt"]) == (True, None, None)
    lost = await asked(boris, duel_id, "reveal", {"move": "rock", "salt": SALT})

    won = (await anna.send("GET", f"{DUELS}/{duel_id}")).json()
    assert (won["state"], won["result"], won["you"]["returned"], won["seconds_left"]) == ("settled", "win", 600, None)
    assert (lost["result"], lost["you"]["returned"], lost["opponent"]["move"]) == ("lose", 0, "paper")
    assert hidden(duel_id, anna, lost["opponent"]["move"])["commitment"] == lost["opponent"]["commitment"]
    assert (await anna.send("GET", DUELS)).json() == {"duels": [won], "next_cursor": None}
    for person in (anna, boris):
        assert (await house.logged(person.user_id))[-1] == "RPS_PLAY"


async def test_a_stranger_sees_a_duel_only_while_it_is_open(house: people.House) -> None:
    _, _, duel_id = await until_committed(house, is_listed=False)
    stranger = await somebody(house)

    answers = [await stranger.send("GET", f"{DUELS}/{duel_id}")]
    for step, body in (("commit", hidden(duel_id, stranger, "rock")), ("reveal", {"move": "rock", "salt": SALT})):
        answers.append(await stranger.send("POST", f"{DUELS}/{duel_id}/{step}", body))
    answers.append(await stranger.send("POST", f"{DUELS}/{duel_id}/leave"))

    assert {refused(answer) for answer in answers} == {(404, "duel_missing")}
    assert refused(await stranger.send("POST", f"{DUELS}/{duel_id}/join")) == (409, "duel_taken")


async def test_what_can_not_be_is_refused_in_plain_words(house: people.House) -> None:
    anna, boris, duel_id = await until_committed(house)
    child = await somebody(house, is_of_age=False)

    async def answer(person: Person, path: str, body: Any = None) -> httpx.Response:
        return await person.send("POST", f"{DUELS}{path}", body)

    again = {"duel_id": duel_id, "stake": 7}
    assert refused(await answer(anna, "", again)) == (409, "duel_reused")
    assert refused(await answer(anna, "", {"duel_id": str(uuid4())})) == (409, "in_duel")
    assert refused(await answer(anna, f"/{duel_id}/join")) == (409, "duel_own")
    assert refused(await answer(anna, f"/{duel_id}/leave")) == (409, "duel_running")
    assert refused(await answer(anna, f"/{duel_id}/commit", hidden(duel_id, anna, "rock"))) == (409, "commitment_made")
    assert refused(await answer(anna, f"/{duel_id}/reveal", {"move": "rock", "salt": SALT})) == (
        422,
        "reveal_mismatch",
    )
    assert refused(await answer(child, "", {"duel_id": str(uuid4())})) == (403, "age_unproven")
    for body in ({"move": "lizard", "salt": SALT}, {"move": "rock", "salt": "short"}, {"move": "rock"}):
        assert (await answer(anna, f"/{duel_id}/reveal", body)).status_code == 422
    for stake in (0, -1, 1.5, 10**18):
        assert (await answer(boris, "", {"duel_id": str(uuid4()), "stake": stake})).status_code == 422


async def test_duels_are_handed_out_and_forfeited_by_who_is_erased(house: people.House) -> None:
    anna, _, duel_id = await until_committed(house)
    policies: Policies = {ActionPolicy: a_policy()}
    stores = Stores(house.database, RedisHotStore(NOWHERE), policies, LogFiles(Path("nowhere")))
    reach = Reach(stores, Vault(VAULT_SECRET), ())

    [handed] = [record async for record in export_duels.records(reach, anna.user_id)]
    await erase_games.run(reach, Erased(anna.user_id, 0, NOON))

    assert (handed["duel_id"], handed["state"], handed["opponents_move"]) == (duel_id, "committed", None)
    async with house.database.connection() as db:
        assert await db.fetchval("SELECT state FROM game_duels") == "timed_out"


def test_the_page_shows_a_commitment_that_is_right() -> None:
    page = (ROOT / "docs/games.md").read_text()
    found = re.search(r'commitmentOf\("([^"]+)", (\d+), "(\w+)", "(\w+)"\);\n// "(\w{64})"', page)
    assert found is not None
    duel_id, user_id, move, salt, commitment = found.groups()

    assert commitment_of(UUID(duel_id), int(user_id), Move(move), salt) == commitment
