"""Checks of age: whether somebody is of age and since when that is known, never their date of birth."""

from alembic import op

revision = "2026_11_20_age_checks"
down_revision = "2026_11_20_second_factors"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE age_checks (
            user_id bigint NOT NULL,
            reference text NOT NULL,
            asked_at timestamptz NOT NULL,
            settled_at timestamptz,
            is_of_age boolean,
            CONSTRAINT age_checks_pkey PRIMARY KEY (user_id),
            CONSTRAINT age_checks_settled_check CHECK ((settled_at IS NULL) = (is_of_age IS NULL)),
            CONSTRAINT age_checks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        )"""
    )
