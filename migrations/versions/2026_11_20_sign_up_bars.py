"""Whoever is excluded or has closed their account, and erases it, does not sign up again before that is over."""

from alembic import op

revision = "2026_11_20_sign_up_bars"
down_revision = "2026_11_20_free_spins"

STATEMENTS = (
    """CREATE TABLE sign_up_bars (
        user_id bigint NOT NULL,
        until timestamptz NOT NULL,
        CONSTRAINT sign_up_bars_pkey PRIMARY KEY (user_id),
        CONSTRAINT sign_up_bars_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    )""",
    """CREATE TABLE barred_identities (
        digest bytea NOT NULL,
        until timestamptz NOT NULL,
        CONSTRAINT barred_identities_pkey PRIMARY KEY (digest)
    )""",
    "CREATE INDEX barred_identities_until_idx ON barred_identities (until)",
    # Five is excluded, six closed; who is so already is barred like everybody from now on.
    """INSERT INTO sign_up_bars (user_id, until)
        SELECT user_id, CASE status WHEN 6 THEN now() + interval '60 months' ELSE until END
        FROM protections JOIN users ON users.id = user_id
        WHERE status = 6 OR (status = 5 AND until IS NOT NULL)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
