"""The tables of this slice. Rounds are appended and never changed; a trigger refuses."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from casino_club.infra.db.tables import metadata

# Each round names the one draw and the one transaction that it is made of, and neither belongs to another.
game_rounds = Table(
    "game_rounds",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("round_id", Uuid, nullable=False),
    Column("game", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("bets", JSONB, nullable=False),
    Column("staked", BigInteger, nullable=False),
    Column("won", BigInteger, nullable=False),
    Column("came", Text, nullable=False),
    Column("draw_id", BigInteger, nullable=False),
    Column("tx_id", BigInteger, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("balance_after", BigInteger, nullable=False),
    Column("played_at", DateTime(timezone=True), nullable=False),
    Column("hidden", Text),
    Column("salt", Text),
    Column("bonus", JSONB),
    Column("is_free", Boolean, nullable=False, server_default="false"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("user_id", "round_id"),
    UniqueConstraint("draw_id"),
    UniqueConstraint("tx_id"),
    ForeignKeyConstraint(["draw_id"], ["odds_draws.id"]),
    ForeignKeyConstraint(["tx_id"], ["ledger_txs.id"]),
    CheckConstraint("(staked > 0) <> is_free AND won >= 0", name="stakes_something_unless_free"),
    Index("game_rounds_user_id_id_idx", "user_id", "id"),
    Index("game_rounds_product_id_idx", "product", "id"),
)

game_standings = Table(
    "game_standings",
    metadata,
    Column("user_id", BigInteger, autoincrement=False, nullable=False),
    Column("next_play_at", DateTime(timezone=True)),
    Column("free_coins_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("user_id"),
    postgresql_with={"fillfactor": 50},
)
