"""Keeps personal data readable only under its user's own data key, which is kept wrapped under the server's key.

Whoever destroys a wrapped data key makes all that was sealed under it unreadable, also in every older copy.
"""

import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_LENGTH_MIN: Final = 32

_FORMAT: Final = b"\x01"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_NOBODY: Final = 0


class Unreadable(Exception):
    """What is kept can't be opened: it was altered, moved, or sealed under another key."""


class DataKey:
    """One user's key. A sealed text opens only for the user and the field that it was sealed for."""

    def __init__(self, user_id: int, key: bytes) -> None:
        self._user_id = user_id
        self._cipher = AESGCM(key)

    def seal(self, field: str, text: str) -> bytes:
        """The text as it may be stored."""
        return self.seal_bytes(field, text.encode())

    def seal_bytes(self, field: str, content: bytes) -> bytes:
        """The same for what is no text."""
        return _seal(self._cipher, content, _place(self._user_id, field))

    def open(self, field: str, sealed: bytes) -> str:
        """The text again. Raises `Unreadable`."""
        return self.open_bytes(field, sealed).decode()

    def open_bytes(self, field: str, sealed: bytes) -> bytes:
        """The same for what is no text."""
        return _open(self._cipher, sealed, _place(self._user_id, field))


class Vault:
    """Makes and opens data keys, and hashes what has to be found without being read."""

    def __init__(self, secret: str) -> None:
        assert len(secret) >= SECRET_LENGTH_MIN, "the key that wraps data keys is too short"
        self._wrapping = AESGCM(_derived(secret, b"wrap data keys"))
        self._lookup_key = _derived(secret, b"find by keyed hash")
        self._house_key = _derived(secret, b"seal what is nobody's")

    def new_key(self, user_id: int) -> tuple[DataKey, bytes]:
        """A data key for this user, and the same wrapped, to be stored."""
        key = os.urandom(_KEY_BYTES)
        return DataKey(user_id, key), _seal(self._wrapping, key, _place(user_id, "data key"))

    def open_key(self, user_id: int, wrapped: bytes) -> DataKey:
        """This user's data key. Raises `Unreadable`."""
        return DataKey(user_id, _open(self._wrapping, wrapped, _place(user_id, "data key")))

    def house_key(self) -> DataKey:
        """The key for secrets that are the platform's own and nobody's."""
        return DataKey(_NOBODY, self._house_key)

    def lookup(self, kind: str, text: str) -> bytes:
        """The same text of one kind always gives the same hash, which says nothing to those without the key."""
        return hmac.digest(self._lookup_key, f"{kind}\0{text}".encode(), "sha256")


def _seal(cipher: AESGCM, content: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + cipher.encrypt(nonce, content, place)


def _open(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    nonce, content = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _FORMAT or len(nonce) != _NONCE_BYTES:
        raise Unreadable
    try:
        return cipher.decrypt(nonce, content, place)
    except InvalidTag:
        raise Unreadable from None


def _place(user_id: int, field: str) -> bytes:
    return f"casino-club:{user_id}:{field}".encode()


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"casino-club " + purpose).derive(
        secret.encode()
    )
