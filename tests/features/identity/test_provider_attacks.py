"""What a provider, or somebody between it and us, may send: each forged answer is refused, and nothing is changed."""

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization

from casino_club.features.identity.rules.oidc import SKEW_SECONDS_MAX, TOKEN_SECONDS_MAX, local_path, with_outcome
from casino_club.features.identity.rules.refusals import ReturnRefused
from casino_club.infra.db.database import Database
from tests.builders.identity_provider import CLIENT_ID, RSA_KEYS, Claims, Provider, SigningKey, a_key, a_provider
from tests.features.identity.browsing import Browser, open_provided_house, outcome
from tests.features.identity.people import House

STRANGER = SigningKey("first", RSA_KEYS[1])
BAD_RETURNS = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "evil.example",
    "",
    "/%2f/evil.example",
    "/%2Fevil.example",
    "/%5cevil.example",
    "/%255cevil.example",
    "/%252fevil.example",
    "/%25252525252fevil.example",
    "/play\r\nset-cookie: a=b",
    "/play%0d%0aset-cookie:a=b",
    "/play%250d%250a",
    "/\t/evil.example",
    "/%09/evil.example",
    "/play#//evil.example",
    "/pl ay",
    "/plaÿ",
    "/api/oidc/one/start",
    "/%61pi/users/refresh",
    "/" + "a" * 500,
]
GOOD_RETURNS = ["/", "/play", "/play?tab=1&q=%ED%95%9C", "/a/b/c?next=https%3A%2F%2Fexample.com", "/apiary", "/x%20y"]


class FromNow(NamedTuple):
    """An instant that a token says, counted from when it is made: tests may run long after they were found."""

    seconds: int


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with a_provider() as listening:
        yield listening


@pytest.fixture
async def house(
    database: Database, database_url: str, redis_url: str, tmp_path: Path, provider: Provider
) -> AsyncIterator[House]:
    urls = (database_url, redis_url)
    async with open_provided_house(database, urls, tmp_path, {"one": provider.issuer}) as opened:
        yield opened


async def refused(house: House, code: str) -> None:
    """A login ends with this code; there is no user, no session and no link."""
    assert outcome(await Browser(house).log_in()) == f"/play?tab=1&oidc={code}"
    async with house.database.connection() as db:
        for table in ("users", "sessions", "identity_links", "pending_logins"):
            assert await db.fetchval(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://attacker.example"},
        {"iss": None},
        {"aud": "another client"},
        {"aud": None},
        {"aud": [CLIENT_ID, "another client"]},
        {"aud": [CLIENT_ID, "another client"], "azp": "another client"},
        {"azp": "another client"},
        {"nonce": None},
        {"nonce": "of another login"},
        {"nonce": 7},
        {"exp": FromNow(-SKEW_SECONDS_MAX - 60)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": FromNow(-TOKEN_SECONDS_MAX - SKEW_SECONDS_MAX - 60)},
        {"iat": FromNow(SKEW_SECONDS_MAX + 600)},
        {"iat": None},
        {"nbf": FromNow(SKEW_SECONDS_MAX + 600)},
        {"at_hash": "of another token"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "user\0admin"},
    ],
    ids=str,
)
async def test_a_token_that_says_the_wrong_thing_is_refused(house: House, provider: Provider, claims: Claims) -> None:
    provider.claims = {
        name: int(time.time()) + said.seconds if isinstance(said, FromNow) else said for name, said in claims.items()
    }

    await refused(house, "id_token_invalid")


@pytest.mark.parametrize(
    "claims", [{"aud": [CLIENT_ID]}, {"aud": [CLIENT_ID, "x"], "azp": CLIENT_ID}, {"at_hash": None}], ids=str
)
async def test_a_token_may_say_the_right_thing_in_other_words(house: House, provider: Provider, claims: Claims) -> None:
    provider.claims = claims

    assert outcome(await Browser(house).log_in()) == "/play?tab=1&oidc=logged_in"


def unsigned(claims: Claims) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "first"})


def signed_with_the_public_key(claims: Claims) -> str:
    """A verifier that takes any algorithm would check this with the public key as if it were a shared secret."""
    public = RSA_KEYS[0].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": "first"}).rpartition(".")[0]
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(body.encode(), pem)
    return f"{body}.{jwt.utils.base64url_encode(signature).decode()}"


FORGERIES: dict[str, Callable[[Claims], str]] = {
    "without a signature": unsigned,
    "signed with the public key": signed_with_the_public_key,
    "signed with the client's secret": lambda claims: jwt.encode(claims, "s" * 32, "HS256", headers={"kid": "first"}),
    "signed by a stranger": STRANGER.sign,
    "signed by a key of another id": lambda claims: STRANGER.sign(claims, kid="unheard of"),
    "a key of its own": lambda claims: STRANGER.sign(claims, jwk=STRANGER.jwk(), kid="own"),
    "a key from its own place": lambda claims: STRANGER.sign(claims, jku="https://attacker.example/jwks", kid="own"),
    "another algorithm of the same key": lambda claims: jwt.encode(claims, RSA_KEYS[0], "RS512", {"kid": "first"}),
    "an algorithm that the key is not for": lambda claims: jwt.encode(claims, RSA_KEYS[0], "PS256", {"kid": "first"}),
    "the right key under another id": lambda claims: a_key("first").sign(claims, kid="unheard of"),
    "a curve that is no key's": lambda claims: a_key("first", "ES256").sign(claims),
    "cut short": lambda claims: a_key("first").sign(claims)[:-8],
    "no token": lambda _: "a.b.c",
    "no claims": lambda _: a_key("first").sign({}).replace(".e30.", ".W10."),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_signature_is_refused(house: House, provider: Provider, forge: Callable[[Claims], str]) -> None:
    provider.sign = forge

    await refused(house, "id_token_invalid")


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_each_accepted_algorithm_lets_in(house: House, provider: Provider, algorithm: str) -> None:
    provider.key = a_key("own", algorithm)

    assert outcome(await Browser(house).log_in()) == "/play?tab=1&oidc=logged_in"


async def test_an_algorithm_that_is_not_listed_is_refused_whatever_the_key_is_for(
    house: House, provider: Provider
) -> None:
    provider.shown_keys = [{name: value for name, value in provider.key.jwk().items() if name != "alg"}]
    provider.sign = FORGERIES["another algorithm of the same key"]

    await refused(house, "id_token_invalid")


async def test_two_keys_without_ids_are_not_tried_in_turn(house: House, provider: Provider) -> None:
    shown = [provider.key.jwk(), STRANGER.jwk()]
    provider.shown_keys = [{name: value for name, value in key.items() if name != "kid"} for key in shown]
    provider.sign = lambda claims: jwt.encode(claims, RSA_KEYS[0], "RS256")

    await refused(house, "id_token_invalid")


BAD_ANSWERS: dict[str, Callable[[], web.StreamResponse]] = {
    "huge": lambda: web.Response(body=b'{"id_token": "' + b"x" * 1_000_000 + b'"}'),
    "elsewhere": lambda: web.Response(status=307, headers={"location": "http://127.0.0.1:9/token"}),
    "a page": lambda: web.Response(text="<html>sorry</html>", content_type="text/html"),
    "a list": lambda: web.json_response([]),
    "nested without end": lambda: web.Response(text="[" * 100_000),
    "no token": lambda: web.json_response({"access_token": "x"}),
    "a number for a token": lambda: web.json_response({"id_token": 7}),
    "an error in an odd form": lambda: web.json_response({"error": {"a": "\r\n"}}, status=400),
    "out of order": lambda: web.Response(status=500),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_a_token_endpoint_that_misbehaves_is_refused(
    house: House, provider: Provider, answer: Callable[[], web.StreamResponse]
) -> None:
    provider.answer_token = answer

    await refused(house, "provider_unavailable")


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://attacker.example"},
        {"issuer": None},
        {"authorization_endpoint": "http://login.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "https://user:password@login.example/token"},
        {"jwks_uri": "http://169.254.169.254/latest/meta-data"},
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
    ],
    ids=str,
)
async def test_nobody_is_sent_to_a_provider_that_describes_itself_badly(
    house: House, provider: Provider, said: dict[str, Any]
) -> None:
    provider.said = said

    answer = await Browser(house).go("/api/oidc/one/start")

    assert outcome(answer) == "/?oidc=provider_unavailable"


@pytest.mark.parametrize("path", BAD_RETURNS)
def test_only_a_page_of_this_site_is_returned_to(path: str) -> None:
    with pytest.raises(ReturnRefused):
        local_path(path)


@pytest.mark.parametrize("path", GOOD_RETURNS)
def test_a_page_of_this_site_is_returned_to_as_it_was_named(path: str) -> None:
    assert local_path(path) == path


async def test_an_open_redirect_is_refused_before_anybody_is_sent_anywhere(house: House, provider: Provider) -> None:
    browser = Browser(house)
    asked = {"return_to": "//evil.example"}

    sent = await house.http.get("/api/oidc/one/start", params=asked, headers={"accept": "text/html"})
    told = await house.http.get("/api/oidc/one/start", params=asked, headers={"accept": "application/json"})
    twice = await browser.go("/api/oidc/one/start?return_to=/&return_to=//evil.example")

    assert outcome(sent) == "/?oidc=return_refused"
    assert (told.status_code, told.json()["code"]) == (422, "return_refused")
    assert outcome(twice) == "/?oidc=invalid_query"
    assert provider.calls == []


def test_how_it_went_is_added_to_what_the_page_was_asked() -> None:
    assert with_outcome("/play", "linked") == "/play?oidc=linked"
    assert with_outcome("/play?tab=1&q=%ED", "linked") == "/play?tab=1&q=%ED&oidc=linked"
