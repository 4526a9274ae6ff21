"""How far readers have come in a topic that carries the log, and which rows that covers."""

from alembic import op

revision = "2026_11_20_topics"
down_revision = "2026_11_20_audit"

STATEMENTS = (
    "ALTER TABLE log_positions ADD COLUMN topic jsonb",
    """CREATE FUNCTION topic_covers(topic jsonb, user_id bigint, xact xid8, id bigint) RETURNS boolean
       LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
           SELECT EXISTS (
               SELECT FROM jsonb_array_elements(
                   topic -> 'parts' -> (user_id % jsonb_array_length(topic -> 'parts'))::int -> 1) AS step
               WHERE id <= (step ->> 1)::bigint
                 AND pg_visible_in_snapshot(xact, (topic -> 'snapshots' ->> (step ->> 0)::int)::pg_snapshot))
       $$""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
