"""The audit: deeds that can be appended and read, and nothing else."""

from alembic import op

revision = "2026_11_20_audit"
down_revision = "2026_11_20_age_checks"

STATEMENTS = (
    """CREATE TABLE deeds (
        id bigint NOT NULL,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        session_id bigint NOT NULL,
        verb text NOT NULL,
        target text NOT NULL,
        arguments jsonb NOT NULL,
        refused_as text,
        request_id text,
        hash bytea NOT NULL,
        CONSTRAINT deeds_pkey PRIMARY KEY (id)
    )""",
    "CREATE INDEX deeds_actor_id_idx ON deeds (actor, id)",
    "CREATE INDEX deeds_target_id_idx ON deeds (target, id)",
    """CREATE FUNCTION refuse_to_change_deeds() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         RAISE EXCEPTION 'deeds are appended and never changed' USING ERRCODE = 'restrict_violation';
       END $$""",
    """CREATE TRIGGER deeds_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON deeds
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_deeds()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
