"""Webhooks signed as Standard Webhooks has it: HMAC-SHA256 over id, time and body; old ones are refused."""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from casino_club.kernel.errors import Kind, Refused

TOLERANCE: Final = timedelta(minutes=5)
ID: Final = b"webhook-id"
TIMESTAMP: Final = b"webhook-timestamp"
SIGNATURE: Final = b"webhook-signature"
SIGNATURES_MAX: Final = 10


class WebhookForged(Refused):
    """Nobody who knows the secret has sent this, or not just now."""

    code = "webhook_forged"
    kind = Kind.FORBIDDEN

    def __init__(self, why: str) -> None:
        super().__init__(f"This webhook is not taken: {why}.")


def signed(secret: bytes, message_id: str, body: bytes, *, at: datetime) -> dict[bytes, bytes]:
    """The headers that a webhook goes out with."""
    stamp = str(int(at.timestamp())).encode()
    signature = b"v1," + base64.b64encode(_digest(secret, message_id.encode(), stamp, body))
    return {ID: message_id.encode(), TIMESTAMP: stamp, SIGNATURE: signature}


def check_signature(secrets: Sequence[bytes], headers: Mapping[bytes, bytes], body: bytes, *, now: datetime) -> None:
    """Raises `WebhookForged`. Several secrets are known while one takes the other's place."""
    message_id, stamp, given = (headers.get(name, b"") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (message_id and stamp and given):
        raise WebhookForged("it lacks an id, a time or a signature")
    if not stamp.isdigit() or len(stamp) > 11:
        raise WebhookForged("its time is no number of seconds")
    if abs(now - datetime.fromtimestamp(int(stamp), UTC)) > TOLERANCE:
        raise WebhookForged(f"it was signed more than {TOLERANCE.seconds // 60} minutes ago, or ahead")
    wanted = [_digest(secret, message_id, stamp, body) for secret in secrets]
    found = [each for part in given.split()[:SIGNATURES_MAX] if (each := _decoded(part)) is not None]
    if not any(hmac.compare_digest(one, other) for one in wanted for other in found):
        raise WebhookForged("its signature is wrong")


def _digest(secret: bytes, message_id: bytes, stamp: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b".".join((message_id, stamp, body)), "sha256")


def _decoded(signature: bytes) -> bytes | None:
    version, _, text = signature.partition(b",")
    try:
        return base64.b64decode(text, validate=True) if version == b"v1" else None
    except binascii.Error:
        return None
