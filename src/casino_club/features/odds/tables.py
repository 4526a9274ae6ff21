"""The tables of this slice. What was published, promised or drawn is appended; a trigger refuses to change it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from casino_club.infra.db.tables import metadata

Instant = DateTime(timezone=True)


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _product() -> Column[str]:
    return Column("product", Text, ForeignKey("odds_products.product"), nullable=False)


def _digest() -> Column[str]:
    return Column("digest", Text, ForeignKey("odds_tables.digest"), nullable=False)


odds_products = Table(
    "odds_products",
    metadata,
    Column("product", Text, primary_key=True),
    Column("paused_at", Instant),
    Column("paused_because", Text),
    Column("watch", Integer, nullable=False, server_default=text("0")),
    Column("evidence_log10", Double, nullable=False, server_default=text("0")),
)

odds_tables = Table(
    "odds_tables",
    metadata,
    Column("digest", Text, primary_key=True),
    _product(),
    Column("canonical", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
)

odds_versions = Table(
    "odds_versions",
    metadata,
    _id(),
    _product(),
    _digest(),
    Column("drafted_by", Text, nullable=False),
    Column("drafted_at", Instant, nullable=False),
    Column("live_at", Instant),
    Column("approved_at", Instant),
    Column("live_from", Instant),
    Column("withdrawn_at", Instant),
    Index("odds_versions_live_idx", "product", "live_from", postgresql_where=text("live_from IS NOT NULL")),
    Index(
        "odds_versions_open_idx",
        "digest",
        unique=True,
        postgresql_where=text("approved_at IS NULL AND withdrawn_at IS NULL"),
    ),
)

odds_approvals = Table(
    "odds_approvals",
    metadata,
    Column("version_id", BigInteger, ForeignKey("odds_versions.id"), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("approved_at", Instant, nullable=False),
    PrimaryKeyConstraint("version_id", "user_id"),
)

odds_commitments = Table(
    "odds_commitments",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("commit_id", UUID, nullable=False, unique=True),
    Column("seed_hash", Text, nullable=False),
    Column("committed_at", Instant, nullable=False),
    Column("hash", Text, nullable=False),
)

odds_seeds = Table(
    "odds_seeds",
    metadata,
    Column("commit_id", UUID, ForeignKey("odds_commitments.commit_id"), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("next_nonce", BigInteger, nullable=False, server_default=text("1")),
    Column("revealed_at", Instant),
    Column("server_seed", LargeBinary),
    Index("odds_seeds_user_id_idx", "user_id", unique=True, postgresql_where=text("revealed_at IS NULL")),
)

# What users wrote stands apart from what was drawn, so that it can go when they go.
odds_client_seeds = Table(
    "odds_client_seeds",
    metadata,
    Column("commit_id", UUID, ForeignKey("odds_seeds.commit_id"), nullable=False),
    Column("first_nonce", BigInteger, nullable=False),
    Column("client_seed", Text, nullable=False),
    PrimaryKeyConstraint("commit_id", "first_nonce"),
)

odds_states = Table(
    "odds_states",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("product", Text, nullable=False),
    Column("state", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "product"),
)

# No foreign keys here: every draw would lock the same few rows.
odds_draws = Table(
    "odds_draws",
    metadata,
    _id(),
    Column("user_id", BigInteger, nullable=False),
    Column("product", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("commit_id", UUID, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("state", Integer, nullable=False),
    Column("next_state", Integer, nullable=False),
    Column("bets", JSONB, nullable=False),
    Column("stops", JSONB, nullable=False),
    Column("name", Text, nullable=False),
    Column("cell", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("staked", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),
    Column("drawn_at", Instant, nullable=False),
    UniqueConstraint("commit_id", "nonce"),
    Index("odds_draws_user_id_idx", "user_id", "id"),
    Index("odds_draws_product_idx", "product", "drawn_at"),
)

odds_unwatched = Table(
    "odds_unwatched",
    metadata,
    Column("draw_id", BigInteger, primary_key=True, autoincrement=False),
)

odds_counts = Table(
    "odds_counts",
    metadata,
    Column("product", Text, nullable=False),
    Column("watch", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("state", Integer, nullable=False),
    Column("cell", Text, nullable=False),
    Column("next_state", Integer, nullable=False),
    Column("is_linked", Boolean, nullable=False),
    Column("draws", BigInteger, nullable=False),
    PrimaryKeyConstraint("product", "watch", "digest", "state", "cell", "next_state", "is_linked"),
)

odds_trials = Table(
    "odds_trials",
    metadata,
    _id(),
    _product(),
    Column("challenger_id", BigInteger, ForeignKey("odds_versions.id"), nullable=False),
    Column("share_permille", Integer, nullable=False),
    Column("began_by", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index("odds_trials_running_idx", "product", unique=True, postgresql_where=text("ended_at IS NULL")),
)
