"""The tables of this slice. Openings are appended and never changed; a trigger refuses."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from casino_club.infra.db.tables import metadata

# The result is what the best pull gave; all of them stand in `pulls`, each with its draw.
gacha_log = Table(
    "gacha_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("spin_count", SmallInteger, nullable=False),
    Column("result_type", Text, nullable=False),
    Column("result_value", BigInteger, nullable=False),
    Column("timestamp", DateTime(timezone=True), nullable=False),
    Column("spin_id", Uuid, nullable=False),
    Column("product", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("price_gems", BigInteger, nullable=False),
    Column("paid_gems", BigInteger, nullable=False),
    Column("balance_after", BigInteger, nullable=False),
    Column("pulls", JSONB, nullable=False),
    Column("tx_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("user_id", "spin_id"),
    UniqueConstraint("tx_id"),
    ForeignKeyConstraint(["tx_id"], ["ledger_txs.id"]),
    CheckConstraint("spin_count BETWEEN 1 AND 10", name="has_pulls"),
    CheckConstraint("price_gems > 0 AND paid_gems BETWEEN 0 AND price_gems", name="costs_gems"),
    Index("gacha_log_user_id_id_idx", "user_id", "id"),
)

gacha_standings = Table(
    "gacha_standings",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("product", Text, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("next_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("user_id", "product"),
    postgresql_with={"fillfactor": 50},
)

# How many users opened what on each of the operator's days, in stripes, so that no row is hot.
gacha_days = Table(
    "gacha_days",
    metadata,
    Column("day", Date, nullable=False),
    Column("product", Text, nullable=False),
    Column("stripe", SmallInteger, nullable=False),
    Column("users", Integer, nullable=False),
    PrimaryKeyConstraint("day", "product", "stripe"),
    postgresql_with={"fillfactor": 50},
)
