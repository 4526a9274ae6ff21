"""The tables of this slice. What was given stays in `user_rewards`; the others say what is left of it."""

from sqlalchemy import (
    BigInteger,
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
    Uuid,
)

from casino_club.infra.db.tables import metadata

user_rewards = Table(
    "user_rewards",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("reward_type", Text, nullable=False),
    Column("reward_value", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cause", Uuid, nullable=False),
    Column("awarded_at", DateTime(timezone=True), nullable=False),
    Column("trigger_action_id", BigInteger),
    PrimaryKeyConstraint("id"),
    CheckConstraint("reward_value > 0", name="gives_something"),
    Index("user_rewards_cause_idx", "cause", "reason", unique=True),
    Index("user_rewards_user_id_id_idx", "user_id", "id"),
)

user_badges = Table(
    "user_badges",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("badge", Text, nullable=False),
    Column("awarded_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("user_id", "badge"),
)

coupons = Table(
    "coupons",
    metadata,
    Column("reward_id", BigInteger, autoincrement=False, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("coupon", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Column("expired_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("reward_id"),
    ForeignKeyConstraint(["reward_id"], ["user_rewards.id"]),
    CheckConstraint("used_at IS NULL OR expired_at IS NULL", name="ends_one_way"),
    Index("coupons_open_idx", "expires_at", "reward_id", postgresql_where="used_at IS NULL AND expired_at IS NULL"),
    Index("coupons_user_id_idx", "user_id", "reward_id"),
)

free_spins = Table(
    "free_spins",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("game", Text, nullable=False),
    Column("spins", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "game"),
    CheckConstraint("spins >= 0", name="none_below_zero"),
)
"""Without a game they are for any."""

reward_proposals = Table(
    "reward_proposals",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("key", Uuid, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("reward_type", Text, nullable=False),
    Column("reward_value", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("proposed_by", BigInteger, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("settled_by", BigInteger),
    Column("settled_at", DateTime(timezone=True)),
    Column("reward_id", BigInteger),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["reward_id"], ["user_rewards.id"]),
    CheckConstraint("(settled_by IS NULL) = (settled_at IS NULL)", name="is_settled_whole"),
    Index("reward_proposals_key_idx", "proposed_by", "key", unique=True),
)
"""Settled with a reward they were carried out, without one withdrawn."""

bonus_terms = Table(
    "bonus_terms",
    metadata,
    Column("user_id", BigInteger, autoincrement=False, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("risk", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("user_id"),
)
"""What slices above have handed down of a user, for the bonus draw."""
