"""Runs of jobs, and how far each job's timetable is written."""

from alembic import op

revision = "2026_11_20_jobs"
down_revision = "2026_11_20_identity"

STATEMENTS = (
    """CREATE TABLE job_timetables (
        job text NOT NULL,
        filled_to timestamptz NOT NULL,
        paused_at timestamptz,
        CONSTRAINT job_timetables_pkey PRIMARY KEY (job)
    )""",
    """CREATE TABLE job_runs (
        id bigint GENERATED ALWAYS AS IDENTITY,
        job text NOT NULL,
        due_at timestamptz NOT NULL,
        is_asked boolean NOT NULL,
        state text NOT NULL DEFAULT 'due',
        wanted_at timestamptz NOT NULL,
        sent_at timestamptz,
        sends integer NOT NULL DEFAULT 0,
        attempt integer NOT NULL DEFAULT 0,
        setbacks integer NOT NULL DEFAULT 0,
        started_at timestamptz,
        lease_until timestamptz,
        finished_at timestamptz,
        progress text,
        error_code text,
        CONSTRAINT job_runs_pkey PRIMARY KEY (id),
        CONSTRAINT job_runs_job_due_at_key UNIQUE (job, due_at),
        CONSTRAINT job_runs_state_check CHECK (state IN ('due', 'running', 'done', 'failed'))
    )""",
    "CREATE UNIQUE INDEX job_runs_running_key ON job_runs (job) WHERE state = 'running'",
    "CREATE INDEX job_runs_waiting_idx ON job_runs (job, wanted_at) WHERE state IN ('due', 'running')",
    "CREATE INDEX job_runs_finished_at_idx ON job_runs (finished_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
