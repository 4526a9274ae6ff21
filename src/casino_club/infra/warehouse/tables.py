"""Which generation of the warehouse's tables stands for what. Numbers are never used twice."""

from sqlalchemy import BigInteger, Column, DateTime, PrimaryKeyConstraint, Sequence, Table, Text

from casino_club.infra.db.tables import metadata

warehouse_numbers = Sequence("warehouse_numbers", metadata=metadata)

warehouse_generations = Table(
    "warehouse_generations",
    metadata,
    Column("projection", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("zone", Text, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("projection", "generation"),
)
