"""Odds: what a product's watch has found, and draws found by product and time for trials."""

from alembic import op

revision = "2026_11_20_odds_watch"
down_revision = "2026_11_20_conservation"

STATEMENTS = (
    "ALTER TABLE odds_products ADD COLUMN evidence_log10 double precision NOT NULL DEFAULT 0",
    "DROP INDEX odds_draws_state_idx",
    "CREATE INDEX odds_draws_product_idx ON odds_draws (product, drawn_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
