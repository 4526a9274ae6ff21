"""Rounds against a hidden move keep what was published of it, and what showed it; users take free coins at times."""

from alembic import op

revision = "2026_11_20_hidden_moves"
down_revision = "2026_11_20_games"


def upgrade() -> None:
    op.execute("ALTER TABLE game_rounds ADD COLUMN hidden text, ADD COLUMN salt text")
    op.execute("ALTER TABLE game_standings ADD COLUMN free_coins_at timestamptz")
