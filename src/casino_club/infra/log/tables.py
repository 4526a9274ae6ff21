"""What readers of the log remember: positions, rows that were parked, the cluster the log was born in; and imports."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from casino_club.infra.db.tables import metadata

Instant = DateTime(timezone=True)

log_positions = Table(
    "log_positions",
    metadata,
    Column("consumer", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("delivered", Text, nullable=False),
    Column("delivering", Text),
    Column("last_id", BigInteger, nullable=False),
    Column("carry_to", BigInteger),
    Column("moves", BigInteger, nullable=False),
    Column("moved_at", Instant, nullable=False),
    Column("judged_id", BigInteger),
    Column("judged_to", BigInteger),
    Column("topic", JSONB),
    PrimaryKeyConstraint("consumer", "generation"),
)

parked_rows = Table(
    "parked_rows",
    metadata,
    Column("consumer", Text, nullable=False),
    Column("action_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", Instant, nullable=False),
    PrimaryKeyConstraint("consumer", "action_id"),
)

warehouse_pending = Table(
    "warehouse_pending",
    metadata,
    Column("consumer", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("token", Text, nullable=False),
    Column("first_ids", ARRAY(BigInteger), nullable=False),
    Column("last_ids", ARRAY(BigInteger), nullable=False),
    Column("after", JSONB, nullable=False),
    PrimaryKeyConstraint("consumer", "generation"),
)

log_origin = Table(
    "log_origin",
    metadata,
    Column("system_identifier", BigInteger, autoincrement=False, nullable=False),
    Column("floor_id", BigInteger, nullable=False),
    Column("snapshot", Text, nullable=False),
    PrimaryKeyConstraint("system_identifier"),
)

detached_partitions = Table(
    "detached_partitions",
    metadata,
    Column("name", Text, nullable=False),
    Column("first_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("file", Text, nullable=False),
    Column("detached_at", Instant, nullable=False),
    PrimaryKeyConstraint("name"),
)

imports = Table(
    "imports",
    metadata,
    Column("id", Integer, Identity(always=True), nullable=False),
    Column("namespace", Integer, nullable=False),
    Column("file_digest", LargeBinary, nullable=False),
    Column("mapping_digest", LargeBinary, nullable=False),
    Column("file", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("refused_bytes", BigInteger, nullable=False),
    Column("report", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("moved_at", Instant, nullable=False),
    Column("ended_at", Instant),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("namespace", "file_digest"),
)
