"""What each user's bonus draw follows."""

from alembic import op

revision = "2026_11_20_bonus_terms"
down_revision = "2026_11_20_rewards"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE bonus_terms (
            user_id bigint NOT NULL,
            level smallint NOT NULL,
            risk text NOT NULL,
            set_at timestamptz NOT NULL,
            CONSTRAINT bonus_terms_pkey PRIMARY KEY (user_id)
        )"""
    )
