"""Exports of what is kept of a user, sealed, until they expire."""

from alembic import op

revision = "2026_11_20_exports"
down_revision = "2026_11_20_job_retries"

STATEMENTS = (
    """CREATE TABLE exports (
        id uuid NOT NULL,
        user_id bigint NOT NULL,
        state text NOT NULL,
        asked_at timestamptz NOT NULL,
        tries integer NOT NULL DEFAULT 0,
        progress text,
        error_code text,
        ready_at timestamptz,
        expires_at timestamptz,
        size_bytes bigint,
        CONSTRAINT exports_pkey PRIMARY KEY (id),
        CONSTRAINT exports_user_id_key UNIQUE (user_id),
        CONSTRAINT exports_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT exports_state_check CHECK (state IN ('asked', 'ready', 'failed')),
        CONSTRAINT exports_ready_check CHECK ((state = 'ready') = (expires_at IS NOT NULL))
    )""",
    "CREATE INDEX exports_asked_at_idx ON exports (asked_at) WHERE state = 'asked'",
    "CREATE INDEX exports_expires_at_idx ON exports (expires_at)",
    """CREATE TABLE export_parts (
        export_id uuid NOT NULL,
        place integer NOT NULL,
        sealed bytea NOT NULL,
        CONSTRAINT export_parts_pkey PRIMARY KEY (export_id, place),
        CONSTRAINT export_parts_export_id_fkey FOREIGN KEY (export_id) REFERENCES exports (id) ON DELETE CASCADE
    )""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
