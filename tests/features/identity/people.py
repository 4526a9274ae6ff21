"""People who sign up and log in at an open application, each with the cookie that their browser would keep."""

import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx

from casino_club.entry.http import open_app
from casino_club.features.identity.rules.totp import STEP_SECONDS, code_of, kept_secret
from casino_club.infra.db.database import Database
from casino_club.kernel.subject import Role
from tests.builders.actions import a_log
from tests.features.actions.club import settings_for

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def code_now(secret: str, *, ahead: int = 0) -> str:
    """What the app shows, or will show; one step ahead is still let in."""
    return code_of(kept_secret(secret), int(time.time()) // STEP_SECONDS + ahead)


@dataclass
class Person:
    """Somebody with an account."""

    http: httpx.AsyncClient
    email: str
    nickname: str = "Minji"
    password: str = PASSWORD
    user_id: int = 0
    access_token: str = ""
    cookie: str = ""
    secret: str = ""
    confirmed_with: str = ""
    device: str = "Test Browser 1"
    address: str = field(default_factory=lambda: f"10.0.{next(_numbers) // 250}.{next(_numbers) % 250}")

    async def sign_up(self, **more: Any) -> httpx.Response:
        body = {"nickname": self.nickname, "email": self.email, "password": self.password, **more}
        return self._kept(await self.send("POST", "/api/users/signup", body))

    async def log_in(self, **other: Any) -> httpx.Response:
        body = {"email": self.email, "password": self.password, **other}
        return self._kept(await self.send("POST", "/api/users/login", body))

    async def refresh(self, cookie: str | None = None) -> httpx.Response:
        headers = {"cookie": f"theme=dark; __Secure-casino-refresh={self.cookie if cookie is None else cookie}"}
        return self._kept(await self.http.post("/api/users/refresh", headers=headers))

    async def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"x-forwarded-for": self.address, "user-agent": self.device}
        if self.access_token:
            headers["authorization"] = f"Bearer {self.access_token}"
        return await self.http.request(method, path, json=body, headers=headers)

    async def enrol(self) -> list[str]:
        """A second factor, confirmed; its recovery codes."""
        begun = await self.send("POST", "/api/users/totp", {"current_password": self.password})
        assert begun.status_code == 201, begun.text
        self.secret = begun.json()["secret"]
        self.confirmed_with = code_now(self.secret)
        confirmed = await self.send("POST", "/api/users/totp/confirm", {"code": self.confirmed_with})
        assert confirmed.status_code == 200, confirmed.text
        codes: list[str] = confirmed.json()["recovery_codes"]
        return codes

    async def session_ids(self) -> list[int]:
        answer = await self.send("GET", "/api/users/sessions")
        return [each["id"] for each in answer.json()["sessions"]]

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            self.user_id = answer.json()["user_id"]
            self.access_token = answer.json()["access_token"]
            self.cookie = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
        return answer


@dataclass(frozen=True)
class House:
    """An open application and its database."""

    http: httpx.AsyncClient
    database: Database

    def stranger(self, email: str | None = None) -> Person:
        return Person(self.http, email or f"user{next(_numbers)}@example.com")

    async def person(self, email: str | None = None) -> Person:
        someone = self.stranger(email)
        answer = await someone.sign_up()
        assert answer.status_code == 201, answer.text
        return someone

    async def staff(self, *roles: Role) -> Person:
        someone = await self.person()
        async with self.database.transaction() as db:
            await db.execute("UPDATE users SET roles = $2 WHERE id = $1", someone.user_id, sorted(roles))
        [code, *_] = await someone.enrol()
        assert (await someone.log_in(code=code)).status_code == 200
        return someone

    async def logged(self, user_id: int) -> list[str]:
        async with self.database.connection() as db:
            rows = await db.fetch("SELECT action_type FROM user_actions WHERE user_id = $1 ORDER BY id", user_id)
        return [row[0] for row in rows]


@asynccontextmanager
async def open_house(database: Database, database_url: str, redis_url: str, **more: Any) -> AsyncIterator[House]:
    await a_log(database).make_room()
    async with open_app(settings_for(database_url, redis_url, proxies_in_front=1, **more)) as app:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://casino.test") as http:
            http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # people keep their own
            yield House(http, database)
