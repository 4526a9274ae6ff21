"""One identity provider: found by discovery, asked for tokens, its keys kept and read anew when it changes them."""

import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

from casino_club.infra.backends.oidc import keys
from casino_club.infra.backends.oidc.calls import LOOPBACK, Calls, is_usable
from casino_club.infra.backends.oidc.kept import Kept
from casino_club.infra.ports import CodeRejected, Exchanged, ProviderAway, ProviderFacts, ProviderName

_log = logging.getLogger(__name__)

DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
FRESH_SECONDS: Final = 3600.0
PAUSE_SECONDS: Final = 1.0
"""Between two reads of one document, however many tokens name a key that we don't know."""
ERROR_LENGTH_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class _Discovered:
    facts: ProviderFacts
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    client_auth: str


class HttpIdentityProvider:
    """Keeps what the provider says for an hour. No secret and no token is ever logged."""

    def __init__(
        self, name: ProviderName, client_secret: str | None, calls: Calls, *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._name = name
        self._client_secret = client_secret
        self._calls = calls
        # Only a provider on this machine, in a trial, may send us to this machine.
        self._may_be_local = urlsplit(name.issuer).hostname in LOOPBACK
        self._discovered = Kept(self._discover, fresh_seconds=FRESH_SECONDS, pause_seconds=pause_seconds)
        self._keys = Kept(self._read_keys, fresh_seconds=FRESH_SECONDS, pause_seconds=pause_seconds)

    @property
    def name(self) -> ProviderName:
        return self._name

    async def facts(self) -> ProviderFacts:
        return (await self._discovered.get()).facts

    async def look(self) -> int:
        await self._discovered.get(anew=True)
        return len(await self._keys.get(anew=True))

    async def exchange(self, code: str, *, verifier: str, redirect_uri: str) -> Exchanged:
        discovered = await self._discovered.get()
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        headers, proof = self._client_proof(discovered.client_auth)
        answer = await self._calls.post(
            discovered.token_endpoint,
            {**form, "redirect_uri": redirect_uri, **proof},
            may_be_local=self._may_be_local,
            headers=headers,
        )
        if answer.status != 200:
            self._refused(answer.status, answer.body.get("error"))
        id_token, access_token = answer.body.get("id_token"), answer.body.get("access_token")
        if not isinstance(id_token, str):
            raise ProviderAway("it sends no ID token")
        claims, algorithm = keys.verified(id_token, await self._keys_for(id_token))
        return Exchanged(claims, algorithm, access_token if isinstance(access_token, str) else None)

    async def profile(self, access_token: str) -> Mapping[str, object]:
        endpoint = (await self._discovered.get()).userinfo_endpoint
        if endpoint is None:
            return {}
        answer = await self._calls.get(endpoint, may_be_local=self._may_be_local, bearer=access_token)
        if answer.status != 200:
            raise ProviderAway(f"its profiles answer {answer.status}")
        return answer.body

    def _client_proof(self, method: str) -> tuple[dict[str, str], dict[str, str]]:
        client_id, secret = self._name.client_id, self._client_secret
        if secret is None:
            return {}, {"client_id": client_id}
        if method == "client_secret_post":
            return {}, {"client_id": client_id, "client_secret": secret}
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, {}

    def _refused(self, status: int, error: object) -> None:
        said = str(error)[:ERROR_LENGTH_MAX] if isinstance(error, str) and error.isprintable() else "nothing"
        _log.warning("Identity provider %s answered a code with %d: %s", self._name.id, status, said)
        if said == "invalid_grant":
            raise CodeRejected
        raise ProviderAway(f"its tokens answer {status}: {said}")

    async def _keys_for(self, id_token: str) -> Sequence[keys.Jwk]:
        kept = await self._keys.get()
        return kept if keys.names_known_key(id_token, kept) else await self._keys.get(anew=True)

    async def _discover(self) -> _Discovered:
        answer = await self._calls.get(
            f"{self._name.issuer.removesuffix('/')}{DISCOVERY_PATH}", may_be_local=self._may_be_local
        )
        if answer.status != 200:
            raise ProviderAway(f"discovery answers {answer.status}")
        return self._checked(answer.body)

    def _checked(self, said: Mapping[str, Any]) -> _Discovered:
        if said.get("issuer") != self._name.issuer:
            raise ProviderAway("it names another issuer than the file of providers does")
        userinfo = said.get("userinfo_endpoint")
        facts = ProviderFacts(
            self._endpoint(said, "authorization_endpoint"),
            said.get("authorization_response_iss_parameter_supported") is True,
            _names_s256(said.get("code_challenge_methods_supported")),
        )
        if facts.names_s256 is False:
            raise ProviderAway("it does not check PKCE by S256")
        return _Discovered(
            facts,
            self._endpoint(said, "token_endpoint"),
            self._endpoint(said, "jwks_uri"),
            None if userinfo is None else self._endpoint(said, "userinfo_endpoint"),
            _client_auth(said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])),
        )

    def _endpoint(self, said: Mapping[str, Any], name: str) -> str:
        url = said.get(name)
        if not isinstance(url, str) or not is_usable(url, may_be_local=self._may_be_local):
            raise ProviderAway(f"its {name} is not one that we call")
        return url

    async def _read_keys(self) -> Sequence[keys.Jwk]:
        discovered = await self._discovered.get()
        answer = await self._calls.get(discovered.jwks_uri, may_be_local=self._may_be_local)
        usable = keys.usable_keys(answer.body)
        if answer.status != 200 or not usable:
            raise ProviderAway("it shows no key that we can use")
        return usable


def _names_s256(methods: object) -> bool | None:
    return "S256" in methods if isinstance(methods, list) else None


def _client_auth(methods: object) -> str:
    offered = methods if isinstance(methods, list) else []
    for method in ("client_secret_basic", "client_secret_post", "none"):
        if method in offered:
            return method
    raise ProviderAway("it takes a client's secret neither by basic nor by post")
