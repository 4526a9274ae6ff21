"""The tables of this slice: the log, the keys that make it idempotent, users' standing, refused input, and counts."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

from casino_club.infra.db.tables import metadata


class Xid8(UserDefinedType[int]):
    """A transaction's number, 64 bits wide: it never wraps."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


Instant = DateTime(timezone=True)

action_ids = Sequence("action_ids", cache=1, metadata=metadata)

user_actions = Table(
    "user_actions",
    metadata,
    Column("id", BigInteger, autoincrement=False, nullable=False),
    Column("xact", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("appended_at", Instant, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("scope", Integer, nullable=False),
    Column("client_action_id", Uuid),
    Column("action_type", Text, nullable=False),
    Column("value", BigInteger),
    Column("metadata", JSONB, nullable=False),
    Column("action_timestamp", Instant, nullable=False),
    Column("round_id", Uuid),
    Column("is_play", Boolean, nullable=False),
    Column("by_user", Boolean, nullable=False),
    Column("streak", Integer, nullable=False),
    Column("day_plays", Integer, nullable=False),
    Column("last_play_at", Instant),
    Column("last_action_at", Instant, nullable=False),
    PrimaryKeyConstraint("id"),
    Index("user_actions_xact_id_idx", "xact", "id"),
    Index("user_actions_user_id_id_idx", "user_id", "id"),
    postgresql_partition_by="RANGE (id)",
)

action_keys = Table(
    "action_keys",
    metadata,
    Column("id", BigInteger, nullable=False),
    Column("scope", Integer, nullable=False),
    Column("key", Uuid, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("scope", "key"),
)

action_user = Table(
    "action_user",
    metadata,
    Column("user_id", BigInteger, autoincrement=False, nullable=False),
    Column("last_play_us", BigInteger, nullable=False, server_default=text("0")),
    Column("last_action_us", BigInteger, nullable=False, server_default=text("0")),
    Column("streak", Integer, nullable=False, server_default=text("0")),
    Column("day_plays", Integer, nullable=False, server_default=text("0")),
    Column("erased_at", Instant),
    PrimaryKeyConstraint("user_id"),
    postgresql_with={"fillfactor": 70},
)

refused_actions = Table(
    "refused_actions",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("scope", Integer, nullable=False),
    Column("sender_user_id", BigInteger),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'open'")),
    Column("action_id", BigInteger),
    Column("settled_at", Instant),
    Column("xact", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    PrimaryKeyConstraint("id"),
    CheckConstraint("status IN ('open', 'replayed', 'dismissed')", name="status"),
    Index("refused_actions_status_id_idx", "status", "id"),
    Index("refused_actions_xact_idx", "xact"),
)

intake_counts = Table(
    "intake_counts",
    metadata,
    Column("xact", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("minute", Instant, nullable=False),
    Column("received", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("duplicate", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("own", Integer, nullable=False),
    postgresql_with={"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 20_000},
)
"""What each transaction settled, until it is added up by minute."""
