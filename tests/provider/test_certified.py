"""A certified identity provider, in a process of its own, lets people in: its pages are filled in as a browser would.

It needs Node, so it runs where CASINO_CLUB_TEST_PROVIDER is set; `make test-oidc` installs the provider and does that.
"""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from casino_club.features.identity.rules.oidc import Asked, authorization_url
from casino_club.infra.backends.oidc.calls import Calls
from casino_club.infra.backends.oidc.provider import PAUSE_SECONDS, HttpIdentityProvider
from casino_club.infra.db.database import Database
from casino_club.infra.ports import CodeRejected, ProviderName
from tests.builders.identity_provider import CLIENT_ID, CLIENT_SECRET
from tests.features.identity.browsing import PUBLIC_URL, Browser, open_provided_house, outcome
from tests.features.identity.people import House
from tests.infra.http.test_server import free_port
from tests.infra.waiting import wait_for

FOLDER = Path(__file__).parent
CALLBACK = f"{PUBLIC_URL}/api/oidc/one/callback"
STEPS_MAX = 12
LOGGED_IN = "/play?tab=1&oidc=logged_in"

pytestmark = pytest.mark.skipif(
    not os.environ.get("CASINO_CLUB_TEST_PROVIDER"), reason="needs Node; make test-oidc runs it"
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running(free_port()) as url:
        yield url


@contextmanager
def running(port: int) -> Iterator[str]:
    node = shutil.which("node")
    assert node, "install Node 20 or newer"
    command = [node, "provider.mjs", str(port), CLIENT_ID, CLIENT_SECRET, CALLBACK]
    with subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(lambda: process.poll() is not None or answers(url))
            assert process.poll() is None, "the provider ended while starting"
            yield url
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/jwks").status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Visitor:
    """Somebody at the provider, with the cookies that it gives them."""

    http: httpx.AsyncClient
    name: str
    pages: int = 0

    async def way_back(self, url: str) -> str:
        """Through every page of the provider's; where it sends them in the end."""
        answer = await self.http.get(url)
        for _ in range(STEPS_MAX):
            location = answer.headers.get("location")
            if location is not None and not urljoin(url, location).startswith(url[: url.index("/auth")]):
                return str(location)
            if location is not None:
                answer = await self.http.get(urljoin(url, location))
            else:
                answer = await self.fill_in(answer)
        raise AssertionError(f"the provider never sends them back: {answer.status_code} {answer.text[:500]}")

    async def fill_in(self, page: httpx.Response) -> httpx.Response:
        """The one form of a page: a login, or an agreement."""
        assert page.status_code == 200, page.text
        self.pages += 1
        [action] = re.findall(r'<form[^>]*action="([^"]+)"', page.text)
        [prompt] = re.findall(r'name="prompt" value="(\w+)"', page.text)
        person = {"login": self.name, "password": "any"} if prompt == "login" else {}
        return await self.http.post(urljoin(str(page.url), action), data={"prompt": prompt, **person})


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    async with httpx.AsyncClient() as http:
        yield Visitor(http, "minji")


@pytest.fixture
async def house(
    database: Database, database_url: str, redis_url: str, tmp_path: Path, issuer: str
) -> AsyncIterator[House]:
    async with open_provided_house(database, (database_url, redis_url), tmp_path, {"one": issuer}) as opened:
        yield opened


async def log_in(browser: Browser, visitor: Visitor) -> str:
    return outcome(await browser.go(await visitor.way_back(await browser.start())))


async def test_somebody_logs_in_agrees_and_becomes_a_user(house: House, visitor: Visitor) -> None:
    browser = Browser(house)

    assert await log_in(browser, visitor) == LOGGED_IN

    person = browser.person()
    await person.refresh()
    profile = (await person.send("GET", f"/api/users/{person.user_id}/profile")).json()
    assert (profile["nickname"], profile["email"]) == ("minji", "minji@example.com")
    assert visitor.pages == 2


async def test_whom_the_provider_still_knows_is_let_in_without_a_page(house: House, visitor: Visitor) -> None:
    await log_in(Browser(house), visitor)
    pages = visitor.pages

    assert await log_in(Browser(house), visitor) == LOGGED_IN

    assert visitor.pages == pages
    async with house.database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM users") == 1


async def test_a_new_key_of_the_provider_lets_people_in(house: House, visitor: Visitor, issuer: str) -> None:
    assert await log_in(Browser(house), visitor) == LOGGED_IN
    assert (await visitor.http.post(f"{issuer}/rotate")).status_code == 204

    # Keys that were read within the last second are not asked for again, so the first try may come too early.
    async with asyncio.timeout(20 * PAUSE_SECONDS):
        while (ended := await log_in(Browser(house), visitor)) != LOGGED_IN:
            assert ended == "/play?tab=1&oidc=id_token_invalid"
            await asyncio.sleep(PAUSE_SECONDS / 5)  # Who tries too often is refused for that.


async def test_who_does_not_agree_is_told_so(house: House, visitor: Visitor) -> None:
    browser = Browser(house)
    page = await visitor.http.get(await browser.start(), follow_redirects=True)
    [abort] = re.findall(r'href="([^"]+/abort)"', page.text)

    left = await visitor.http.get(urljoin(str(page.url), abort))
    back = await visitor.way_back(urljoin(str(page.url), left.headers["location"]))

    assert outcome(await browser.go(back)) == "/play?tab=1&oidc=login_cancelled"


def a_request(verifier: str) -> Asked:
    return Asked(CLIENT_ID, ("openid",), CALLBACK, state="s" * 43, nonce="n" * 43, verifier=verifier)


async def test_the_provider_gives_nothing_for_a_wrong_verifier_or_twice(visitor: Visitor, issuer: str) -> None:
    right, wrong = "v" * 43, "w" * 43
    name = ProviderName("one", "One", issuer, CLIENT_ID, ("openid",))
    async with Calls() as calls:
        ours = HttpIdentityProvider(name, CLIENT_SECRET, calls)
        url = authorization_url((await ours.facts()).authorization_endpoint, a_request(right))

        async def code() -> str:
            return str(httpx.URL(await visitor.way_back(url)).params["code"])

        with pytest.raises(CodeRejected):
            await ours.exchange(await code(), verifier=wrong, redirect_uri=CALLBACK)
        spent = await code()
        exchanged = await ours.exchange(spent, verifier=right, redirect_uri=CALLBACK)
        with pytest.raises(CodeRejected):
            await ours.exchange(spent, verifier=right, redirect_uri=CALLBACK)

    assert (exchanged.claims["sub"], exchanged.claims["nonce"]) == ("minji", "n" * 43)


async def test_the_provider_lets_nobody_begin_without_a_challenge(visitor: Visitor, issuer: str) -> None:
    url = httpx.URL(authorization_url(f"{issuer}/auth", a_request("v" * 43)))
    without = {name: value for name, value in url.params.items() if not name.startswith("code_challenge")}

    back = urlsplit(await visitor.way_back(str(url.copy_with(params=without))))

    assert "error=invalid_request" in back.query
    assert "PKCE" in back.query
