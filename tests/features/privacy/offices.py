"""The whole platform on a test's own database: people at its application, and the office that erases them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx

from casino_club.entry.http import app_over
from casino_club.entry.wiring import Platform, office_over, open_platform, subscriptions
from casino_club.features.privacy import jobs
from casino_club.features.privacy.commands.office import Office
from casino_club.infra.db.database import Database
from casino_club.infra.log.subscribe import Subscription
from tests.builders.actions import a_log
from tests.builders.jobs import a_work
from tests.features.actions.club import settings_for
from tests.features.identity.people import PASSWORD, House, Person
from tests.infra.log.following import catch_up

GRACE = timedelta(days=7)


@dataclass
class Bureau:
    """People, the platform they use, and its office."""

    house: House
    platform: Platform
    office: Office
    folder: Path

    @property
    def database(self) -> Database:
        return self.platform.database

    async def leaving(self, **more: Any) -> tuple[Person, str]:
        """Somebody who has asked to be erased, and their receipt code."""
        person = await self.house.person()
        answer = await person.send("POST", "/api/users/me/erasure", {"current_password": PASSWORD, **more})
        assert answer.status_code == 202, answer.text
        return person, answer.json()["receipt_code"]

    async def run_job(self, *, after: timedelta = GRACE, office: Office | None = None) -> None:
        """The job, as if so much time had passed."""
        now = datetime.now(UTC) + after
        given: dict[type, Any] = {Office: office or self.office}
        await jobs.erase_users.run(a_work(self.database, now=now, given=given))

    async def receipt(self, code: str) -> dict[str, Any]:
        answer = await self.house.http.post("/api/users/erasure-receipt", json={"receipt_code": code})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def project(self) -> None:
        """Let every projection that needs no server of its own read the log to its end."""
        for each in subscriptions():
            if each.to_warehouse is None:
                await catch_up(each, self.platform.stores)

    def with_subscriptions(self, *more: Subscription) -> Office:
        reach = replace(self.office.reach, subscriptions=[*self.office.reach.subscriptions, *more])
        return replace(self.office, reach=reach)


@asynccontextmanager
async def open_bureau(database: Database, database_url: str, redis_url: str, folder: Path) -> AsyncIterator[Bureau]:
    await a_log(database).make_room()
    sandboxes = {"age_verifier": "sandbox", "payment_provider": "sandbox"}
    settings = settings_for(database_url, redis_url, proxies_in_front=1, data_dir=folder, **sandboxes)
    async with open_platform(settings) as platform:
        transport = httpx.ASGITransport(app_over(platform), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://casino.test") as http:
            http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # people keep their own
            yield Bureau(House(http, database), platform, office_over(platform), folder)
