"""Rounds, each with its one draw and its one transaction, appended and never changed; and when users may play again."""

from alembic import op

revision = "2026_11_20_games"
down_revision = "2026_11_20_bonus_terms"

STATEMENTS = (
    """CREATE TABLE game_rounds (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id bigint NOT NULL,
        round_id uuid NOT NULL,
        game text NOT NULL,
        product text NOT NULL,
        currency text NOT NULL,
        bets jsonb NOT NULL,
        staked bigint NOT NULL,
        won bigint NOT NULL,
        came text NOT NULL,
        draw_id bigint NOT NULL,
        tx_id bigint NOT NULL,
        receipt text NOT NULL,
        balance_after bigint NOT NULL,
        played_at timestamptz NOT NULL,
        CONSTRAINT game_rounds_pkey PRIMARY KEY (id),
        CONSTRAINT game_rounds_user_id_round_id_key UNIQUE (user_id, round_id),
        CONSTRAINT game_rounds_draw_id_key UNIQUE (draw_id),
        CONSTRAINT game_rounds_tx_id_key UNIQUE (tx_id),
        CONSTRAINT game_rounds_draw_id_fkey FOREIGN KEY(draw_id) REFERENCES odds_draws (id),
        CONSTRAINT game_rounds_tx_id_fkey FOREIGN KEY(tx_id) REFERENCES ledger_txs (id),
        CONSTRAINT game_rounds_stakes_something_check CHECK (staked > 0 AND won >= 0)
    )""",
    "CREATE INDEX game_rounds_user_id_id_idx ON game_rounds (user_id, id)",
    "CREATE INDEX game_rounds_product_id_idx ON game_rounds (product, id)",
    """CREATE TABLE game_standings (
        user_id bigint NOT NULL,
        next_play_at timestamptz,
        CONSTRAINT game_standings_pkey PRIMARY KEY (user_id)
    ) WITH (fillfactor = 50)""",
    """CREATE FUNCTION refuse_to_change_rounds() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         RAISE EXCEPTION '% is appended to and never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
       END $$""",
    """CREATE TRIGGER game_rounds_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON game_rounds
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_rounds()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
