"""The tables of this slice. What was published is appended and never changed; a trigger refuses."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from casino_club.infra.db.tables import metadata

Instant = DateTime(timezone=True)

shop_catalogues = Table(
    "shop_catalogues",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("canonical", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
)

shop_versions = Table(
    "shop_versions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("digest", Text, ForeignKey("shop_catalogues.digest"), nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("drafted_at", Instant, nullable=False),
    Column("live_at", Instant, nullable=False),
    Column("approved_at", Instant),
    Column("live_from", Instant),
    Column("withdrawn_at", Instant),
    Index("shop_versions_live_idx", "live_from", postgresql_where=text("live_from IS NOT NULL")),
    Index(
        "shop_versions_open_idx",
        "digest",
        unique=True,
        postgresql_where=text("approved_at IS NULL AND withdrawn_at IS NULL"),
    ),
)

shop_approvals = Table(
    "shop_approvals",
    metadata,
    Column("version_id", BigInteger, ForeignKey("shop_versions.id"), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("approved_at", Instant, nullable=False),
    PrimaryKeyConstraint("version_id", "user_id"),
)

shop_transactions = Table(
    "shop_transactions",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("purchase_key", Uuid, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price_in_gems", BigInteger),
    Column("price_krw", BigInteger),
    Column("payment_method", Text, nullable=False),
    Column("timestamp", Instant, nullable=False),
    Column("catalogue", Text, nullable=False),
    Column("payment_key", Uuid, nullable=False),
    Column("paid_gems", BigInteger, nullable=False),
    Column("cash_tokens", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("admitted_at", Instant, nullable=False),
    Column("is_counted", Boolean, nullable=False),
    Column("has_goods", Boolean, nullable=False),
    Column("settled_at", Instant),
    Column("refunded_krw", BigInteger, nullable=False),
    Column("refund_because", Text),
    Column("looks", Integer, nullable=False),
    Column("look_at", Instant),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("user_id", "purchase_key"),
    UniqueConstraint("payment_key"),
    CheckConstraint("quantity > 0", name="buys_something"),
    CheckConstraint("num_nonnulls(price_in_gems, price_krw) = 1", name="has_one_price"),
    CheckConstraint("refunded_krw BETWEEN 0 AND coalesce(price_krw, 0)", name="refunds_what_was_paid"),
    CheckConstraint("state NOT IN ('settled') OR (settled_at IS NOT NULL AND is_counted)", name="is_settled_whole"),
    Index("shop_transactions_user_id_id_idx", "user_id", "id"),
    Index("shop_transactions_bought_idx", "user_id", "item_id", postgresql_where=text("is_counted")),
    Index("shop_transactions_look_at_idx", "look_at", postgresql_where=text("look_at IS NOT NULL")),
)
"""The id is ours, the key is the user's own, and the payment's key is what the provider knows it by."""

shop_stocks = Table(
    "shop_stocks",
    metadata,
    Column("item_id", Text, primary_key=True),
    Column("taken", BigInteger, nullable=False),
    CheckConstraint("taken >= 0", name="none_below_zero"),
)
"""How many are taken of what there is a stock of."""
