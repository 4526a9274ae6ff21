"""Rounds that a free spin paid for stake nothing."""

from alembic import op

revision = "2026_11_20_free_spins"
down_revision = "2026_11_20_round_bonuses"

STATEMENTS = (
    "ALTER TABLE game_rounds ADD COLUMN is_free boolean NOT NULL DEFAULT false",
    "ALTER TABLE game_rounds DROP CONSTRAINT game_rounds_stakes_something_check",
    """ALTER TABLE game_rounds ADD CONSTRAINT game_rounds_stakes_something_unless_free_check
       CHECK ((staked > 0) <> is_free AND won >= 0)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
