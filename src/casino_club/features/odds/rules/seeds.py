"""Chance that can be proven: words from a secret seed that was promised by its hash, and from what the user chose.

Whoever knows the seed can compute them again; whoever knows its hash alone can't foresee them.
"""

import hashlib
import hmac
from collections.abc import Iterator
from itertools import count
from typing import Final

from casino_club.kernel.fields import fields

SEED_BYTES: Final = 32
CLIENT_SEED: Final = r"^[!-~]{1,64}(?!\n)$"
"""A `$` alone would let a line feed behind it pass."""

DRAW_TAG: Final = "casino-club/odds-draw/1"
RECEIPT_TAG: Final = "casino-club/odds-receipt/1"
SALT_TAG: Final = "casino-club/odds-salt/1"
COMMITMENT_TAG: Final = "casino-club/odds-commitment/1"
MOVE_TAG: Final = "casino-club/odds-move/1"

BEFORE_THE_FIRST: Final = "0" * 64
"""What the first commitment is chained to."""

_BLOCK_BYTES: Final = 64
_WORD_BYTES: Final = 8
_INNER: Final = bytes(each ^ 0x36 for each in range(256))
_OUTER: Final = bytes(each ^ 0x5C for each in range(256))


class Seeded:
    """The words of one server seed and one client seed. HMAC-SHA256, whose beginnings are computed once."""

    def __init__(self, server_seed: bytes, *, commit_id: str, client_seed: str) -> None:
        assert len(server_seed) == SEED_BYTES, "a server seed has 32 bytes"
        key = server_seed.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(key.translate(_INNER) + fields(DRAW_TAG, commit_id, client_seed))
        self._outer = hashlib.sha256(key.translate(_OUTER))

    def words(self, nonce: int, table_digest: str) -> Iterator[int]:
        """Words of 64 bits without end: four from each block, and the block's number is the last field."""
        inner = self._inner.copy()
        inner.update(fields(str(nonce), table_digest))
        for block in count():
            within, around = inner.copy(), self._outer.copy()
            within.update(fields(str(block)))
            around.update(within.digest())
            drawn = around.digest()
            for at in range(0, len(drawn), _WORD_BYTES):
                yield int.from_bytes(drawn[at : at + _WORD_BYTES], "big")


def seed_hash(server_seed: bytes) -> str:
    """What is published before the seed is used."""
    return hashlib.sha256(server_seed).hexdigest()


def commitment_hash(previous: str, *, sequence: int, commit_id: str, seed_hash: str, committed_us: int) -> str:
    """The hash of a promise in the public list, which the next one is chained to."""
    texts = (COMMITMENT_TAG, previous, str(sequence), commit_id, seed_hash, str(committed_us))
    return hashlib.sha256(fields(*texts)).hexdigest()


def receipt_of(server_seed: bytes, text: str) -> str:
    """What binds the house to its account of a draw, while the seed is still secret."""
    return hmac.digest(server_seed, fields(RECEIPT_TAG, text), "sha256").hex()


def salt_of(server_seed: bytes, *, commit_id: str, client_seed: str, nonce: int, table_digest: str) -> str:
    """What a draw is hidden with until it is made. It is another one for each draw, and tells nothing of the seed."""
    texts = (SALT_TAG, commit_id, client_seed, str(nonce), table_digest)
    return hmac.digest(server_seed, fields(*texts), "sha256").hex()


def concealed(move: str, salt: str) -> str:
    """What is published of a move before the other one moves."""
    return hashlib.sha256(fields(MOVE_TAG, move, salt)).hexdigest()
