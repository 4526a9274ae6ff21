"""Shapes of requests and answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from casino_club.features.privacy.rules.erasures import ErasureState, Receipt
from casino_club.features.privacy.rules.exports import Export, ExportState

Password = Annotated[str, Meta(min_length=1, max_length=1_000)]
Code = Annotated[str, Meta(min_length=6, max_length=40)]
ReceiptCode = Annotated[str, Meta(min_length=20, max_length=100)]


class ProofIn(msgspec.Struct, forbid_unknown_fields=True):
    """That it is really you: the password, if you have one, and, of those who have a second factor, a code."""

    current_password: Password | None = None
    code: Code | None = None


class ErasureAskedOut(msgspec.Struct):
    """The receipt code is shown once: whoever has it can see how far the erasure is, without an account."""

    erasure_id: UUID
    receipt_code: str
    due_at: datetime


class ReceiptCodeIn(msgspec.Struct, forbid_unknown_fields=True):
    """What was handed out when the erasure was asked for."""

    receipt_code: ReceiptCode


class StoreOut(msgspec.Struct):
    """A store, and since when nothing of the user is left in it."""

    store: str
    confirmed_at: datetime | None


class ReceiptOut(msgspec.Struct):
    """How an erasure stands. It is done once every store has confirmed."""

    erasure_id: UUID
    state: ErasureState
    asked_at: datetime
    due_at: datetime
    begun_at: datetime | None
    done_at: datetime | None
    stores: list[StoreOut]


class ExportOut(msgspec.Struct):
    """How an export stands; `progress` names the file that is written, and its records so far."""

    export_id: UUID
    state: ExportState
    asked_at: datetime
    progress: str | None
    error_code: str | None
    ready_at: datetime | None
    expires_at: datetime | None
    size_bytes: int | None


def export_out(export: Export) -> ExportOut:
    return ExportOut(
        export.id,
        export.state,
        export.asked_at,
        export.progress,
        export.error_code,
        export.ready_at,
        export.expires_at,
        export.size_bytes,
    )


def receipt_out(receipt: Receipt) -> ReceiptOut:
    erasure = receipt.erasure
    confirmed = [StoreOut(store, at) for store, at in receipt.confirmed.items()]
    return ReceiptOut(
        erasure.id,
        erasure.state,
        erasure.asked_at,
        erasure.due_at,
        erasure.begun_at,
        erasure.done_at,
        [*confirmed, *(StoreOut(store, None) for store in receipt.waiting)],
    )
