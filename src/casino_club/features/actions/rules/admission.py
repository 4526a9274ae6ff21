"""Turns an action as it was sent into a row that the log takes, or says why not."""

import re
from hashlib import blake2b
from struct import Struct
from typing import Any, NamedTuple

import msgspec

from casino_club.features.actions.rules.moment import MomentPolicy, fault_in_moment, moments
from casino_club.features.actions.rules.plan import Check, Checks, fault_in, fault_in_saying, unnamed_field_in
from casino_club.features.actions.rules.refusals import (
    MetadataInvalid,
    MetadataTooLarge,
    NotYourUser,
    SenderNotAllowed,
    UnknownActionType,
    UserIdMissing,
)
from casino_club.features.actions.rules.sent import ActionIn
from casino_club.kernel.clock import Calendar, to_us
from casino_club.kernel.errors import Refused
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.subject import ServiceSubject, Subject, UserSubject

METADATA_BYTES_MAX = 8_192
PLATFORM_SCOPE = 0
"""Keys that the platform derives itself."""
USERS_SCOPE = 1
"""Keys that users' own apps choose share it; the user is mixed into the key, so that none can meet another's."""


class ActionPolicy(NamedTuple):
    """All that decides about an action."""

    checks: Checks
    moment: MomentPolicy
    streak_gap_us: int
    calendar: Calendar


class ReadyRow(msgspec.Struct, gc=False):
    """An admitted action. `key` is None when the sender chose no id: such a row can't be told from its repetition."""

    user_id: int
    scope: int
    key: bytes | None
    client_action_id: bytes | None
    body_hash: bytes
    action_type: str
    value: int | None
    metadata: bytes
    at_us: int
    round_id: bytes | None
    is_play: bool
    by_user: bool


_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_ABSENT = -(2**63)
_facts = Struct(">qqq").pack
_canonical = msgspec.json.Encoder(order="sorted").encode


class Admission:
    """The judge of one request's actions: what depends on the sender and the moment is worked out once."""

    def __init__(self, subject: Subject, *, now_us: int, policy: ActionPolicy) -> None:
        is_service = isinstance(subject, ServiceSubject)
        self._subject = subject
        self._kind = "service" if is_service else "client"
        self._scope = subject.namespace if isinstance(subject, ServiceSubject) else USERS_SCOPE
        self._now_us = now_us
        self._policy = policy
        self._earliest_us, self._latest_us = moments(now_us, policy.moment)
        self._find_check = policy.checks.find

    def judge(self, sent: ActionIn) -> ReadyRow | Refused:
        """The row to append, or the first reason against it. An action without a time of its own happens now."""
        subject, user = self._subject, sent.user_id
        if user is None or type(subject) is UserSubject:
            found = acting_user(user, subject)
            if isinstance(found, Refused):
                return found
            user = found
        check = self._find_check(sent.action_type)
        sent_us = None if sent.action_timestamp is None else to_us(sent.action_timestamp)
        at_us = self._now_us if sent_us is None else sent_us
        if check is None:
            return UnknownActionType("action_type is not in the tracking plan.")
        fault = self._fault(sent, check, at_us)
        if fault is not None:
            return fault
        metadata = stored_metadata(sent.metadata)
        if isinstance(metadata, Refused):
            return metadata
        return self._row(sent, check, user, at_us, sent_us, metadata)

    def _fault(self, sent: ActionIn, check: Check, at_us: int) -> Refused | None:
        if self._kind not in check.rule.senders:
            return SenderNotAllowed(f"{sent.action_type} can't be sent by this caller.")
        if not self._earliest_us <= at_us <= self._latest_us:
            return fault_in_moment(at_us, self._now_us, self._policy.moment)
        if check.platform_only and (fault := fault_in_saying(check, sent.metadata)):
            return fault
        if self._kind == "client" and (unnamed := unnamed_field_in(check, sent.metadata)):
            return unnamed
        return fault_in(check, sent.value, sent.metadata)

    def _row(
        self, sent: ActionIn, check: Check, user: int, at_us: int, sent_us: int | None, metadata: bytes
    ) -> ReadyRow:
        client_id = None if sent.client_action_id is None else sent.client_action_id.int.to_bytes(16, "big")
        round_id = sent.metadata.get("round_id") if check.holds_round else None
        return ReadyRow(
            user,
            self._scope,
            client_id if client_id is None or self._scope != USERS_SCOPE else users_key(client_id, user),
            client_id,
            hash_of(user, sent, sent_us, metadata),
            sent.action_type,
            sent.value,
            metadata,
            at_us,
            None if round_id is None else bytes.fromhex(round_id.replace("-", "")),
            check.rule.is_play,
            check.by_user,
        )


def acting_user(user_id: int | None, subject: Subject) -> int | Refused:
    """Whose action it is: users send their own only, services name the user."""
    if isinstance(subject, UserSubject):
        if user_id is not None and user_id != subject.user_id:
            return NotYourUser("user_id must be your own; leave it out.")
        return subject.user_id
    return UserIdMissing("user_id is required.") if user_id is None else user_id


def users_key(client_id: bytes, user_id: int) -> bytes:
    """The idempotency key of an id that a user's own app chose: one that nobody else can produce."""
    return derived_uuid("user", user_id, client_id.hex()).bytes


def hash_of(user_id: int, sent: ActionIn, sent_us: int | None, metadata: bytes) -> bytes:
    """What must be equal for a repetition: all that was sent. A time that we gave is not compared."""
    value = _ABSENT if sent.value is None else sent.value
    facts = _facts(user_id, value, _ABSENT if sent_us is None else sent_us)
    return blake2b(facts + sent.action_type.encode() + b"|" + metadata, digest_size=16).digest()


def stored_metadata(metadata: dict[str, Any]) -> bytes | Refused:
    """Metadata in the one form that is stored and compared: sorted keys, no spaces."""
    if not metadata:
        return b"{}"
    try:
        encoded = _canonical(metadata)
    except (UnicodeEncodeError, RecursionError):
        return MetadataInvalid("metadata holds text that is not valid Unicode, or is nested too deeply.")
    if len(encoded) > METADATA_BYTES_MAX:
        return MetadataTooLarge(f"metadata is larger than {METADATA_BYTES_MAX} bytes.")
    if b"\\u0000" in encoded and _ESCAPED_NUL.search(encoded):
        return MetadataInvalid("metadata can't hold the character U+0000.")
    return encoded
