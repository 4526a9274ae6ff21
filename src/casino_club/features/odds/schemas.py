"""Shapes of requests and answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from casino_club.features.odds.commands.reads import Observed, Published
from casino_club.features.odds.commands.seeds import Revealed
from casino_club.features.odds.commands.trials import Compared
from casino_club.features.odds.rules.disclosure import Disclosure, Exact, exactly
from casino_club.features.odds.rules.outcomes import Bet
from casino_club.features.odds.rules.seeds import CLIENT_SEED
from casino_club.features.odds.rules.versions import Version
from casino_club.features.odds.store.draws import KeptDraw
from casino_club.features.odds.store.seeds import Commitment, Seed
from casino_club.features.odds.store.trials import Trial
from casino_club.infra.http.routes import Id

PAGE_ROWS_MAX = 200

Product = Annotated[str, Meta(min_length=1, max_length=40)]
ClientSeed = Annotated[str, Meta(pattern=CLIENT_SEED, max_length=64)]
Limit = Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)]
Sentence = Annotated[str, Meta(min_length=3, max_length=200)]


class ProductOut(msgspec.Struct, frozen=True):
    """A product of which something is live."""

    product: str
    digest: str
    live_from: datetime
    is_paused: bool


class ProductsOut(msgspec.Struct, frozen=True):
    """All of them, by name."""

    products: list[ProductOut]


class OddsOut(msgspec.Struct, frozen=True):
    """What a product draws from. While a trial runs, so many users of a thousand draw from the challenger."""

    product: str
    live_from: datetime
    paused_at: datetime | None
    paused_because: str | None
    odds: Disclosure
    challenger: Disclosure | None
    challenger_permille: int | None


class VersionOut(msgspec.Struct, frozen=True):
    """A table that was live, is, or may become so."""

    id: int
    product: str
    digest: str
    drafted_at: datetime
    live_at: datetime | None
    approved_at: datetime | None
    live_from: datetime | None
    withdrawn_at: datetime | None
    approvals: int


class HistoryOut(msgspec.Struct, frozen=True):
    """All that was ever live of a product, the latest first. What shipped with the platform has no approvals."""

    product: str
    versions: list[VersionOut]


class ObservedCell(msgspec.Struct, frozen=True):
    """How often a cell came at these states. The interval has 99% confidence, however often one looks."""

    first: int
    last: int
    cell: str
    declared: Exact
    draws: int
    came: int
    low: float
    high: float


class ObservedOut(msgspec.Struct, frozen=True):
    """What was drawn since the watch began, beside what is declared. `evidence_log10` of 6 lets the product rest."""

    product: str
    digest: str
    draws: int
    evidence_log10: float
    paused_because: str | None
    cells: list[ObservedCell]


class TrialIn(msgspec.Struct, forbid_unknown_fields=True):
    """Which approved version so many users of a thousand shall draw from."""

    version_id: Id
    share_permille: Annotated[int, Meta(ge=1, le=999)]


class TrialOut(msgspec.Struct, frozen=True):
    """A trial of a challenger beside the live table."""

    id: int
    product: str
    challenger: str
    share_permille: int
    began_at: datetime
    ended_at: datetime | None


class FigureOut(msgspec.Struct, frozen=True):
    """A figure per user: means of both sides, and by how much the challenger's is higher, with 95% confidence."""

    figure: str
    live_users: int
    live_mean: float
    challenger_users: int
    challenger_mean: float
    difference: float
    low: float | None
    high: float | None


class ComparedOut(msgspec.Struct, frozen=True):
    """A trial and its figures. Users who drew nothing are on neither side."""

    trial: TrialOut
    figures: list[FigureOut]


class VersionsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which versions."""

    product: Product | None = None
    cursor: Id | None = None
    limit: Limit = 50


class VersionsPage(msgspec.Struct, frozen=True):
    """Versions, the newest first."""

    versions: list[VersionOut]
    next_cursor: int | None


class DraftIn(msgspec.Struct, forbid_unknown_fields=True):
    """A table that somebody proposes. Without `live_at` it is for trials beside the live one."""

    table: msgspec.Raw
    live_at: Annotated[datetime, Meta(tz=True)] | None = None


class DraftOut(msgspec.Struct, frozen=True):
    """A draft, with all that would be published of it."""

    version: VersionOut
    odds: Disclosure


class ReasonIn(msgspec.Struct, forbid_unknown_fields=True):
    """Why something is done, for those who look later."""

    because: Sentence


class SeedOut(msgspec.Struct, frozen=True):
    """What is promised to a user. Compare `seed_hash` with the public list before you choose a client seed."""

    commit_id: str
    sequence: int
    seed_hash: str
    client_seed: str | None
    next_nonce: int


class ClientSeedIn(msgspec.Struct, forbid_unknown_fields=True):
    """The user's own part of the chance."""

    client_seed: ClientSeed


class RotatedOut(msgspec.Struct, frozen=True):
    """The seed that is over, and the one that follows it."""

    revealed: Revealed
    seed: SeedOut


class CommitmentsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of the list."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    limit: Limit = 100


class CommitmentOut(msgspec.Struct, frozen=True):
    """One promise. Its hash is computed from it and from the hash before."""

    sequence: int
    commit_id: str
    seed_hash: str
    committed_at: datetime
    hash: str


class CommitmentsPage(msgspec.Struct, frozen=True):
    """Promises, the oldest first."""

    commitments: list[CommitmentOut]
    next_after: int | None


class DrawsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which draws."""

    cursor: Id | None = None
    limit: Limit = 50


class DrawOut(msgspec.Struct, frozen=True):
    """One of a user's own draws."""

    id: int
    product: str
    digest: str
    commit_id: str
    nonce: int
    client_seed: str | None
    state: int
    bets: Sequence[Bet]
    name: str
    currency: str
    staked: int
    returned: int
    drawn_at: datetime


class DrawsPage(msgspec.Struct, frozen=True):
    """Draws, the latest first."""

    draws: list[DrawOut]
    next_cursor: int | None


def odds_out(page: Published) -> OddsOut:
    live = page.live
    return OddsOut(
        live.product,
        live.live_from,
        live.paused_at,
        live.paused_because,
        page.odds,
        page.challenger,
        live.share_permille,
    )


def observed_out(page: Observed) -> ObservedOut:
    cells = [
        ObservedCell(each.first, each.last, each.cell, exactly(each.declared), each.draws, each.came, *each.interval)
        for each in page.seen
    ]
    live = page.live
    return ObservedOut(live.product, live.digest, page.draws, live.evidence_log10, live.paused_because, cells)


def trial_out(trial: Trial) -> TrialOut:
    return msgspec.convert(trial, TrialOut, from_attributes=True)


def compared_out(trial: Trial, compared: Sequence[Compared]) -> ComparedOut:
    figures = [
        FigureOut(
            each.figure,
            each.live.users,
            each.live.mean,
            each.challenger.users,
            each.challenger.mean,
            each.difference.mean,
            each.difference.low,
            each.difference.high,
        )
        for each in compared
    ]
    return ComparedOut(trial_out(trial), figures)


def version_out(version: Version) -> VersionOut:
    return VersionOut(
        version.id,
        version.product,
        version.digest,
        version.drafted_at,
        version.live_at,
        version.approved_at,
        version.live_from,
        version.withdrawn_at,
        len(version.approved_by),
    )


def seed_out(seed: Seed) -> SeedOut:
    return SeedOut(str(seed.commit_id), seed.sequence, seed.seed_hash, seed.client_seed, seed.next_nonce)


def commitment_out(entry: Commitment) -> CommitmentOut:
    return CommitmentOut(entry.sequence, str(entry.commit_id), entry.seed_hash, entry.committed_at, entry.hash)


def draw_out(draw: KeptDraw) -> DrawOut:
    fields: dict[str, Any] = {name: getattr(draw, name) for name in DrawOut.__struct_fields__}
    return DrawOut(**{**fields, "commit_id": str(draw.commit_id)})
