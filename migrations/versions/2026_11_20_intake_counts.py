"""What each transaction of the intake settled, and in which transaction an action was refused."""

from alembic import op

revision = "2026_11_20_intake_counts"
down_revision = "2026_11_20_topics"

STATEMENTS = (
    """CREATE TABLE intake_counts (
        xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
        minute timestamptz NOT NULL,
        received integer NOT NULL,
        accepted integer NOT NULL,
        duplicate integer NOT NULL,
        refused integer NOT NULL,
        own integer NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)""",
    "ALTER TABLE refused_actions ADD COLUMN xact xid8 NOT NULL DEFAULT pg_current_xact_id()",
    "CREATE INDEX refused_actions_xact_idx ON refused_actions (xact)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
