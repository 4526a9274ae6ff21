"""What is for sale, as texts that never change, and purchases with what became of their payments."""

from alembic import op

revision = "2026_11_20_shop"
down_revision = "2026_11_20_gacha"

STATEMENTS = (
    """CREATE TABLE shop_catalogues (
        digest text NOT NULL,
        canonical text NOT NULL,
        kept_at timestamptz NOT NULL,
        CONSTRAINT shop_catalogues_pkey PRIMARY KEY (digest)
    )""",
    """CREATE TABLE shop_versions (
        id bigint GENERATED ALWAYS AS IDENTITY,
        digest text NOT NULL,
        drafted_by text NOT NULL,
        drafted_at timestamptz NOT NULL,
        live_at timestamptz NOT NULL,
        approved_at timestamptz,
        live_from timestamptz,
        withdrawn_at timestamptz,
        CONSTRAINT shop_versions_pkey PRIMARY KEY (id),
        CONSTRAINT shop_versions_digest_fkey FOREIGN KEY(digest) REFERENCES shop_catalogues (digest)
    )""",
    "CREATE INDEX shop_versions_live_idx ON shop_versions (live_from) WHERE live_from IS NOT NULL",
    """CREATE UNIQUE INDEX shop_versions_open_idx ON shop_versions (digest)
       WHERE approved_at IS NULL AND withdrawn_at IS NULL""",
    """CREATE TABLE shop_approvals (
        version_id bigint NOT NULL,
        user_id bigint NOT NULL,
        approved_at timestamptz NOT NULL,
        CONSTRAINT shop_approvals_pkey PRIMARY KEY (version_id, user_id),
        CONSTRAINT shop_approvals_version_id_fkey FOREIGN KEY(version_id) REFERENCES shop_versions (id)
    )""",
    """CREATE TABLE shop_transactions (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id bigint NOT NULL,
        purchase_key uuid NOT NULL,
        item_id text NOT NULL,
        quantity integer NOT NULL,
        price_in_gems bigint,
        price_krw bigint,
        payment_method text NOT NULL,
        timestamp timestamptz NOT NULL,
        catalogue text NOT NULL,
        payment_key uuid NOT NULL,
        paid_gems bigint NOT NULL,
        cash_tokens bigint NOT NULL,
        state text NOT NULL,
        expires_at timestamptz NOT NULL,
        admitted_at timestamptz NOT NULL,
        is_counted boolean NOT NULL,
        has_goods boolean NOT NULL,
        settled_at timestamptz,
        refunded_krw bigint NOT NULL,
        refund_because text,
        looks integer NOT NULL,
        look_at timestamptz,
        CONSTRAINT shop_transactions_pkey PRIMARY KEY (id),
        CONSTRAINT shop_transactions_user_id_purchase_key_key UNIQUE (user_id, purchase_key),
        CONSTRAINT shop_transactions_payment_key_key UNIQUE (payment_key),
        CONSTRAINT shop_transactions_buys_something_check CHECK (quantity > 0),
        CONSTRAINT shop_transactions_has_one_price_check CHECK (num_nonnulls(price_in_gems, price_krw) = 1),
        CONSTRAINT shop_transactions_refunds_what_was_paid_check
            CHECK (refunded_krw BETWEEN 0 AND coalesce(price_krw, 0)),
        CONSTRAINT shop_transactions_is_settled_whole_check
            CHECK (state NOT IN ('settled') OR (settled_at IS NOT NULL AND is_counted))
    )""",
    "CREATE INDEX shop_transactions_user_id_id_idx ON shop_transactions (user_id, id)",
    "CREATE INDEX shop_transactions_bought_idx ON shop_transactions (user_id, item_id) WHERE is_counted",
    "CREATE INDEX shop_transactions_look_at_idx ON shop_transactions (look_at) WHERE look_at IS NOT NULL",
    """CREATE TABLE shop_stocks (
        item_id text NOT NULL,
        taken bigint NOT NULL,
        CONSTRAINT shop_stocks_pkey PRIMARY KEY (item_id),
        CONSTRAINT shop_stocks_none_below_zero_check CHECK (taken >= 0)
    )""",
    """CREATE FUNCTION refuse_to_change_catalogues() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         RAISE EXCEPTION '% is appended to and never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
       END $$""",
    """CREATE TRIGGER shop_catalogues_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON shop_catalogues
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_catalogues()""",
    """CREATE TRIGGER shop_approvals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON shop_approvals
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_catalogues()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
