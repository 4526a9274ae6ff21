"""The table of this slice: what became of the actions of each minute."""

from sqlalchemy import BigInteger, Column, DateTime, Index, PrimaryKeyConstraint, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from casino_club.infra.db.tables import metadata

Instant = DateTime(timezone=True)

conservation_minutes = Table(
    "conservation_minutes",
    metadata,
    Column("minute", Instant, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("duplicate", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("own", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("stored_own", BigInteger, nullable=False),
    Column("kept", JSONB, nullable=False),
    Column("first_id", BigInteger),
    Column("last_id", BigInteger),
    Column("elsewhere", JSONB, nullable=False, server_default=text("'{}'")),
    Column("changed_at", Instant, nullable=False),
    Column("closed_at", Instant),
    PrimaryKeyConstraint("minute"),
    Index("conservation_minutes_open_idx", "minute", postgresql_where=text("closed_at IS NULL")),
)
