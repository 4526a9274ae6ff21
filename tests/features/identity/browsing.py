"""Browsers that log in at identity providers: each keeps its cookies and goes where it is sent."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from casino_club.infra.db.database import Database
from tests.builders.identity_provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.features.identity.people import House, Person, open_house

PUBLIC_URL = "https://casino.test"
NOWHERE = "http://127.0.0.1:9"
LOGIN_COOKIE = "__Host-casino-login"
REFRESH_COOKIE = "__Secure-casino-refresh"


@dataclass
class Browser:
    """Somebody's browser."""

    house: House
    cookies: dict[str, str] = field(default_factory=dict)
    address: str = "10.9.0.1"

    async def go(self, url: str, **headers: str) -> httpx.Response:
        """Where the address bar goes: our site or a provider's. Redirects are followed by hand."""
        if not url.startswith(("/", PUBLIC_URL)):
            async with httpx.AsyncClient() as http:
                return await http.get(url)
        return self._kept(await self.house.http.get(url, headers=self._headers(headers)))

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return self._kept(await self.house.http.post(path, json=body, headers=self._headers(headers)))

    async def start(self, provider: str = "one", return_to: str = "/play?tab=1") -> str:
        """Begin a login; where the provider is."""
        answer = await self.house.http.get(
            f"/api/oidc/{provider}/start", params={"return_to": return_to}, headers=self._headers({})
        )
        assert answer.status_code == 302, answer.text
        return self._kept(answer).headers["location"]

    async def way_back(self, url: str) -> str:
        """Where the provider sends the browser back to."""
        return (await self.go(url)).headers["location"]

    async def log_in(self, provider: str = "one", **query: str | None) -> httpx.Response:
        """All of it, with these parameters laid over those of the provider's."""
        return await self.go(changed(await self.way_back(await self.start(provider)), query))

    async def link(self, person: Person, provider: str = "one", **body: Any) -> httpx.Response:
        """Link a person's account, from their profile on."""
        begun = await self.post(f"/api/oidc/{provider}/link", body, authorization=f"Bearer {person.access_token}")
        if begun.status_code != 201:
            return begun
        return await self.go(await self.way_back(begun.json()["url"]))

    def person(self) -> Person:
        """Whoever is logged in here, as an app would call for them."""
        return Person(self.house.http, "", cookie=self.cookies[REFRESH_COOKIE])

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"accept": "text/html,*/*", "x-forwarded-for": self.address, "cookie": pairs, **headers}

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        for text in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(text).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return answer


def outcome(answer: httpx.Response) -> str:
    """Where a browser is sent, which is always a page of ours, with how it went."""
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


def changed(url: str, query: Mapping[str, str | None]) -> str:
    """The address with these parameters in place of its own; None takes one out."""
    parts = urlsplit(url)
    laid_over = {**dict(parse_qsl(parts.query)), **query}
    kept = {name: value for name, value in laid_over.items() if value is not None}
    return str(httpx.URL(url).copy_with(params=kept))


def providers_file(folder: Path, issuers: Mapping[str, str]) -> Path:
    """The operator's file."""
    (folder / "secret").write_text(f"{CLIENT_SECRET}\n")
    entries = [
        f'[[provider]]\nid = "{name}"\nlabel = "{name.title()}"\nissuer = "{issuer}"\n'
        f'client_id = "{CLIENT_ID}"\nclient_secret_file = "{folder / "secret"}"\n'
        for name, issuer in issuers.items()
    ]
    path = folder / "providers.toml"
    path.write_text("\n".join(entries))
    return path


@asynccontextmanager
async def open_provided_house(
    database: Database, urls: tuple[str, str], folder: Path, issuers: Mapping[str, str]
) -> AsyncIterator[House]:
    """A house to which these providers let people in."""
    named: dict[str, Any] = {"oidc_providers": providers_file(folder, issuers), "public_url": PUBLIC_URL}
    async with open_house(database, *urls, **named) as opened:
        yield opened


@dataclass
class ProvidedCase:
    """A house, a browser, and a provider that lets people in."""

    house: House
    browser: Browser
    provider: Provider
    other: Provider

    def another_browser(self) -> Browser:
        return Browser(self.house)

    async def newcomer(self) -> Person:
        """Somebody whom the provider has let in."""
        assert outcome(await self.browser.log_in()) == "/play?tab=1&oidc=logged_in"
        person = self.browser.person()
        assert (await person.refresh()).status_code == 200
        return person

    async def execute(self, statement: str, *arguments: object) -> None:
        async with self.house.database.transaction() as db:
            await db.execute(statement, *arguments)

    async def count(self, table: str) -> int:
        async with self.house.database.connection() as db:
            return int(await db.fetchval(f"SELECT count(*) FROM {table}"))
