"""Second factors of login, their recovery codes, and which sessions were begun with one."""

from alembic import op

revision = "2026_11_20_second_factors"
down_revision = "2026_11_20_jobs"

STATEMENTS = (
    """CREATE TABLE second_factors (
        user_id bigint NOT NULL,
        confirmed_at timestamptz,
        last_step bigint NOT NULL DEFAULT 0,
        CONSTRAINT second_factors_pkey PRIMARY KEY (user_id),
        CONSTRAINT second_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    )""",
    """CREATE TABLE recovery_codes (
        user_id bigint NOT NULL,
        digest bytea NOT NULL,
        CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, digest),
        CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    )""",
    "ALTER TABLE sessions ADD COLUMN has_second_factor boolean NOT NULL DEFAULT false",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
