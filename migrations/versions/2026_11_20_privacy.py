"""Erasures and their receipts, and whose rows the log takes no more."""

from alembic import op

revision = "2026_11_20_privacy"
down_revision = "2026_11_20_ledger"


def upgrade() -> None:
    op.execute("ALTER TABLE action_user ADD COLUMN erased_at timestamptz")
    op.execute(
        """CREATE TABLE erasures (
            id uuid NOT NULL,
            user_id bigint NOT NULL,
            state text NOT NULL,
            receipt_digest bytea,
            asked_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            row_id bigint,
            begun_at timestamptz,
            done_at timestamptz,
            noted text,
            CONSTRAINT erasures_pkey PRIMARY KEY (id),
            CONSTRAINT erasures_receipt_digest_key UNIQUE (receipt_digest),
            CONSTRAINT erasures_state_check CHECK (state IN ('asked', 'taken_back', 'begun', 'done')),
            CONSTRAINT erasures_begun_check CHECK ((state IN ('begun', 'done')) = (row_id IS NOT NULL))
        )"""
    )
    op.execute("CREATE UNIQUE INDEX erasures_user_id_key ON erasures (user_id) WHERE state <> 'taken_back'")
    op.execute("CREATE INDEX erasures_due_at_idx ON erasures (due_at) WHERE state IN ('asked', 'begun')")
    op.execute(
        """CREATE TABLE erasure_receipts (
            erasure_id uuid NOT NULL,
            store text NOT NULL,
            confirmed_at timestamptz NOT NULL,
            CONSTRAINT erasure_receipts_pkey PRIMARY KEY (erasure_id, store),
            CONSTRAINT erasure_receipts_erasure_id_fkey FOREIGN KEY (erasure_id)
                REFERENCES erasures (id) ON DELETE CASCADE
        )"""
    )
