"""What became of the actions of each minute."""

from alembic import op

revision = "2026_11_20_conservation"
down_revision = "2026_11_20_odds"

STATEMENTS = (
    """CREATE TABLE conservation_minutes (
        minute timestamptz NOT NULL,
        received bigint NOT NULL,
        accepted bigint NOT NULL,
        duplicate bigint NOT NULL,
        refused bigint NOT NULL,
        own bigint NOT NULL,
        stored bigint NOT NULL,
        stored_own bigint NOT NULL,
        kept jsonb NOT NULL,
        first_id bigint,
        last_id bigint,
        elsewhere jsonb NOT NULL DEFAULT '{}',
        changed_at timestamptz NOT NULL,
        closed_at timestamptz,
        CONSTRAINT conservation_minutes_pkey PRIMARY KEY (minute)
    )""",
    "CREATE INDEX conservation_minutes_open_idx ON conservation_minutes (minute) WHERE closed_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
