"""A provider for trials, which takes no money and is as tiresome as a real one. Each way to pay has its own fate.

All that it knows stands in a file that it only appends to, so that every process of ours sees the same, also after a
restart.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from casino_club.infra.payments import Payment, PaymentsAway, PaymentState, PaymentWanted
from casino_club.infra.webhooks import WebhookForged, check_signature, signed

DECIDED_AFTER: Final = 2.0
"""Seconds until a payment is paid, or fails."""
SENT_BACK_AFTER: Final = 20.0
LATE_AFTER: Final = 5.0
FILE_MODE: Final = 0o600


class Fate(NamedTuple):
    """What becomes of a payment of this kind by itself."""

    outcome: PaymentState
    refunded_share: tuple[int, int] = (0, 1)
    """How much of it is sent back later without us: a chargeback, or a part."""
    is_late: bool = False
    """Paid only once it has run out, even if it was cancelled."""
    loses_answer: bool = False
    """It begins, and says nothing."""
    is_away: bool = False
    """It does not even begin."""


FATES: Final[Mapping[str, Fate]] = {
    "card": Fate(PaymentState.PAID),
    "card-declined": Fate(PaymentState.FAILED),
    "card-forgotten": Fate(PaymentState.PENDING),
    "card-charged-back": Fate(PaymentState.PAID, (1, 1)),
    "card-partly-refunded": Fate(PaymentState.PAID, (1, 2)),
    "card-answer-lost": Fate(PaymentState.PAID, loses_answer=True),
    "card-away": Fate(PaymentState.PAID, is_away=True),
    "transfer-late": Fate(PaymentState.PAID, is_late=True),
}


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened at the sandbox: created, cancelled, refunded up to an amount, or told by webhook."""

    what: str
    key: UUID
    at: float
    amount_krw: int = 0
    method: str = ""
    expires_at: float = 0.0
    about: str = ""


@dataclass(slots=True)
class Kept:
    """A payment as its lines tell it."""

    key: UUID
    created: Line | None = None
    cancelled_at: float | None = None
    refunded_krw: int = 0
    told: frozenset[str] = frozenset()

    def add(self, line: Line) -> None:
        match line.what:
            case "created":
                self.created = self.created or line
            case "cancelled":
                self.cancelled_at = line.at if self.cancelled_at is None else self.cancelled_at
            case "refunded":
                self.refunded_krw = max(self.refunded_krw, line.amount_krw)
            case "told":
                self.told |= {line.about}

    def standing(self, at: float) -> Payment:
        """How it stands at this time."""
        created = self.created
        if created is None:
            return Payment(self.key, 0, PaymentState.CANCELLED)
        state = self._state(created, at)
        by_itself = self._sent_back(created, at) if state is PaymentState.PAID else 0
        return Payment(self.key, created.amount_krw, state, max(self.refunded_krw, by_itself))

    def moments(self, at: float) -> Iterator[str]:
        """What webhooks have to tell by now."""
        standing = self.standing(at)
        if standing.state is not PaymentState.PENDING:
            yield standing.state
        if standing.refunded_krw:
            yield f"refunded-{standing.refunded_krw}"

    def _state(self, created: Line, at: float) -> PaymentState:
        fate = FATES[created.method]
        decided_at = created.expires_at + LATE_AFTER if fate.is_late else created.at + DECIDED_AFTER
        is_cancelled = self.cancelled_at is not None and (self.cancelled_at < decided_at or not self._decides(fate))
        if is_cancelled and not (fate.is_late and at >= decided_at):
            return PaymentState.CANCELLED
        return fate.outcome if at >= decided_at else PaymentState.PENDING

    def _decides(self, fate: Fate) -> bool:
        return fate.outcome is not PaymentState.PENDING

    def _sent_back(self, created: Line, at: float) -> int:
        part, of = FATES[created.method].refunded_share
        return created.amount_krw * part // of if at >= created.at + SENT_BACK_AFTER else 0


class SandboxPayments:
    """The provider over its file."""

    def __init__(self, path: Path, webhook_secret: bytes, *, wall: Callable[[], float] = time.time) -> None:
        self._path, self._secret, self._wall = path, webhook_secret, wall

    @property
    def methods(self) -> Sequence[str]:
        return tuple(FATES)

    async def create(self, wanted: PaymentWanted) -> Payment:
        fate = FATES[wanted.method]
        if fate.is_away:
            raise PaymentsAway
        found = await asyncio.to_thread(self._create, wanted)
        assert found.state is PaymentState.CANCELLED or found.amount_krw == wanted.amount_krw, "another amount"
        if fate.loses_answer:
            raise PaymentsAway
        return found

    async def find(self, key: UUID) -> Payment | None:
        found = (await asyncio.to_thread(self.kept)).get(key)
        return None if found is None else found.standing(self._wall())

    async def cancel(self, key: UUID) -> Payment:
        return await asyncio.to_thread(self._change, Line("cancelled", key, self._wall()))

    async def refund(self, key: UUID, amount_krw: int) -> Payment:
        return await asyncio.to_thread(self._change, Line("refunded", key, self._wall(), amount_krw))

    def key_in(self, headers: Mapping[bytes, bytes], body: bytes, *, now: datetime) -> UUID:
        check_signature([self._secret], headers, body, now=now)
        try:
            return msgspec.json.decode(body, type=Webhook).data.key
        except msgspec.DecodeError as wrong:
            raise WebhookForged("its body is not what was agreed on") from wrong

    def webhook(self, key: UUID, about: str, *, at: datetime) -> tuple[dict[bytes, bytes], bytes]:
        """Headers and body of what is sent about a payment."""
        body = msgspec.json.encode(Webhook(f"payment.{about}", at, Spoken(key)))
        return signed(self._secret, f"{key}.{about}", body, at=at), body

    def kept(self) -> dict[UUID, Kept]:
        """All payments, as they are kept."""
        try:
            return _payments(self._path.read_bytes())
        except FileNotFoundError:
            return {}

    def tell(self, key: UUID, about: str) -> None:
        """Note that a webhook was taken."""
        self._change(Line("told", key, self._wall(), about=about))

    def _create(self, wanted: PaymentWanted) -> Payment:
        at, expires_at = self._wall(), wanted.expires_at.timestamp()
        return self._change(Line("created", wanted.key, at, wanted.amount_krw, wanted.method, expires_at))

    def _change(self, line: Line) -> Payment:
        """Append a line, unless it says nothing new; how the payment stands then."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, FILE_MODE), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            content = file.read()
            found = _payments(content).get(line.key, Kept(line.key))
            if not _is_known(line, found):
                found.add(line)
                is_cut = bool(content) and not content.endswith(b"\n")
                file.write(b"\n" * is_cut + msgspec.json.encode(line) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        return found.standing(self._wall())


def _is_known(line: Line, found: Kept) -> bool:
    """Whether the line adds nothing: it was said before, or a cancelled payment would begin."""
    match line.what:
        case "created":
            return found.created is not None or found.cancelled_at is not None
        case "cancelled":
            return found.cancelled_at is not None
        case "refunded":
            return found.refunded_krw >= line.amount_krw
        case _:
            return line.about in found.told


def _payments(content: bytes) -> dict[UUID, Kept]:
    """A line that a crash cut short is none: whoever wrote it got no answer."""
    found: dict[UUID, Kept] = {}
    for text in content.split(b"\n"):
        try:
            line = msgspec.json.decode(text, type=Line)
        except msgspec.DecodeError:
            continue
        found.setdefault(line.key, Kept(line.key)).add(line)
    return found


class Spoken(msgspec.Struct, frozen=True):
    """Which payment it is about."""

    key: UUID


class Webhook(msgspec.Struct, frozen=True):
    """What the sandbox sends. Only whom it is about counts: the truth is asked for."""

    type: str
    timestamp: datetime
    data: Spoken
