"""The tables of this slice. Transactions and entries are appended and never changed; a trigger refuses."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from casino_club.infra.db.tables import metadata

ledger_tx_ids = Sequence("ledger_tx_ids", cache=1, metadata=metadata)

ledger_accounts = Table(
    "ledger_accounts",
    metadata,
    Column("id", BigInteger, autoincrement=False, nullable=False),
    Column("balance", BigInteger, nullable=False),
    PrimaryKeyConstraint("id"),
    CheckConstraint("id < 0 OR balance >= 0", name="no_user_below_zero"),
    postgresql_with={"fillfactor": 50},
)
"""Numbered as in `rules/accounts.py`. Rows change with every transaction, within their page."""

ledger_txs = Table(
    "ledger_txs",
    metadata,
    Column("id", BigInteger, autoincrement=False, nullable=False),
    Column("idem_scope", Text, nullable=False),
    Column("idem_key", Uuid, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("posted_at", DateTime(timezone=True), nullable=False),
    Column("corrects", BigInteger),
    PrimaryKeyConstraint("id"),
    Index("ledger_txs_key_idx", "idem_scope", "idem_key", unique=True),
    Index("ledger_txs_user_id_id_idx", "user_id", "id"),
    Index("ledger_txs_corrects_idx", "corrects", unique=True),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("tx_id", BigInteger, nullable=False),
    Column("place", SmallInteger, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger),
    Column("amount", BigInteger, nullable=False),
    Column("balance_after", BigInteger),
    PrimaryKeyConstraint("tx_id", "place"),
    CheckConstraint("amount <> 0", name="moves_something"),
    CheckConstraint("(account_id > 0) = (balance_after IS NOT NULL)", name="users_see_balance"),
)

ledger_lots = Table(
    "ledger_lots",
    metadata,
    Column("id", BigInteger, autoincrement=False, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("pocket", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    PrimaryKeyConstraint("id"),
    CheckConstraint("remaining BETWEEN 0 AND amount", name="spends_what_came"),
    Index("ledger_lots_open_idx", "user_id", "id", postgresql_where="remaining > 0"),
    Index("ledger_lots_user_id_origin_idx", "user_id", "origin"),
    postgresql_with={"fillfactor": 70},
)

ledger_corrections = Table(
    "ledger_corrections",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("tx_id", BigInteger, nullable=False),
    Column("because", Text, nullable=False),
    Column("largest_amount", BigInteger, nullable=False),
    Column("proposed_by", BigInteger, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("settled_by", BigInteger),
    Column("settled_at", DateTime(timezone=True)),
    Column("correction_tx_id", BigInteger),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["tx_id"], ["ledger_txs.id"]),
    CheckConstraint("(settled_by IS NULL) = (settled_at IS NULL)", name="is_settled_whole"),
    Index("ledger_corrections_open_idx", "tx_id", unique=True, postgresql_where="settled_at IS NULL"),
)
"""Settled with a transaction they were carried out, without one withdrawn."""

ledger_checks = Table(
    "ledger_checks",
    metadata,
    Column("id", BigInteger, autoincrement=False, nullable=False),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("last_tx_id", BigInteger, nullable=False),
    Column("txs", BigInteger, nullable=False),
    Column("users", BigInteger, nullable=False),
    PrimaryKeyConstraint("id"),
)
"""Numbered as the runs of the job that made them."""

ledger_violations = Table(
    "ledger_violations",
    metadata,
    Column("check_id", BigInteger, nullable=False),
    Column("invariant", Text, nullable=False),
    Column("times", BigInteger, nullable=False),
    Column("examples", ARRAY(Text), nullable=False),
    PrimaryKeyConstraint("check_id", "invariant"),
    ForeignKeyConstraint(["check_id"], ["ledger_checks.id"]),
)

token_reconciliations = Table(
    "token_reconciliations",
    metadata,
    Column("id", BigInteger, autoincrement=False, nullable=False),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("users", "previous", "earned", "spent", "corrected", "balance", "differing")
    ),
    Column("examples", ARRAY(Text), nullable=False),
    PrimaryKeyConstraint("id"),
)
"""Numbered as the runs of the job that made them."""

token_standings = Table(
    "token_standings",
    metadata,
    *(
        Column(name, BigInteger, autoincrement=False, nullable=False)
        for name in ("user_id", "balance", "told_balance", "tx_id", "action_id")
    ),
    PrimaryKeyConstraint("user_id"),
)
"""Where each user's last reconciliation ended."""

token_days = Table(
    "token_days",
    metadata,
    Column("day", Date, nullable=False),
    *(
        Column(name, BigInteger, nullable=False)
        for name in (
            *("earned_partner", "earned_app", "earned_cash"),
            *("spent", "spent_partner", "taken_back_partner"),
        )
    ),
    PrimaryKeyConstraint("day"),
)
"""What became of everybody's tokens, as far as they are reconciled."""
