"""Opaque secrets that are handed out once. What is kept is a digest; 256 random bits can't be searched."""

import hashlib
import secrets


def new_ticket() -> str:
    """A secret to hand out."""
    return secrets.token_urlsafe(32)


def ticket_digest(ticket: str) -> bytes:
    """What may be kept of it."""
    return hashlib.sha256(ticket.encode()).digest()
