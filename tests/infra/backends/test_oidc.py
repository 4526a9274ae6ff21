"""Identity providers are asked within bounds, kept for a while, and read anew when their keys change."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from casino_club.infra.backends.oidc.calls import ANSWER_BYTES_MAX, Calls, is_usable
from casino_club.infra.backends.oidc.file import open_identity_providers, read_entries
from casino_club.infra.backends.oidc.kept import Kept
from casino_club.infra.backends.oidc.provider import HttpIdentityProvider
from casino_club.infra.ports import CodeRejected, ProviderAway, ProviderName, TokenForged, Unusable
from casino_club.infra.settings import Settings
from tests.builders.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    RSA_KEYS,
    Grant,
    Provider,
    SigningKey,
    a_key,
    a_provider,
    challenge,
)

BACK = "https://casino.test/api/oidc/one/callback"
ENTRY = """[[provider]]
id = "one"
label = "One"
issuer = "https://login.example"
client_id = "casino-club"
"""


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with a_provider() as listening:
        yield listening


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    async with Calls(seconds_max=0.5) as opened:
        yield opened


def over(provider: Provider, calls: Calls, *, pause_seconds: float = 0.0) -> HttpIdentityProvider:
    name = ProviderName("one", "One", provider.issuer, CLIENT_ID, ("openid",))
    return HttpIdentityProvider(name, CLIENT_SECRET, calls, pause_seconds=pause_seconds)


async def exchanged(provider: Provider, ours: HttpIdentityProvider, verifier: str = "v" * 43) -> Any:
    provider.grants["code"] = Grant(challenge("v" * 43), BACK, "nonce")
    return await ours.exchange("code", verifier=verifier, redirect_uri=BACK)


async def test_a_code_is_exchanged_for_claims_with_the_verifier_and_the_clients_secret(
    provider: Provider, calls: Calls
) -> None:
    found = await exchanged(provider, over(provider, calls))

    assert (found.claims["sub"], found.claims["nonce"], found.algorithm) == ("user-1", "nonce", "RS256")
    assert CLIENT_SECRET not in str(provider.forms)


async def test_a_wrong_verifier_gets_nothing(provider: Provider, calls: Calls) -> None:
    with pytest.raises(CodeRejected):
        await exchanged(provider, over(provider, calls), "w" * 43)


async def test_discovery_and_keys_are_read_once_however_many_ask(provider: Provider, calls: Calls) -> None:
    ours = over(provider, calls)

    await asyncio.gather(*(ours.facts() for _ in range(10)))
    for _ in range(3):
        await exchanged(provider, ours)

    assert [provider.calls.count(path) for path in ("/.well-known/openid-configuration", "/jwks")] == [1, 1]


async def test_a_key_that_is_new_is_read_and_the_old_one_is_forgotten(provider: Provider, calls: Calls) -> None:
    ours = over(provider, calls)
    await exchanged(provider, ours)
    provider.key = SigningKey("second", RSA_KEYS[1])

    rotated = await exchanged(provider, ours)
    provider.sign = a_key("first").sign

    assert rotated.claims["sub"] == "user-1"
    with pytest.raises(TokenForged):
        await exchanged(provider, ours)


async def test_tokens_of_unknown_keys_do_not_make_us_ask_again_and_again(provider: Provider, calls: Calls) -> None:
    ours = over(provider, calls, pause_seconds=60)
    provider.sign = SigningKey("unheard of", RSA_KEYS[1]).sign

    for _ in range(5):
        with pytest.raises(TokenForged):
            await exchanged(provider, ours)

    assert provider.calls.count("/jwks") == 1


async def test_a_slow_provider_is_not_waited_for(provider: Provider, calls: Calls) -> None:
    ours = over(provider, calls)
    await ours.facts()
    provider.token_seconds = 30

    began = time.monotonic()
    with pytest.raises(ProviderAway):
        await exchanged(provider, ours)

    assert time.monotonic() - began < 5


async def test_the_secret_goes_into_the_form_where_the_provider_wants_it_there(
    provider: Provider, calls: Calls
) -> None:
    provider.said = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

    with pytest.raises(ProviderAway, match="401"):  # this one only knows how to read the header
        await exchanged(provider, over(provider, calls))

    assert (provider.forms[0]["client_id"], provider.forms[0]["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)


async def test_a_look_counts_the_keys_and_says_what_is_wrong(provider: Provider, calls: Calls) -> None:
    assert await over(provider, calls).look() == 1

    provider.shown_keys = [{"kty": "oct", "k": "c2VjcmV0"}]
    with pytest.raises(ProviderAway, match="no key that we can use"):
        await over(provider, calls).look()


async def test_too_much_is_not_read(provider: Provider, calls: Calls) -> None:
    provider.said = {"filler": "x" * ANSWER_BYTES_MAX}

    with pytest.raises(ProviderAway, match="more than"):
        await over(provider, calls).facts()


async def test_what_failed_is_not_asked_for_again_at_once() -> None:
    now, reads = 100.0, 0

    async def read() -> int:
        nonlocal reads
        reads += 1
        if reads == 1:
            raise ProviderAway("asleep")
        return reads

    kept = Kept(read, fresh_seconds=60, pause_seconds=5, monotonic=lambda: now)
    for _ in range(3):
        with pytest.raises(ProviderAway, match="asleep"):
            await kept.get()
    now += 6

    assert [await kept.get(), await kept.get(anew=True)] == [2, 2]
    now += 6
    assert [await kept.get(), await kept.get(anew=True)] == [2, 3]
    now += 61
    assert await kept.get() == 4


@pytest.mark.parametrize(
    ("url", "may_be_local", "is_good"),
    [
        ("https://login.example/token", False, True),
        ("https://10.0.0.5:8443/token", False, True),
        ("http://127.0.0.1:9000/token", True, True),
        ("http://localhost:9000", True, True),
        ("http://login.example/token", True, False),
        ("http://127.0.0.1:9000/token", False, False),
        ("https://127.0.0.1/token", False, False),
        ("https://localhost/token", False, False),
        ("https://[::1]/token", False, False),
        ("https://[::ffff:127.0.0.1]/token", False, False),
        ("https://169.254.169.254/token", False, False),
        ("https://0.0.0.0/token", False, False),
        ("https://a:b@login.example/token", True, False),
        ("https://login.example/token#x", True, False),
        ("https://login.example:0/token", True, False),
        ("https://login.example:x/token", True, False),
        ("https:///token", True, False),
        ("ftp://login.example/", True, False),
        ("https://login.example/\r\nx", True, False),
    ],
)
def test_only_encrypted_addresses_are_called_or_those_of_a_trial(url: str, may_be_local: bool, is_good: bool) -> None:
    assert is_usable(url, may_be_local=may_be_local) is is_good


async def test_a_name_that_leads_inward_is_not_followed(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[str] = []

    async def arrived(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append("here")
        writer.close()

    inside = await asyncio.start_server(arrived, "127.0.0.1", 0)
    port = inside.sockets[0].getsockname()[1]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", port))])

    for may_be_local in (False, True):
        with pytest.raises(ProviderAway, match="does not answer"):
            await calls.get(f"https://rebound.example:{port}/jwks", may_be_local=may_be_local)

    inside.close()
    assert came == ["here"]  # once, for a provider that may stand on this machine


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[provider]", "can't be used"),
        ('[[provider]]\nid = "one"', "label"),
        (ENTRY + 'client_secrte = "x"', "client_secrte"),
        (ENTRY.replace('"one"', '"One!"'), "id"),
        (ENTRY.replace("https:", "http:"), "no https address"),
        (ENTRY.replace("login.example", "login.example/?a=b"), "no https address"),
        (ENTRY + 'scopes = ["email"]', "lack openid"),
        (ENTRY + 'client_secret_env = "A"\nclient_secret_file = "b"', "twice"),
        (ENTRY + ENTRY, "the id one stands twice"),
        (ENTRY + ENTRY.replace('id = "one"', 'id = "two"'), "the issuer https://login.example stands twice"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "providers.toml"
    path.write_text(text)

    with pytest.raises(Unusable, match="CASINO_CLUB_OIDC_PROVIDERS") as wrong:
        read_entries(path)

    assert says in str(wrong.value)


def settings_with(path: Path) -> Settings:
    return Settings.model_validate({"oidc_providers": path, "public_url": "https://casino.test"})


@pytest.mark.parametrize("name", ["client_secret_env", "client_secret_file"])
async def test_a_secret_that_is_nowhere_is_said_by_its_place(tmp_path: Path, name: str) -> None:
    path = tmp_path / "providers.toml"
    path.write_text(f'{ENTRY}{name} = "NOT_SET_ANYWHERE"')

    with pytest.raises(Unusable, match="NOT_SET_ANYWHERE"):
        async with open_identity_providers(settings_with(path)):
            pass


async def test_without_a_file_there_are_no_providers() -> None:
    async with open_identity_providers(Settings.model_validate({})) as found:
        assert found == {}


def test_providers_need_to_know_the_way_back(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="CASINO_CLUB_PUBLIC_URL"):
        Settings.model_validate({"oidc_providers": tmp_path})


@pytest.mark.parametrize("url", ["https://casino.example/", "http://casino.example", "casino.example", "https://a b"])
def test_the_way_back_is_an_origin(url: str) -> None:
    with pytest.raises(ValueError, match="public_url"):
        Settings.model_validate({"public_url": url})


async def test_nobody_is_followed_elsewhere(provider: Provider, calls: Calls) -> None:
    provider.answer_token = lambda: web.Response(status=303, headers={"location": f"{provider.issuer}/me"})

    with pytest.raises(ProviderAway, match="303"):
        await exchanged(provider, over(provider, calls))

    assert "/me" not in provider.calls
