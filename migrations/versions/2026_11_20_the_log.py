"""The log, its keys, the users' standing, refused input, readers' positions, parked rows and service keys."""

from alembic import op

revision = "2026_11_20_the_log"
down_revision = None

STATEMENTS = (
    "CREATE SEQUENCE action_ids CACHE 1",
    """CREATE TABLE user_actions (
        id bigint NOT NULL,
        xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
        appended_at timestamptz NOT NULL,
        user_id bigint NOT NULL,
        scope integer NOT NULL,
        client_action_id uuid,
        action_type text NOT NULL,
        value bigint,
        metadata jsonb NOT NULL,
        action_timestamp timestamptz NOT NULL,
        round_id uuid,
        is_play boolean NOT NULL,
        by_user boolean NOT NULL,
        streak integer NOT NULL,
        day_plays integer NOT NULL,
        last_play_at timestamptz,
        last_action_at timestamptz NOT NULL,
        CONSTRAINT user_actions_pkey PRIMARY KEY (id)
    ) PARTITION BY RANGE (id)""",
    "CREATE INDEX user_actions_xact_id_idx ON user_actions (xact, id)",
    "CREATE INDEX user_actions_user_id_id_idx ON user_actions (user_id, id)",
    """CREATE TABLE action_keys (
        id bigint NOT NULL,
        scope integer NOT NULL,
        key uuid NOT NULL,
        body_hash bytea NOT NULL,
        CONSTRAINT action_keys_pkey PRIMARY KEY (scope, key)
    )""",
    """CREATE TABLE action_user (
        user_id bigint NOT NULL,
        last_play_us bigint NOT NULL DEFAULT 0,
        last_action_us bigint NOT NULL DEFAULT 0,
        streak integer NOT NULL DEFAULT 0,
        day_plays integer NOT NULL DEFAULT 0,
        CONSTRAINT action_user_pkey PRIMARY KEY (user_id)
    ) WITH (fillfactor = 70)""",
    """CREATE TABLE refused_actions (
        id bigint GENERATED ALWAYS AS IDENTITY,
        received_at timestamptz NOT NULL,
        scope integer NOT NULL,
        sender_user_id bigint,
        code text NOT NULL,
        message text NOT NULL,
        body text NOT NULL,
        status text NOT NULL DEFAULT 'open',
        action_id bigint,
        settled_at timestamptz,
        CONSTRAINT refused_actions_pkey PRIMARY KEY (id),
        CONSTRAINT refused_actions_status_check CHECK (status IN ('open', 'replayed', 'dismissed'))
    )""",
    "CREATE INDEX refused_actions_status_id_idx ON refused_actions (status, id)",
    """CREATE TABLE detached_partitions (
        name text NOT NULL,
        first_id bigint NOT NULL,
        last_id bigint NOT NULL,
        row_count bigint NOT NULL,
        file text NOT NULL,
        detached_at timestamptz NOT NULL,
        CONSTRAINT detached_partitions_pkey PRIMARY KEY (name)
    )""",
    """CREATE TABLE log_origin (
        system_identifier bigint NOT NULL,
        floor_id bigint NOT NULL,
        snapshot text NOT NULL,
        CONSTRAINT log_origin_pkey PRIMARY KEY (system_identifier)
    )""",
    """CREATE TABLE log_positions (
        consumer text NOT NULL,
        generation integer NOT NULL,
        delivered text NOT NULL,
        delivering text,
        last_id bigint NOT NULL,
        carry_to bigint,
        moves bigint NOT NULL,
        moved_at timestamptz NOT NULL,
        judged_id bigint,
        judged_to bigint,
        CONSTRAINT log_positions_pkey PRIMARY KEY (consumer, generation)
    )""",
    """CREATE TABLE parked_rows (
        consumer text NOT NULL,
        action_id bigint NOT NULL,
        reason text NOT NULL,
        attempts integer NOT NULL,
        parked_at timestamptz NOT NULL,
        CONSTRAINT parked_rows_pkey PRIMARY KEY (consumer, action_id)
    )""",
    """CREATE TABLE service_keys (
        id integer GENERATED ALWAYS AS IDENTITY,
        name text NOT NULL,
        namespace integer NOT NULL,
        secret_hash bytea NOT NULL,
        scopes text[] NOT NULL,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz,
        CONSTRAINT service_keys_pkey PRIMARY KEY (id),
        CONSTRAINT service_keys_namespace_check CHECK (namespace >= 100)
    )""",
    "CREATE UNIQUE INDEX service_keys_live_name_key ON service_keys (name) WHERE revoked_at IS NULL",
    "CREATE INDEX service_keys_namespace_idx ON service_keys (namespace)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
