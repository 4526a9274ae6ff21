"""Runs of jobs that failed and rest until they are tried again."""

from alembic import op

revision = "2026_11_20_job_retries"
down_revision = "2026_11_20_warehouse"


def upgrade() -> None:
    op.execute("ALTER TABLE job_runs ADD COLUMN failures integer NOT NULL DEFAULT 0, ADD COLUMN not_before timestamptz")
