"""Openings of gachas, how users stand with them, how many there were each day, and a seventh account of the house."""

from alembic import op

revision = "2026_11_20_gacha"
down_revision = "2026_11_20_sign_up_bars"

STATEMENTS = (
    "INSERT INTO ledger_accounts (id, balance) SELECT -n, 0 FROM generate_series(6 * 3 * 64 + 1, 7 * 3 * 64) AS n",
    """CREATE TABLE gacha_log (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id bigint NOT NULL,
        spin_count smallint NOT NULL,
        result_type text NOT NULL,
        result_value bigint NOT NULL,
        timestamp timestamptz NOT NULL,
        spin_id uuid NOT NULL,
        product text NOT NULL,
        digest text NOT NULL,
        price_gems bigint NOT NULL,
        paid_gems bigint NOT NULL,
        balance_after bigint NOT NULL,
        pulls jsonb NOT NULL,
        tx_id bigint NOT NULL,
        CONSTRAINT gacha_log_pkey PRIMARY KEY (id),
        CONSTRAINT gacha_log_user_id_spin_id_key UNIQUE (user_id, spin_id),
        CONSTRAINT gacha_log_tx_id_key UNIQUE (tx_id),
        CONSTRAINT gacha_log_tx_id_fkey FOREIGN KEY(tx_id) REFERENCES ledger_txs (id),
        CONSTRAINT gacha_log_has_pulls_check CHECK (spin_count BETWEEN 1 AND 10),
        CONSTRAINT gacha_log_costs_gems_check CHECK (price_gems > 0 AND paid_gems BETWEEN 0 AND price_gems)
    )""",
    "CREATE INDEX gacha_log_user_id_id_idx ON gacha_log (user_id, id)",
    """CREATE TABLE gacha_standings (
        user_id bigint NOT NULL,
        product text NOT NULL,
        last_day date NOT NULL,
        next_at timestamptz NOT NULL,
        CONSTRAINT gacha_standings_pkey PRIMARY KEY (user_id, product)
    ) WITH (fillfactor = 50)""",
    """CREATE TABLE gacha_days (
        day date NOT NULL,
        product text NOT NULL,
        stripe smallint NOT NULL,
        users integer NOT NULL,
        CONSTRAINT gacha_days_pkey PRIMARY KEY (day, product, stripe)
    ) WITH (fillfactor = 50)""",
    """CREATE FUNCTION refuse_to_change_openings() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         RAISE EXCEPTION '% is appended to and never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
       END $$""",
    """CREATE TRIGGER gacha_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gacha_log
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_openings()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
