"""Logins by identity providers: who is linked with whom, what is under way, and users without a password of ours."""

from alembic import op

revision = "2026_11_20_identity_providers"
down_revision = "2026_11_20_imports"

STATEMENTS = (
    "ALTER TABLE credentials ALTER COLUMN email_hash DROP NOT NULL, ALTER COLUMN password_hash DROP NOT NULL",
    """CREATE TABLE identity_links (
        issuer text NOT NULL,
        subject_hash bytea NOT NULL,
        user_id bigint NOT NULL,
        linked_at timestamptz NOT NULL,
        CONSTRAINT identity_links_pkey PRIMARY KEY (issuer, subject_hash),
        CONSTRAINT identity_links_user_id_issuer_key UNIQUE (user_id, issuer),
        CONSTRAINT identity_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    )""",
    """CREATE UNLOGGED TABLE pending_logins (
        state_digest bytea NOT NULL,
        provider text NOT NULL,
        browser_digest bytea NOT NULL,
        return_to text NOT NULL,
        began_at timestamptz NOT NULL,
        user_id bigint,
        session_id bigint,
        CONSTRAINT pending_logins_pkey PRIMARY KEY (state_digest),
        CONSTRAINT pending_logins_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    )""",
    "CREATE INDEX pending_logins_began_at_idx ON pending_logins (began_at)",
    """CREATE UNLOGGED TABLE waiting_logins (
        browser_digest bytea NOT NULL,
        user_id bigint NOT NULL,
        began_at timestamptz NOT NULL,
        CONSTRAINT waiting_logins_pkey PRIMARY KEY (browser_digest),
        CONSTRAINT waiting_logins_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    )""",
    "CREATE INDEX waiting_logins_began_at_idx ON waiting_logins (began_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
