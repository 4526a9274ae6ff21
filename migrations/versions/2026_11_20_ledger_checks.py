"""What the nightly check of the ledger finds."""

from alembic import op

revision = "2026_11_20_ledger_checks"
down_revision = "2026_11_20_corrections"

STATEMENTS = (
    """CREATE TABLE ledger_checks (
        id bigint NOT NULL,
        began_at timestamptz NOT NULL,
        finished_at timestamptz,
        last_tx_id bigint NOT NULL,
        txs bigint NOT NULL,
        users bigint NOT NULL,
        CONSTRAINT ledger_checks_pkey PRIMARY KEY (id)
    )""",
    """CREATE TABLE ledger_violations (
        check_id bigint NOT NULL,
        invariant text NOT NULL,
        times bigint NOT NULL,
        examples text[] NOT NULL,
        CONSTRAINT ledger_violations_pkey PRIMARY KEY (check_id, invariant),
        CONSTRAINT ledger_violations_check_id_fkey FOREIGN KEY(check_id) REFERENCES ledger_checks (id)
    )""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
