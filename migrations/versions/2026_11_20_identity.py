"""Users, their data keys and sealed data, sessions with their refresh tokens, and attempts that are counted."""

from alembic import op

revision = "2026_11_20_identity"
down_revision = "2026_11_20_the_log"

STATEMENTS = (
    """CREATE TABLE users (
        id bigint GENERATED ALWAYS AS IDENTITY,
        created_at timestamptz NOT NULL,
        banned_at timestamptz,
        roles text[] NOT NULL DEFAULT '{}',
        vip_tier integer NOT NULL DEFAULT 0,
        battlepass_level integer NOT NULL DEFAULT 0,
        total_spent bigint NOT NULL DEFAULT 0,
        CONSTRAINT users_pkey PRIMARY KEY (id)
    )""",
    "CREATE INDEX users_staff_idx ON users (id) WHERE roles <> '{}'",
    """CREATE TABLE user_keys (
        user_id bigint NOT NULL,
        wrapped_key bytea NOT NULL,
        CONSTRAINT user_keys_pkey PRIMARY KEY (user_id),
        CONSTRAINT user_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    )""",
    """CREATE TABLE user_data (
        user_id bigint NOT NULL,
        field text NOT NULL,
        sealed bytea NOT NULL,
        CONSTRAINT user_data_pkey PRIMARY KEY (user_id, field),
        CONSTRAINT user_data_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    )""",
    """CREATE TABLE credentials (
        user_id bigint NOT NULL,
        email_hash bytea NOT NULL,
        password_hash text NOT NULL,
        CONSTRAINT credentials_pkey PRIMARY KEY (user_id),
        CONSTRAINT credentials_email_hash_key UNIQUE (email_hash),
        CONSTRAINT credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    )""",
    """CREATE TABLE sessions (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id bigint NOT NULL,
        began_at timestamptz NOT NULL,
        last_used_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        ended_at timestamptz,
        ended_because text,
        device bytea NOT NULL,
        CONSTRAINT sessions_pkey PRIMARY KEY (id),
        CONSTRAINT sessions_ended_check CHECK ((ended_at IS NULL) = (ended_because IS NULL)),
        CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    )""",
    "CREATE INDEX sessions_user_id_idx ON sessions (user_id)",
    "CREATE INDEX sessions_ends_at_idx ON sessions (ends_at)",
    """CREATE TABLE refresh_tokens (
        digest bytea NOT NULL,
        session_id bigint NOT NULL,
        issued_at timestamptz NOT NULL,
        used_at timestamptz,
        CONSTRAINT refresh_tokens_pkey PRIMARY KEY (digest),
        CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
    )""",
    "CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id)",
    """CREATE UNLOGGED TABLE attempts (
        key bytea NOT NULL,
        began_at timestamptz NOT NULL,
        tries integer NOT NULL,
        CONSTRAINT attempts_pkey PRIMARY KEY (key)
    )""",
    "CREATE INDEX attempts_began_at_idx ON attempts (began_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
