"""The tables of this slice. Rounds are never changed, nor duels that are over; triggers refuse."""

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
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
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

game_duels = Table(
    "game_duels",
    metadata,
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("duel_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("stake", BigInteger, nullable=False),
    Column("is_listed", Boolean, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("over_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("number"),
    UniqueConstraint("duel_id"),
    CheckConstraint("stake > 0", name="stakes_something"),
    CheckConstraint("(state IN ('open', 'joined', 'committed')) = (over_at IS NULL)", name="ends_at_an_end"),
    Index("game_duels_live_idx", "number", postgresql_where=text("over_at IS NULL")),
)

# A stake and what became of it. Each names the one transaction that took it.
game_duel_seats = Table(
    "game_duel_seats",
    metadata,
    Column("duel_number", BigInteger, nullable=False),
    Column("place", SmallInteger, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("commitment", Text),
    Column("admitted_at", DateTime(timezone=True)),
    Column("stake_tx_id", BigInteger),
    Column("move", Text),
    Column("salt", Text),
    Column("returned", BigInteger),
    PrimaryKeyConstraint("duel_number", "place"),
    UniqueConstraint("duel_number", "user_id"),
    UniqueConstraint("stake_tx_id"),
    ForeignKeyConstraint(["duel_number"], ["game_duels.number"]),
    ForeignKeyConstraint(["stake_tx_id"], ["ledger_txs.id"]),
    CheckConstraint("place IN (0, 1)", name="is_one_of_two"),
    CheckConstraint("(commitment IS NULL) = (stake_tx_id IS NULL)", name="commits_by_staking"),
    CheckConstraint("move IS NULL OR commitment IS NOT NULL", name="reveals_a_commitment"),
    Index("game_duel_seats_user_id_duel_number_idx", "user_id", "duel_number"),
)

game_clock = Table(
    "game_clock",
    metadata,
    Column("id", SmallInteger, autoincrement=False, nullable=False),
    Column("answered_us", BigInteger, nullable=False),
    Column("resumed_us", BigInteger, nullable=False),
    Column("beat_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("id"),
    CheckConstraint("id = 1", name="is_one"),
    postgresql_with={"fillfactor": 50},
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
