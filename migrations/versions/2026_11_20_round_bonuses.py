"""Rounds keep the bonus draw that came on top of them."""

from alembic import op

revision = "2026_11_20_round_bonuses"
down_revision = "2026_11_20_hidden_moves"


def upgrade() -> None:
    op.execute("ALTER TABLE game_rounds ADD COLUMN bonus jsonb")
