"""Keys of programs that may call. Only a digest of each secret is kept; a revoked key stays as a record."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from casino_club.infra.db.tables import metadata

service_keys = Table(
    "service_keys",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("namespace", Integer, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    # 0 is the platform itself, 1 is users; what lies below 100 stays ours.
    CheckConstraint("namespace >= 100", name="namespace"),
    Index("service_keys_live_name_key", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
    Index("service_keys_namespace_idx", "namespace"),
)
