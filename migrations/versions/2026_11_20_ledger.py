"""The ledger: accounts with balances, transactions with entries, and lots. The house's stripes are made here."""

from alembic import op

revision = "2026_11_20_ledger"
down_revision = "2026_11_20_intake_counts"

STATEMENTS = (
    "CREATE SEQUENCE ledger_tx_ids CACHE 1",
    """CREATE TABLE ledger_accounts (
        id bigint NOT NULL,
        balance bigint NOT NULL,
        CONSTRAINT ledger_accounts_pkey PRIMARY KEY (id),
        CONSTRAINT ledger_accounts_no_user_below_zero_check CHECK (id < 0 OR balance >= 0)
    ) WITH (fillfactor = 50)""",
    # Six accounts of the house in three currencies, each in 64 stripes.
    "INSERT INTO ledger_accounts (id, balance) SELECT -n, 0 FROM generate_series(1, 6 * 3 * 64) AS n",
    """CREATE TABLE ledger_txs (
        id bigint NOT NULL,
        idem_scope text NOT NULL,
        idem_key uuid NOT NULL,
        body_hash bytea NOT NULL,
        kind text NOT NULL,
        user_id bigint NOT NULL,
        posted_at timestamptz NOT NULL,
        corrects bigint,
        CONSTRAINT ledger_txs_pkey PRIMARY KEY (id)
    )""",
    "CREATE UNIQUE INDEX ledger_txs_key_idx ON ledger_txs (idem_scope, idem_key)",
    "CREATE INDEX ledger_txs_user_id_id_idx ON ledger_txs (user_id, id)",
    "CREATE UNIQUE INDEX ledger_txs_corrects_idx ON ledger_txs (corrects)",
    """CREATE TABLE ledger_entries (
        tx_id bigint NOT NULL,
        place smallint NOT NULL,
        account_id bigint NOT NULL,
        lot_id bigint,
        amount bigint NOT NULL,
        balance_after bigint,
        CONSTRAINT ledger_entries_pkey PRIMARY KEY (tx_id, place),
        CONSTRAINT ledger_entries_moves_something_check CHECK (amount <> 0),
        CONSTRAINT ledger_entries_users_see_balance_check CHECK ((account_id > 0) = (balance_after IS NOT NULL))
    )""",
    """CREATE TABLE ledger_lots (
        id bigint NOT NULL,
        user_id bigint NOT NULL,
        pocket integer NOT NULL,
        amount bigint NOT NULL,
        remaining bigint NOT NULL,
        origin text NOT NULL,
        CONSTRAINT ledger_lots_pkey PRIMARY KEY (id),
        CONSTRAINT ledger_lots_spends_what_came_check CHECK (remaining BETWEEN 0 AND amount)
    ) WITH (fillfactor = 70)""",
    "CREATE INDEX ledger_lots_open_idx ON ledger_lots (user_id, id) WHERE remaining > 0",
    "CREATE INDEX ledger_lots_user_id_origin_idx ON ledger_lots (user_id, origin)",
    """CREATE FUNCTION refuse_to_change_the_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         RAISE EXCEPTION 'the ledger is appended to and never changed' USING ERRCODE = 'restrict_violation';
       END $$""",
    """CREATE TRIGGER ledger_txs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_txs
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_ledger()""",
    """CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_ledger()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
