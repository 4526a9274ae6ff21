"""The tables of this slice. Changes and consents are appended and never changed; a trigger refuses."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from casino_club.features.protection.rules.limits import LIMITS, Period
from casino_club.infra.db.tables import metadata

ZERO = text("0")

protections = Table(
    "protections",
    metadata,
    Column("user_id", BigInteger, autoincrement=False, nullable=False),
    Column("status", SmallInteger, nullable=False, server_default=ZERO),
    Column("until", DateTime(timezone=True)),
    Column("return_at", DateTime(timezone=True)),
    Column("open_status", SmallInteger, nullable=False, server_default=ZERO),
    Column("open_until", DateTime(timezone=True)),
    *(Column(f"{period}_us", BigInteger, nullable=False, server_default=ZERO) for period in Period),
    *(Column(limit.name, BigInteger, nullable=False, server_default=ZERO) for limit in LIMITS),
    *(Column(f"{limit.name}_max", BigInteger) for limit in LIMITS),
    Column("last_play_us", BigInteger, nullable=False, server_default=ZERO),
    Column("sitting_began_us", BigInteger, nullable=False, server_default=ZERO),
    Column("reality_minutes", Integer),
    Column("reality_seen_us", BigInteger, nullable=False, server_default=ZERO),
    PrimaryKeyConstraint("user_id"),
    CheckConstraint("status BETWEEN 0 AND 6 AND open_status BETWEEN 0 AND 2", name="knows_status"),
    Index("protections_status_idx", "status", postgresql_where="status > 0"),
    postgresql_with={"fillfactor": 50},
)
"""One row per user, counted in with every play, within its page. `…_max` are the limits that users set themselves."""

protection_raises = Table(
    "protection_raises",
    metadata,
    Column("user_id", BigInteger, autoincrement=False, nullable=False),
    Column("measure", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("amount", BigInteger),
    Column("due_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("user_id", "measure", "period"),
)
"""Higher limits that wait to be confirmed; without an amount, none at all."""

protection_changes = Table(
    "protection_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("amount", BigInteger),
    Column("until", DateTime(timezone=True)),
    PrimaryKeyConstraint("id"),
    Index("protection_changes_user_id_id_idx", "user_id", "id"),
)

consents = Table(
    "consents",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("is_given", Boolean, nullable=False),
    Column("text_version", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("id"),
    Index("consents_user_id_purpose_id_idx", "user_id", "purpose", "id"),
)
"""The last row of a purpose says whether there is consent."""
