"""Somebody made of canaries, who leaves them wherever a person may leave anything."""

import io
from dataclasses import dataclass
from uuid import uuid4

from casino_club.features.odds.commands.versions import ship
from casino_club.features.rewards.commands.bonus import set_bonus_terms
from casino_club.features.rewards.rules.proposals import Wish
from casino_club.features.rewards.rules.rewards import Reward, RewardType
from casino_club.features.rewards.store import proposals
from casino_club.features.shop.commands import publishing
from casino_club.features.shop.rules.shipped import shipped_catalogue
from casino_club.infra.log import parked
from tests.builders.actions import NOON
from tests.features.actions.club import a_key
from tests.features.games.parlour import TABLES
from tests.features.identity.people import Person
from tests.features.privacy.offices import Bureau
from tests.features.privacy.searching import Canaries
from tests.features.privacy.test_exporting import gather
from tests.features.rewards.gifts import SAMPLES, Gifts, a_cause


@dataclass
class Trace:
    """Somebody made of canaries, and where to look for them."""

    person: Person
    canaries: Canaries
    said: io.StringIO


async def protect_oneself(person: Person) -> None:
    """Something in every table of protection."""
    for amount in (5_000, 6_000):
        body = {"measure": "coins", "period": "day", "amount": amount}
        assert (await person.send("PUT", "/api/protection/limits", body)).status_code == 200
    assert (await person.send("POST", "/api/protection/pause", {"hours": 24})).status_code == 200
    consent = {"purpose": "night_push", "is_given": True, "text_version": 1}
    assert (await person.send("POST", "/api/protection/consents", consent)).status_code == 200


async def be_given_things(bureau: Bureau, user_id: int) -> None:
    """One reward of each type, some of it used, terms for a bonus, and more that staff have proposed."""
    gifts = Gifts(bureau.database, user_id)
    for reward in SAMPLES.values():
        await gifts.give(reward)
    await gifts.spin("slot-orchard")
    wish = Wish(user_id, Reward(RewardType.GEM, 5_000), "canary-because")
    async with bureau.database.transaction() as db:
        await set_bonus_terms(db, user_id, level=3, risk="high", now=NOON)
        await proposals.add(db, a_cause(), wish, by_user_id=10**6, now=NOON)


async def play(bureau: Bureau, person: Person) -> None:
    """A round with its bonus, free coins, and an opening, with a seed of the user's own words."""
    async with bureau.database.transaction() as db:
        await ship(db, TABLES, now=NOON)
        await db.execute(
            "UPDATE age_checks SET settled_at = now(), is_of_age = true WHERE user_id = $1", person.user_id
        )
    await person.send("POST", "/api/seed")
    await person.send("PUT", "/api/seed/client-seed", {"client_seed": "canary-client-seed"})
    for path, body in (("free-coins", None), ("slot/spin", {"round_id": str(uuid4())})):
        answer = await person.send("POST", f"/api/games/{path}", body)
        assert answer.status_code == 200, answer.text
    claimed = await person.send("POST", "/api/wallet/claims", {"key": str(uuid4()), "gems": 5})
    assert claimed.status_code == 201, claimed.text
    opened = await person.send("POST", "/api/gacha/spin", {"spin_id": str(uuid4()), "spins": 5})
    assert opened.status_code == 200, opened.text


async def buy(bureau: Bureau, person: Person) -> None:
    """A purchase whose payment has begun."""
    async with bureau.database.transaction() as db:
        await publishing.ship(db, shipped_catalogue(), now=NOON)
    body = {"purchase_id": str(uuid4()), "item_id": "gems-100", "payment_method": "card"}
    answer = await person.send("POST", "/api/shop/buy", body)
    assert answer.status_code == 200, answer.text


async def live(bureau: Bureau, said: io.StringIO) -> Trace:
    """Every feature there is, with canaries wherever a person may leave anything."""
    person = bureau.house.stranger("canary-mail@example.com")
    person.nickname, person.password, person.device = "CanaryNick", "canary-password", "CanaryBrowser/7"
    assert (await person.sign_up()).status_code == 201
    first_cookie = person.cookie
    await person.log_in(password="canary-wrong-password")
    await person.log_in(email="canary-stranger@example.com")
    recovery, *more = await person.enrol()
    assert (await person.log_in(code=recovery)).status_code == 200
    assert (await person.refresh()).status_code == 200
    await person.send("PATCH", f"/api/users/{person.user_id}/profile", {"nickname": "CanaryRenamed"})
    await person.send("POST", "/api/users/verify-age", {"birth_date": "1961-07-13"})
    await person.send("GET", "/api/users/verify-age")
    await person.send("POST", "/api/actions", {"action_type": "VIEW_CONTENT", "metadata": {"content_id": "lobby"}})
    refused = {"action_type": "PURCHASE", "metadata": {"note": "canary-note"}}
    assert (await person.send("POST", "/api/actions", refused)).status_code == 403
    await be_given_things(bureau, person.user_id)
    await play(bureau, person)
    await buy(bureau, person)
    await protect_oneself(person)
    service = await a_key(bureau.database, "game")
    about = {"user_id": person.user_id, "action_type": "CANARY_TYPE", "metadata": {"name": "canary-by-service"}}
    await bureau.house.http.post("/api/actions", json=about, headers=service)
    malformed = f'[{{"user_id": {person.user_id}, "action_type": 7, "x": "canary-malformed"}}]'
    headers = {**service, "content-type": "application/json"}
    await bureau.house.http.post("/api/actions/batch", content=f'{{"actions": {malformed}}}', headers=headers)
    async with bureau.database.transaction() as db:
        row_id = await db.fetchval("SELECT max(id) FROM user_actions WHERE user_id = $1", person.user_id)
        await db.execute(
            "INSERT INTO identity_links VALUES ('https://login.example', $1, $2, now())", b"x", person.user_id
        )
        await db.execute("INSERT INTO waiting_logins VALUES ($1, $2, now())", b"x", person.user_id)
        await parked.park(db, "hot", row_id, reason="ValueError('canary-reason')", attempts=1)
    asked = await person.send("POST", "/api/users/me/export", {"current_password": "canary-password", "code": more[0]})
    assert asked.status_code == 202, asked.text
    await gather(bureau)
    assert (await person.send("GET", "/api/users/me/export/archive")).status_code == 200
    await bureau.project()
    asked = await person.send("POST", "/api/users/me/erasure", {"current_password": "canary-password", "code": more[1]})
    assert asked.status_code == 202, asked.text
    secrets = {person.secret, person.cookie, first_cookie, person.access_token, *more, asked.json()["receipt_code"]}
    texts = {"canary", "1961-07-13", person.address, *secrets}
    return Trace(person, Canaries(frozenset(texts)), said)
