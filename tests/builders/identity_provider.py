"""An identity provider on this machine that does as it is told: well, or in any of the ways that an attacker would."""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

CLIENT_ID = "casino-club"
CLIENT_SECRET = "a secret & of the client's"
Claims = dict[str, Any]

RSA_KEYS = [rsa.generate_private_key(65537, 2048) for _ in range(2)]


@dataclass
class SigningKey:
    """A key with the id under which it is shown."""

    kid: str
    private: Any
    algorithm: str = "RS256"

    def jwk(self) -> Claims:
        by_kind: dict[str, Any] = {"ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
        shown = by_kind.get(self.algorithm, RSAAlgorithm).to_jwk(self.private.public_key(), as_dict=True)
        return {**shown, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: Claims, **header: Any) -> str:
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers={"kid": self.kid, **header})


def a_key(kid: str, algorithm: str = "RS256") -> SigningKey:
    if algorithm == "ES256":
        return SigningKey(kid, ec.generate_private_key(ec.SECP256R1()), algorithm)
    if algorithm == "EdDSA":
        return SigningKey(kid, ed25519.Ed25519PrivateKey.generate(), algorithm)
    return SigningKey(kid, RSA_KEYS[0], algorithm)


@dataclass
class Grant:
    """What was asked for when a code was given."""

    challenge: str
    redirect_uri: str
    nonce: str


@dataclass
class Provider:
    """Tests change its fields. By itself it checks PKCE, redirect URI and client, and takes each code once."""

    issuer: str = ""
    person: Claims = field(default_factory=lambda: {"sub": "user-1", "email": "minji@example.com"})
    key: SigningKey = field(default_factory=lambda: a_key("first"))
    shown_keys: list[Claims] | None = None
    claims: Claims = field(default_factory=dict)
    """Laid over what an ID token says; None takes a claim out."""
    said: Claims = field(default_factory=dict)
    """The same for discovery."""
    sign: Callable[[Claims], str] | None = None
    tells_profile_apart: bool = False
    sends_issuer: bool = True
    answer_token: Callable[[], web.StreamResponse] | None = None
    token_seconds: float = 0.0
    grants: dict[str, Grant] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    forms: list[Claims] = field(default_factory=list)

    def discovery(self) -> Claims:
        own = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/me",
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "authorization_response_iss_parameter_supported": self.sends_issuer,
        }
        return _laid_over(own, self.said)

    def id_token(self, nonce: str, access_token: str) -> str:
        now = int(time.time())
        named = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce}
        person = {"sub": self.person["sub"]} if self.tells_profile_apart else self.person
        claims = _laid_over({**named, **person, "at_hash": at_hash(access_token, self.key.algorithm)}, self.claims)
        return (self.sign or self.key.sign)(claims)

    async def show(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(request.path)
        if request.path == "/jwks":
            return web.json_response({"keys": self.shown_keys or [self.key.jwk()]})
        return web.json_response(self.discovery())

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        asked = request.query
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.grants[code] = Grant(asked["code_challenge"], asked["redirect_uri"], asked["nonce"])
        back = {"code": code, "state": asked["state"], "session_state": "of no interest"}
        answer = back | ({"iss": self.issuer} if self.sends_issuer else {})
        raise web.HTTPFound(f"{asked['redirect_uri']}?{urlencode(answer)}")

    async def token(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(request.path)
        form = dict(await request.post())
        self.forms.append(form)
        await asyncio.sleep(self.token_seconds)
        if self.answer_token is not None:
            return self.answer_token()
        given = request.headers.get("authorization", "")
        pair = f"{_escaped(CLIENT_ID)}:{_escaped(CLIENT_SECRET)}"
        if given != f"Basic {base64.b64encode(pair.encode()).decode()}":
            return web.json_response({"error": "invalid_client"}, status=401)
        grant = self.grants.pop(str(form.get("code")), None)
        verifier = str(form.get("code_verifier", ""))
        if grant is None or challenge(verifier) != grant.challenge or form.get("redirect_uri") != grant.redirect_uri:
            return web.json_response({"error": "invalid_grant"}, status=400)
        access_token = secrets.token_urlsafe(8)
        id_token = self.id_token(grant.nonce, access_token)
        return web.json_response({"access_token": access_token, "token_type": "Bearer", "id_token": id_token})

    async def me(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(request.path)
        return web.json_response(self.person)


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def at_hash(access_token: str, algorithm: str = "RS256") -> str:
    digest = hashlib.new("sha512" if algorithm == "EdDSA" else "sha256", access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@asynccontextmanager
async def a_provider(**fields: Any) -> AsyncIterator[Provider]:
    """The provider, listening."""
    provider = Provider(**fields)
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.show)
    app.router.add_get("/jwks", provider.show)
    app.router.add_get("/authorize", provider.authorize)
    app.router.add_post("/token", provider.token)
    app.router.add_get("/me", provider.me)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()


def _laid_over(below: Claims, above: Claims) -> Claims:
    return {name: value for name, value in {**below, **above}.items() if value is not None}


def _escaped(text: str) -> str:
    return urlencode({"": text})[1:]
