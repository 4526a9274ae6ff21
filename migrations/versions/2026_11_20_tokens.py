"""Tokens reconciled: by night, by user, by day."""

from alembic import op

revision = "2026_11_20_tokens"
down_revision = "2026_11_20_protection"

STATEMENTS = (
    """CREATE TABLE token_reconciliations (
        id bigint NOT NULL,
        began_at timestamptz NOT NULL,
        finished_at timestamptz,
        users bigint NOT NULL,
        previous bigint NOT NULL,
        earned bigint NOT NULL,
        spent bigint NOT NULL,
        corrected bigint NOT NULL,
        balance bigint NOT NULL,
        differing bigint NOT NULL,
        examples text[] NOT NULL,
        CONSTRAINT token_reconciliations_pkey PRIMARY KEY (id)
    )""",
    """CREATE TABLE token_standings (
        user_id bigint NOT NULL,
        balance bigint NOT NULL,
        told_balance bigint NOT NULL,
        tx_id bigint NOT NULL,
        action_id bigint NOT NULL,
        CONSTRAINT token_standings_pkey PRIMARY KEY (user_id)
    )""",
    """CREATE TABLE token_days (
        day date NOT NULL,
        earned_partner bigint NOT NULL,
        earned_app bigint NOT NULL,
        earned_cash bigint NOT NULL,
        spent bigint NOT NULL,
        spent_partner bigint NOT NULL,
        taken_back_partner bigint NOT NULL,
        CONSTRAINT token_days_pkey PRIMARY KEY (day)
    )""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
