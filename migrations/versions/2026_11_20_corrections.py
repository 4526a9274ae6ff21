"""Corrections of the ledger: proposed by one person, and carried out by another if they are large."""

from alembic import op

revision = "2026_11_20_corrections"
down_revision = "2026_11_20_odds_watch"

STATEMENTS = (
    """CREATE TABLE ledger_corrections (
        id bigint GENERATED ALWAYS AS IDENTITY,
        tx_id bigint NOT NULL,
        because text NOT NULL,
        largest_amount bigint NOT NULL,
        proposed_by bigint NOT NULL,
        proposed_at timestamptz NOT NULL,
        settled_by bigint,
        settled_at timestamptz,
        correction_tx_id bigint,
        CONSTRAINT ledger_corrections_pkey PRIMARY KEY (id),
        CONSTRAINT ledger_corrections_tx_id_fkey FOREIGN KEY(tx_id) REFERENCES ledger_txs (id),
        CONSTRAINT ledger_corrections_is_settled_whole_check CHECK ((settled_by IS NULL) = (settled_at IS NULL))
    )""",
    "CREATE UNIQUE INDEX ledger_corrections_open_idx ON ledger_corrections (tx_id) WHERE settled_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
