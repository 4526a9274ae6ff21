"""Deeds in the order in which they became true, without gaps. A trigger of the migration refuses every change."""

from sqlalchemy import BigInteger, Column, DateTime, Index, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from casino_club.infra.db.tables import metadata

deeds = Table(
    "deeds",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("session_id", BigInteger, nullable=False),
    Column("verb", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("arguments", JSONB, nullable=False),
    Column("refused_as", Text),
    Column("request_id", Text),
    Column("hash", LargeBinary, nullable=False),
    Index("deeds_actor_id_idx", "actor", "id"),
    Index("deeds_target_id_idx", "target", "id"),
)
