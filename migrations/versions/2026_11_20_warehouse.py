"""Generations of the warehouse's tables, and pages that are on their way into them."""

from alembic import op

revision = "2026_11_20_warehouse"
down_revision = "2026_11_20_privacy"

STATEMENTS = (
    "CREATE SEQUENCE warehouse_numbers",
    """CREATE TABLE warehouse_generations (
        projection text NOT NULL,
        generation bigint NOT NULL,
        number bigint NOT NULL,
        zone text NOT NULL,
        begun_at timestamptz NOT NULL,
        CONSTRAINT warehouse_generations_pkey PRIMARY KEY (projection, generation)
    )""",
    """CREATE TABLE warehouse_pending (
        consumer text NOT NULL,
        generation integer NOT NULL,
        token text NOT NULL,
        first_ids bigint[] NOT NULL,
        last_ids bigint[] NOT NULL,
        after jsonb NOT NULL,
        CONSTRAINT warehouse_pending_pkey PRIMARY KEY (consumer, generation)
    )""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
