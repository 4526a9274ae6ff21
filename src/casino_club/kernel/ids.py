"""Ids made by us: time-ordered UUIDs, and ids derived from their cause."""

import uuid
from hashlib import blake2b
from random import Random


def new_uuid7(at_ms: int, rng: Random) -> uuid.UUID:
    """A version 7 UUID: its order is the order of time, so that an index of them grows at one end."""
    return uuid.UUID(int=at_ms << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | rng.getrandbits(62))


def derived_uuid(*parts: str | int) -> uuid.UUID:
    """The id that these parts always give (version 8): the same cause can have its effect once only."""
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    digest = int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")
    digest = digest & ~(0xF << 76) | 8 << 76
    return uuid.UUID(int=digest & ~(0x3 << 62) | 2 << 62)
