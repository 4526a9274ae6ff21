"""Shapes of requests and answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import asyncpg
import msgspec
from msgspec import Meta

from casino_club.features.protection.commands.limiting import LimitHeld
from casino_club.features.protection.rules.consents import TEXTS, Purpose
from casino_club.features.protection.rules.counting import cap_of, used
from casino_club.features.protection.rules.limits import LIMITS, Limit, Measure, Period, Raise
from casino_club.features.protection.rules.periods import Spans
from casino_club.features.protection.rules.reality import (
    REALITY_MINUTES_MAX,
    REALITY_MINUTES_MIN,
    is_due,
    sitting_us,
)
from casino_club.features.protection.rules.standing import (
    EXCLUSION_MONTHS_MAX,
    EXCLUSION_MONTHS_MIN,
    PAUSE_HOURS_MAX,
    PAUSE_HOURS_MIN,
    Standing,
    Status,
)
from casino_club.features.protection.store.consents import Consent
from casino_club.features.protection.store.protections import Protection
from casino_club.infra.http.routes import Id
from casino_club.kernel.clock import MINUTE_US, from_us
from casino_club.kernel.money import AMOUNT_MAX

PAGE_ROWS_MAX = 200

PageLimit = Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)]
Because = Annotated[str, Meta(min_length=3, max_length=200)]
Imposable = Literal["informed", "limited", "paused", "protected", "excluded"]


class PauseIn(msgspec.Struct, forbid_unknown_fields=True):
    """For how many hours: a day at least, six weeks at most."""

    hours: Annotated[int, Meta(ge=PAUSE_HOURS_MIN, le=PAUSE_HOURS_MAX)]


class ExclusionIn(msgspec.Struct, forbid_unknown_fields=True):
    """For how many months. Nobody can shorten it, so say `exclude` to confirm it."""

    months: Annotated[int, Meta(ge=EXCLUSION_MONTHS_MIN, le=EXCLUSION_MONTHS_MAX)]
    confirm: Literal["exclude"]


class ClosingIn(msgspec.Struct, forbid_unknown_fields=True):
    """There is no way back, so say `close` to confirm it."""

    confirm: Literal["close"]


class LimitIn(msgspec.Struct, forbid_unknown_fields=True):
    """The most to pay (in KRW), to lose (coins, tokens) or to play (minutes) in a day, a week or a month."""

    measure: Measure
    period: Period
    amount: Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]


class RealityCheckIn(msgspec.Struct, forbid_unknown_fields=True):
    """After how many minutes of play to be told; null for never."""

    minutes: Annotated[int, Meta(ge=REALITY_MINUTES_MIN, le=REALITY_MINUTES_MAX)] | None


class ConsentIn(msgspec.Struct, forbid_unknown_fields=True):
    """A yes or a no to one purpose, and which version of its text was shown."""

    purpose: Purpose
    is_given: bool
    text_version: Annotated[int, Meta(ge=1, le=1_000_000)]


class ImposedIn(msgspec.Struct, forbid_unknown_fields=True):
    """A stricter status, for so many days at least, and why. The reason stays in the audit."""

    status: Imposable
    because: Because
    days: Annotated[int, Meta(ge=1, le=3_660)] | None = None


class ReleaseIn(msgspec.Struct, forbid_unknown_fields=True):
    """Why. The reason stays in the audit."""

    because: Because


class HistoryQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of a history."""

    cursor: Id | None = None
    limit: PageLimit = 50


class StandingOut(msgspec.Struct, frozen=True):
    """A status. Before `until` nobody returns; from `return_at` on a return can be confirmed."""

    status: str
    until: datetime | None
    return_at: datetime | None


class RaiseOut(msgspec.Struct, frozen=True):
    """A higher limit that can be confirmed from then on. Without an amount it is no limit at all."""

    amount: int | None
    confirm_from: datetime


class LimitOut(msgspec.Struct, frozen=True):
    """A limit that the user set, if they did, and the raise that waits, if one does."""

    measure: Measure
    period: Period
    unit: str
    amount: int | None
    waiting: RaiseOut | None


class UseOut(msgspec.Struct, frozen=True):
    """A limit with what is used of it. `holds` is the stricter of the user's own and the house's, null for none."""

    measure: Measure
    period: Period
    unit: str
    amount: int | None
    holds: int | None
    used: int
    left: int | None
    resets_at: datetime
    waiting: RaiseOut | None


class RealityOut(msgspec.Struct, frozen=True):
    """How long the user has been playing without a break, and whether to tell them now."""

    minutes: int | None
    sitting_minutes: int
    is_due: bool


class ConsentOut(msgspec.Struct, frozen=True):
    """What a user has said. An old text's yes does not count for a new one."""

    purpose: Purpose
    is_given: bool
    text_version: int
    at: datetime


class PurposeOut(msgspec.Struct, frozen=True):
    """A purpose with its current text, whether there is consent to it, and what was said last."""

    purpose: Purpose
    text_version: int
    text_en: str
    text_ko: str
    has_consent: bool
    last: ConsentOut | None


class ProtectionOut(msgspec.Struct, frozen=True):
    """All about a user's protection."""

    user_id: int
    standing: StandingOut
    limits: list[UseOut]
    reality_check: RealityOut
    consents: list[PurposeOut]


class ChangeOut(msgspec.Struct, frozen=True):
    """One change: who made it, what it was, and of what."""

    id: int
    changed_at: datetime
    changed_by: str
    change: str
    subject: str
    amount: int | None
    until: datetime | None


class ChangesPage(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` is null at the end."""

    changes: list[ChangeOut]
    next_cursor: int | None


class ConsentsPage(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` is null at the end."""

    consents: list[ConsentOut]
    next_cursor: int | None


class StatusCount(msgspec.Struct, frozen=True):
    """How many users have a status."""

    status: str
    users: int


class StatusCounts(msgspec.Struct, frozen=True):
    """Everybody else is normal."""

    counts: list[StatusCount]


def standing_out(standing: Standing) -> StandingOut:
    return StandingOut(standing.status.word, standing.until, standing.return_at)


def limit_out(held: LimitHeld) -> LimitOut:
    measure, period = held.limit
    return LimitOut(measure, period, measure.unit, held.amount, _raise_out(held.waiting))


def _raise_out(waiting: Raise | None) -> RaiseOut | None:
    return None if waiting is None else RaiseOut(waiting.amount, waiting.due_at)


def use_out(held: Protection, limit: Limit, waiting: Raise | None, *, spans: Spans) -> UseOut:
    """Minutes that have begun are used."""
    measure, period = limit
    in_use = -(-used(held.counts, limit, spans) // measure.counted_in)
    cap = cap_of(limit, held.caps, held.standing.status)
    left = None if cap is None else max(0, cap - in_use)
    resets_at = from_us(spans.ends_us[period])
    return UseOut(
        measure, period, measure.unit, held.caps.get(limit), cap, in_use, left, resets_at, _raise_out(waiting)
    )


def consent_out(consent: Consent) -> ConsentOut:
    return ConsentOut(consent.purpose, consent.is_given, consent.text_version, consent.at)


def purpose_out(purpose: Purpose, last: Consent | None) -> PurposeOut:
    text = TEXTS[purpose]
    has_consent = last is not None and last.is_given and last.text_version == text.version
    return PurposeOut(purpose, text.version, text.en, text.ko, has_consent, consent_out(last) if last else None)


def change_out(row: asyncpg.Record) -> ChangeOut:
    return ChangeOut(**dict(row))


def protection_out(
    user_id: int,
    held: Protection,
    waiting: Mapping[Limit, Raise],
    said: Mapping[Purpose, Consent],
    *,
    at_us: int,
    spans: Spans,
) -> ProtectionOut:
    """The whole of it, at an instant."""
    counts, minutes = held.counts, held.reality_minutes
    return ProtectionOut(
        user_id,
        standing_out(held.standing),
        [use_out(held, limit, waiting.get(limit), spans=spans) for limit in LIMITS],
        RealityOut(
            minutes,
            sitting_us(counts, at_us) // MINUTE_US,
            is_due(counts, minutes, seen_us=held.reality_seen_us, at_us=at_us),
        ),
        [purpose_out(purpose, said.get(purpose)) for purpose in Purpose],
    )


def counts_out(counts: Mapping[Status, int]) -> StatusCounts:
    return StatusCounts([StatusCount(status.word, users) for status, users in counts.items()])
