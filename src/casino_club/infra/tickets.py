"""Opaque secrets that are handed out once. What is kept is a digest; 256 random bits can't be searched."""

import base64
import hashlib
import secrets


def new_ticket() -> str:
    """A secret to hand out."""
    return secrets.token_urlsafe(32)


def new_shared_secret() -> bytes:
    """A secret that an app on somebody's phone keeps as well."""
    return secrets.token_bytes(20)


def new_recovery_code() -> str:
    """A code that people write down: 80 random bits, in groups of four."""
    text = base64.b32encode(secrets.token_bytes(10)).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def ticket_digest(ticket: str) -> bytes:
    """What may be kept of it."""
    return hashlib.sha256(ticket.encode()).digest()
