"""Users' protection: status, limits with their counts, history, and consents, which are appended and never changed."""

from alembic import op

revision = "2026_11_20_protection"
down_revision = "2026_11_20_ledger_checks"

STATEMENTS = (
    """CREATE TABLE protections (
        user_id bigint NOT NULL,
        status smallint DEFAULT 0 NOT NULL,
        until timestamptz,
        return_at timestamptz,
        open_status smallint DEFAULT 0 NOT NULL,
        open_until timestamptz,
        day_us bigint DEFAULT 0 NOT NULL,
        week_us bigint DEFAULT 0 NOT NULL,
        month_us bigint DEFAULT 0 NOT NULL,
        purchases_day bigint DEFAULT 0 NOT NULL,
        purchases_week bigint DEFAULT 0 NOT NULL,
        purchases_month bigint DEFAULT 0 NOT NULL,
        coins_day bigint DEFAULT 0 NOT NULL,
        coins_week bigint DEFAULT 0 NOT NULL,
        coins_month bigint DEFAULT 0 NOT NULL,
        tokens_day bigint DEFAULT 0 NOT NULL,
        tokens_week bigint DEFAULT 0 NOT NULL,
        tokens_month bigint DEFAULT 0 NOT NULL,
        time_day bigint DEFAULT 0 NOT NULL,
        time_week bigint DEFAULT 0 NOT NULL,
        time_month bigint DEFAULT 0 NOT NULL,
        purchases_day_max bigint,
        purchases_week_max bigint,
        purchases_month_max bigint,
        coins_day_max bigint,
        coins_week_max bigint,
        coins_month_max bigint,
        tokens_day_max bigint,
        tokens_week_max bigint,
        tokens_month_max bigint,
        time_day_max bigint,
        time_week_max bigint,
        time_month_max bigint,
        last_play_us bigint DEFAULT 0 NOT NULL,
        sitting_began_us bigint DEFAULT 0 NOT NULL,
        reality_minutes integer,
        reality_seen_us bigint DEFAULT 0 NOT NULL,
        CONSTRAINT protections_pkey PRIMARY KEY (user_id),
        CONSTRAINT protections_knows_status_check CHECK (status BETWEEN 0 AND 6 AND open_status BETWEEN 0 AND 2)
    ) WITH (fillfactor = 50)""",
    "CREATE INDEX protections_status_idx ON protections (status) WHERE status > 0",
    """CREATE TABLE protection_raises (
        user_id bigint NOT NULL,
        measure text NOT NULL,
        period text NOT NULL,
        amount bigint,
        due_at timestamptz NOT NULL,
        CONSTRAINT protection_raises_pkey PRIMARY KEY (user_id, measure, period)
    )""",
    """CREATE TABLE protection_changes (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id bigint NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by text NOT NULL,
        change text NOT NULL,
        subject text NOT NULL,
        amount bigint,
        until timestamptz,
        CONSTRAINT protection_changes_pkey PRIMARY KEY (id)
    )""",
    "CREATE INDEX protection_changes_user_id_id_idx ON protection_changes (user_id, id)",
    """CREATE TABLE consents (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id bigint NOT NULL,
        purpose text NOT NULL,
        is_given boolean NOT NULL,
        text_version integer NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT consents_pkey PRIMARY KEY (id)
    )""",
    "CREATE INDEX consents_user_id_purpose_id_idx ON consents (user_id, purpose, id)",
    # Rows go only with their user, whose number the log has closed by then.
    """CREATE FUNCTION refuse_to_change_history() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' THEN
           IF EXISTS (SELECT FROM action_user WHERE user_id = OLD.user_id AND erased_at IS NOT NULL) THEN
             RETURN OLD;
           END IF;
         END IF;
         RAISE EXCEPTION '% is appended to and never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
       END $$""",
    *(
        f"""CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_to_change_history()"""
        for table in ("protection_changes", "consents")
    ),
    *(
        f"""CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_history()"""
        for table in ("protection_changes", "consents")
    ),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
