"""Odds: products and their tables, versions and approvals, promised seeds, draws and what is watched of them."""

from alembic import op

revision = "2026_11_20_odds"
down_revision = "2026_11_20_identity_providers"

APPENDED = ("odds_tables", "odds_approvals", "odds_commitments", "odds_draws")

STATEMENTS = (
    """CREATE TABLE odds_products (
        product text NOT NULL,
        paused_at timestamptz,
        paused_because text,
        watch integer DEFAULT 0 NOT NULL,
        CONSTRAINT odds_products_pkey PRIMARY KEY (product)
    )""",
    """CREATE TABLE odds_tables (
        digest text NOT NULL,
        product text NOT NULL,
        canonical text NOT NULL,
        kept_at timestamptz NOT NULL,
        CONSTRAINT odds_tables_pkey PRIMARY KEY (digest),
        CONSTRAINT odds_tables_product_fkey FOREIGN KEY(product) REFERENCES odds_products (product)
    )""",
    """CREATE TABLE odds_versions (
        id bigint GENERATED ALWAYS AS IDENTITY,
        product text NOT NULL,
        digest text NOT NULL,
        drafted_by text NOT NULL,
        drafted_at timestamptz NOT NULL,
        live_at timestamptz,
        approved_at timestamptz,
        live_from timestamptz,
        withdrawn_at timestamptz,
        CONSTRAINT odds_versions_pkey PRIMARY KEY (id),
        CONSTRAINT odds_versions_product_fkey FOREIGN KEY(product) REFERENCES odds_products (product),
        CONSTRAINT odds_versions_digest_fkey FOREIGN KEY(digest) REFERENCES odds_tables (digest)
    )""",
    "CREATE INDEX odds_versions_live_idx ON odds_versions (product, live_from) WHERE live_from IS NOT NULL",
    """CREATE UNIQUE INDEX odds_versions_open_idx ON odds_versions (digest)
       WHERE approved_at IS NULL AND withdrawn_at IS NULL""",
    """CREATE TABLE odds_approvals (
        version_id bigint NOT NULL,
        user_id bigint NOT NULL,
        approved_at timestamptz NOT NULL,
        CONSTRAINT odds_approvals_pkey PRIMARY KEY (version_id, user_id),
        CONSTRAINT odds_approvals_version_id_fkey FOREIGN KEY(version_id) REFERENCES odds_versions (id)
    )""",
    """CREATE TABLE odds_commitments (
        sequence bigint NOT NULL,
        commit_id uuid NOT NULL,
        seed_hash text NOT NULL,
        committed_at timestamptz NOT NULL,
        hash text NOT NULL,
        CONSTRAINT odds_commitments_pkey PRIMARY KEY (sequence),
        CONSTRAINT odds_commitments_commit_id_key UNIQUE (commit_id)
    )""",
    """CREATE TABLE odds_seeds (
        commit_id uuid NOT NULL,
        user_id bigint NOT NULL,
        sealed bytea NOT NULL,
        next_nonce bigint DEFAULT 1 NOT NULL,
        revealed_at timestamptz,
        server_seed bytea,
        CONSTRAINT odds_seeds_pkey PRIMARY KEY (commit_id),
        CONSTRAINT odds_seeds_commit_id_fkey FOREIGN KEY(commit_id) REFERENCES odds_commitments (commit_id)
    )""",
    "CREATE UNIQUE INDEX odds_seeds_user_id_idx ON odds_seeds (user_id) WHERE revealed_at IS NULL",
    """CREATE TABLE odds_client_seeds (
        commit_id uuid NOT NULL,
        first_nonce bigint NOT NULL,
        client_seed text NOT NULL,
        CONSTRAINT odds_client_seeds_pkey PRIMARY KEY (commit_id, first_nonce),
        CONSTRAINT odds_client_seeds_commit_id_fkey FOREIGN KEY(commit_id) REFERENCES odds_seeds (commit_id)
    )""",
    """CREATE TABLE odds_states (
        user_id bigint NOT NULL,
        product text NOT NULL,
        state integer NOT NULL,
        CONSTRAINT odds_states_pkey PRIMARY KEY (user_id, product)
    )""",
    """CREATE TABLE odds_draws (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id bigint NOT NULL,
        product text NOT NULL,
        digest text NOT NULL,
        commit_id uuid NOT NULL,
        nonce bigint NOT NULL,
        state integer NOT NULL,
        next_state integer NOT NULL,
        bets jsonb NOT NULL,
        stops jsonb NOT NULL,
        name text NOT NULL,
        cell text NOT NULL,
        currency text NOT NULL,
        staked bigint NOT NULL,
        returned bigint NOT NULL,
        drawn_at timestamptz NOT NULL,
        CONSTRAINT odds_draws_pkey PRIMARY KEY (id),
        CONSTRAINT odds_draws_commit_id_nonce_key UNIQUE (commit_id, nonce)
    )""",
    "CREATE INDEX odds_draws_state_idx ON odds_draws (user_id, product, id) WHERE state > 0 OR next_state > 0",
    "CREATE INDEX odds_draws_user_id_idx ON odds_draws (user_id, id)",
    """CREATE TABLE odds_unwatched (
        draw_id bigint NOT NULL,
        CONSTRAINT odds_unwatched_pkey PRIMARY KEY (draw_id)
    )""",
    """CREATE TABLE odds_counts (
        product text NOT NULL,
        watch integer NOT NULL,
        digest text NOT NULL,
        state integer NOT NULL,
        cell text NOT NULL,
        next_state integer NOT NULL,
        is_linked boolean NOT NULL,
        draws bigint NOT NULL,
        CONSTRAINT odds_counts_pkey PRIMARY KEY (product, watch, digest, state, cell, next_state, is_linked)
    )""",
    """CREATE TABLE odds_trials (
        id bigint GENERATED ALWAYS AS IDENTITY,
        product text NOT NULL,
        challenger_id bigint NOT NULL,
        share_permille integer NOT NULL,
        began_by text NOT NULL,
        began_at timestamptz NOT NULL,
        ended_at timestamptz,
        CONSTRAINT odds_trials_pkey PRIMARY KEY (id),
        CONSTRAINT odds_trials_product_fkey FOREIGN KEY(product) REFERENCES odds_products (product),
        CONSTRAINT odds_trials_challenger_id_fkey FOREIGN KEY(challenger_id) REFERENCES odds_versions (id)
    )""",
    "CREATE UNIQUE INDEX odds_trials_running_idx ON odds_trials (product) WHERE ended_at IS NULL",
    """CREATE FUNCTION refuse_to_change_odds() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         RAISE EXCEPTION '% is appended and never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
       END $$""",
    *(
        f"""CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_odds()"""
        for table in APPENDED
    ),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
