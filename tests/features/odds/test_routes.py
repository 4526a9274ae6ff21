"""Odds over HTTP: what anybody reads, what users do with their seeds, what staff decide."""

import json
from typing import Any

import httpx
import pytest

from casino_club.entry.wiring import load_market
from casino_club.features.odds.commands.versions import ship
from casino_club.features.odds.rules.proofs import verify
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import read_table
from casino_club.infra.ports import Unusable
from casino_club.kernel.subject import Role
from tests.builders import odds
from tests.builders.actions import NOON
from tests.builders.odds import a_table
from tests.features.identity.conftest import house
from tests.features.identity.people import House, Person
from tests.features.odds.house import a_desk, a_stake, drawn

__all__ = ["house"]

ADMIN = "/api/admin/odds"


@pytest.fixture
async def club(house: House) -> House:
    await house.database.run(lambda db: ship(db, [*shipped_tables(), a_table()], now=NOON))
    return house


async def get(club: House, path: str) -> httpx.Response:
    return await club.http.get(path)


async def test_anybody_reads_exact_odds_and_the_table_that_they_follow_from(club: House) -> None:
    page = (await get(club, "/api/odds/gacha-constellation")).json()

    table = read_table(page["odds"]["table_text"])
    assert table.digest == page["odds"]["digest"]
    assert page["odds"]["ceiling_draws"] == 80
    [unlock] = [thing for thing in page["odds"]["things"] if thing["id"] == "stage-3-unlock"]
    assert unlock["prize"]["kind"] == "CONTENT_UNLOCK"
    first = page["odds"]["states"][0]
    assert (first["first"], first["last"], first["rates"][6]["fraction"]) == (0, 58, "1/100")
    assert page["paused_at"] is None


async def test_every_product_is_listed_and_has_a_history(club: House) -> None:
    listed = (await get(club, "/api/odds")).json()["products"]

    for product in listed:
        history = (await get(club, f"/api/odds/{product['product']}/history")).json()["versions"]
        assert [version["digest"] for version in history] == [product["digest"]]
    assert len(listed) == 6
    for path in ("/api/odds/nothing", "/api/odds/nothing/history"):
        missing = await get(club, path)
        assert (missing.status_code, missing.json()["code"]) == (404, "product_missing")


async def test_a_user_sees_the_hash_chooses_draws_and_gets_the_proof(club: House) -> None:
    person = await club.person()

    missing = await person.send("GET", "/api/seed")
    promised = (await person.send("POST", "/api/seed")).json()
    again = (await person.send("POST", "/api/seed")).json()
    [listed] = (await get(club, "/api/commitments")).json()["commitments"]
    chosen = (await person.send("PUT", "/api/seed/client-seed", {"client_seed": "four-leaf"})).json()
    made = await drawn(club.database, a_desk(), "roulette-european", person.user_id, **a_stake("red", 100))
    secret = await person.send("GET", f"/api/draws/{made.draw_id}/proof")
    rotated = (await person.send("POST", "/api/seed/rotate")).json()
    proof = await person.send("GET", f"/api/draws/{made.draw_id}/proof")

    assert missing.json()["code"] == "seed_missing"
    assert promised == again
    assert promised["client_seed"] is None
    assert (listed["sequence"], listed["seed_hash"]) == (promised["sequence"], promised["seed_hash"])
    assert chosen["client_seed"] == "four-leaf"
    assert secret.json()["code"] == "seed_secret"
    assert rotated["revealed"]["seed_hash"] == promised["seed_hash"]
    assert all(check.holds for check in verify(proof.content))
    assert json.loads(proof.content)["receipt"] == made.receipt
    [shown] = (await person.send("GET", "/api/draws")).json()["draws"]
    assert (shown["id"], shown["nonce"], shown["staked"]) == (made.draw_id, 1, 100)


async def test_nobody_reads_anothers_proof(club: House) -> None:
    owner, other = await club.person(), await club.person()
    await owner.send("POST", "/api/seed")
    await owner.send("PUT", "/api/seed/client-seed", {"client_seed": "mine"})
    made = await drawn(club.database, a_desk(), "trial", owner.user_id)
    await owner.send("POST", "/api/seed/rotate")

    answer = await other.send("GET", f"/api/draws/{made.draw_id}/proof")

    assert (answer.status_code, answer.json()["code"]) == (404, "draw_missing")
    assert (await other.send("GET", "/api/draws")).json()["draws"] == []


@pytest.mark.parametrize("client_seed", ["", "a b", "ä", "x" * 65, "a\n"])
async def test_a_client_seed_is_plain_text(club: House, client_seed: str) -> None:
    person = await club.person()
    await person.send("POST", "/api/seed")

    assert (await person.send("PUT", "/api/seed/client-seed", {"client_seed": client_seed})).status_code == 422


async def propose(person: Person, table: Any, **more: Any) -> httpx.Response:
    return await person.send("POST", f"{ADMIN}/versions", {"table": table, **more})


async def test_two_of_staff_make_a_table_live(club: House) -> None:
    analyst, admin, viewer = [await club.staff(role) for role in (Role.ANALYST, Role.ADMIN, Role.VIEWER)]
    other = odds.prizes((1, [1, 1, 1]))

    draft = await propose(analyst, other, live_at="2026-01-01T00:00:00Z")
    path = f"{ADMIN}/versions/{draft.json()['version']['id']}"
    kept_out = await viewer.send("POST", f"{path}/approve")
    once = await analyst.send("POST", f"{path}/approve")
    twice = await analyst.send("POST", f"{path}/approve")
    live = await admin.send("POST", f"{path}/approve")

    assert draft.status_code == 201
    assert draft.json()["odds"]["hit_rate"]["fraction"] == "2/3"
    assert kept_out.status_code == 403
    assert (once.json()["approvals"], once.json()["live_from"]) == (1, None)
    assert twice.json()["code"] == "approved_already"
    assert live.json()["approvals"] == 2
    assert (await get(club, "/api/odds/trial")).json()["odds"]["digest"] == a_table(other).digest
    history = (await get(club, "/api/odds/trial/history")).json()["versions"]
    assert [version["digest"] for version in history] == [a_table(other).digest, a_table().digest]
    assert (await viewer.send("GET", path)).json()["odds"]["digest"] == a_table(other).digest
    assert len((await viewer.send("GET", f"{ADMIN}/versions?product=trial")).json()["versions"]) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('{"table": {"a": 1.5}}', "not_canonical"),
        ('{"table": {"a": 1, "a": 1}}', "not_canonical"),
        ('{"table": {"a": -1}}', "not_canonical"),
        ('{"table": {"kind": "prizes"}}', "invalid_table"),
        ('{"table": []}', "invalid_table"),
        ('{"table": {}, "live_at": "2026-01-01T00:00:00"}', "invalid_body"),
        ('{"table": {}, "approved": true}', "invalid_body"),
    ],
)
async def test_a_draft_that_is_no_table_is_refused(club: House, content: str, code: str) -> None:
    analyst = await club.staff(Role.ANALYST)

    headers = {"authorization": f"Bearer {analyst.access_token}", "content-type": "application/json"}
    answer = await club.http.post(f"{ADMIN}/versions", content=content, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_staff_let_a_product_rest_and_go_on(club: House) -> None:
    support, analyst = await club.staff(Role.SUPPORT), await club.staff(Role.ANALYST)
    path, why = f"{ADMIN}/products/trial", {"because": "somebody wrote in"}

    paused = await support.send("POST", f"{path}/pause", why)
    shown = (await get(club, "/api/odds/trial")).json()
    not_theirs = await support.send("POST", f"{path}/resume", why)
    resumed = await analyst.send("POST", f"{path}/resume", why)

    assert (paused.status_code, not_theirs.status_code, resumed.status_code) == (204, 403, 204)
    assert shown["paused_because"] == "somebody wrote in"
    assert (await get(club, "/api/odds/trial")).json()["paused_at"] is None
    assert (await analyst.send("POST", f"{ADMIN}/products/nothing/pause", why)).json()["code"] == "product_missing"


async def test_what_was_drawn_is_public_and_so_is_how_a_trial_goes_to_staff(club: House) -> None:
    person, analyst, admin = await club.person(), await club.staff(Role.ANALYST), await club.staff(Role.ADMIN)
    await person.send("POST", "/api/seed")
    await person.send("PUT", "/api/seed/client-seed", {"client_seed": "mine"})
    version_id = (await propose(analyst, odds.prizes((1, [1, 1, 1])))).json()["version"]["id"]
    unapproved = await analyst.send("POST", f"{ADMIN}/trials", {"version_id": version_id, "share_permille": 999})
    for staff in (analyst, admin):
        await staff.send("POST", f"{ADMIN}/versions/{version_id}/approve")

    trial = await analyst.send("POST", f"{ADMIN}/trials", {"version_id": version_id, "share_permille": 1})
    path = f"{ADMIN}/trials/{trial.json()['id']}"
    shown = (await get(club, "/api/odds/trial")).json()
    compared = (await analyst.send("GET", path)).json()
    ended = await admin.send("POST", f"{path}/end")
    observed = (await get(club, "/api/odds/trial/observed")).json()

    assert unapproved.json()["code"] == "version_not_approved"
    assert trial.status_code == 201
    assert (shown["challenger_permille"], shown["challenger"]["hit_rate"]["fraction"]) == (1, "2/3")
    assert [figure["figure"] for figure in compared["figures"]] == ["draws", "staked", "returned_share"]
    assert ended.status_code == 200
    assert (observed["draws"], observed["evidence_log10"]) == (0, 0)
    [first, *_] = observed["cells"]
    assert (first["declared"]["fraction"], first["low"], first["high"]) == ("9/10", 0, 1)
    metrics = (await get(club, "/metrics")).text
    assert 'casino_club_odds_paused{product="trial"} 0.0' in metrics


async def test_the_market_says_which_money_may_enter_which_game(club: House) -> None:
    market = (await get(club, "/api/market")).json()

    assert market["funds"]["slot"] == ["coins", "partner_tokens", "app_tokens"]
    assert market["play_age_years_min"] == 18


def test_an_unknown_market_is_no_setting() -> None:
    with pytest.raises(Unusable, match="there are default, kr, eu, us"):
        load_market("atlantis")
