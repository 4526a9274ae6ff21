"""The tables of this slice. They know users by number; nothing in them is personal but what an export holds, sealed."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from casino_club.infra.db.tables import metadata

Instant = DateTime(timezone=True)

erasures = Table(
    "erasures",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("receipt_digest", LargeBinary, unique=True),
    Column("asked_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("row_id", BigInteger),
    Column("begun_at", Instant),
    Column("done_at", Instant),
    Column("noted", Text),
    CheckConstraint("state IN ('asked', 'taken_back', 'begun', 'done')", name="state"),
    CheckConstraint("(state IN ('begun', 'done')) = (row_id IS NOT NULL)", name="begun"),
    # A user is erased once; who takes it back may ask again.
    Index("erasures_user_id_key", "user_id", unique=True, postgresql_where=text("state <> 'taken_back'")),
    Index("erasures_due_at_idx", "due_at", postgresql_where=text("state IN ('asked', 'begun')")),
)

erasure_receipts = Table(
    "erasure_receipts",
    metadata,
    Column("erasure_id", Uuid, ForeignKey("erasures.id", ondelete="CASCADE"), nullable=False),
    Column("store", Text, nullable=False),
    Column("confirmed_at", Instant, nullable=False),
    PrimaryKeyConstraint("erasure_id", "store"),
)

exports = Table(
    "exports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("progress", Text),
    Column("error_code", Text),
    Column("ready_at", Instant),
    Column("expires_at", Instant),
    Column("size_bytes", BigInteger),
    CheckConstraint("state IN ('asked', 'ready', 'failed')", name="state"),
    CheckConstraint("(state = 'ready') = (expires_at IS NOT NULL)", name="ready"),
    Index("exports_asked_at_idx", "asked_at", postgresql_where=text("state = 'asked'")),
    Index("exports_expires_at_idx", "expires_at"),
)

export_parts = Table(
    "export_parts",
    metadata,
    Column("export_id", Uuid, ForeignKey("exports.id", ondelete="CASCADE"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("export_id", "place"),
)
"""The archive, in parts that are sealed under its user's data key."""
