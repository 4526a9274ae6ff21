"""Whether a token is signed by a key of the provider's, with an algorithm that only the key's owner can use."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.api_jws import PyJWS

from casino_club.infra.ports import TokenForged

ALGORITHMS: Final[Mapping[str, tuple[str, str | None]]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""By algorithm, the kind and curve of its keys. Neither `none` nor any whose secret both sides share."""
RSA_BITS_MIN: Final = 2048
KEYS_MAX: Final = 100

Jwk = Mapping[str, Any]


def usable_keys(jwks: Mapping[str, Any]) -> list[Jwk]:
    """The keys of a set that could have signed for us."""
    keys = jwks.get("keys")
    if not isinstance(keys, list):
        return []
    return [key for key in keys[:KEYS_MAX] if isinstance(key, dict) and any(_fits(key, name) for name in ALGORITHMS)]


def names_known_key(token: str, keys: Sequence[Jwk]) -> bool:
    """Whether one of these keys may have signed the token. Raises TokenForged if none ever could."""
    return _key_of(_header(token), keys) is not None


def verified(token: str, keys: Sequence[Jwk]) -> tuple[Mapping[str, object], str]:
    """The claims of the token and its algorithm. Raises TokenForged."""
    header = _header(token)
    key = _key_of(header, keys)
    if key is None:
        raise TokenForged("no key of the provider's fits")
    algorithm = str(header["alg"])
    return _claims(token, key, algorithm), algorithm


def _claims(token: str, key: Jwk, algorithm: str) -> Mapping[str, object]:
    try:
        public = jwt.PyJWK(dict(key), algorithm).key
        if isinstance(public, RSAPublicKey) and public.key_size < RSA_BITS_MIN:
            raise TokenForged("the key is too short")
        claims = msgspec.json.decode(PyJWS().decode(token, public, algorithms=[algorithm]))
    except (jwt.PyJWTError, msgspec.DecodeError, ValueError, TypeError, KeyError) as error:
        raise TokenForged(f"the signature is not right ({type(error).__name__})") from None
    if not isinstance(claims, dict):
        raise TokenForged("it holds no claims")
    return claims


def _header(token: str) -> Mapping[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise TokenForged("it is no signed token") from None
    if header.get("alg") not in ALGORITHMS:
        raise TokenForged("its algorithm is none that we accept")
    return header


def _key_of(header: Mapping[str, Any], keys: Sequence[Jwk]) -> Jwk | None:
    fitting = [key for key in keys if _fits(key, header["alg"])]
    if "kid" in header:
        fitting = [key for key in fitting if key.get("kid") == header["kid"]]
    # Without a key id there must be one key that fits; trying several would hide a mistake.
    return fitting[0] if len(fitting) == 1 else None


def _fits(key: Jwk, algorithm: str) -> bool:
    kind, curve = ALGORITHMS[algorithm]
    is_of_kind = key.get("kty") == kind and (curve is None or key.get("crv") == curve)
    return is_of_kind and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
