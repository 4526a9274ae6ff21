"""Duels and their seats, the clock that they are timed by, and the house's account for their stakes."""

from alembic import op

revision = "2026_11_20_duels"
down_revision = "2026_11_20_shop_kept"

STATEMENTS = (
    # The eighth account of the house, in three currencies, each in 64 stripes.
    """INSERT INTO ledger_accounts (id, balance)
       SELECT -n, 0 FROM generate_series(7 * 3 * 64 + 1, 8 * 3 * 64) AS n""",
    """CREATE TABLE game_duels (
        number bigint GENERATED ALWAYS AS IDENTITY,
        duel_id uuid NOT NULL,
        state text NOT NULL,
        currency text NOT NULL,
        stake bigint NOT NULL,
        is_listed boolean NOT NULL,
        opened_at timestamptz NOT NULL,
        due_us bigint NOT NULL,
        over_at timestamptz,
        CONSTRAINT game_duels_pkey PRIMARY KEY (number),
        CONSTRAINT game_duels_duel_id_key UNIQUE (duel_id),
        CONSTRAINT game_duels_stakes_something_check CHECK (stake > 0),
        CONSTRAINT game_duels_ends_at_an_end_check
            CHECK ((state IN ('open', 'joined', 'committed')) = (over_at IS NULL))
    )""",
    "CREATE INDEX game_duels_live_idx ON game_duels (number) WHERE over_at IS NULL",
    """CREATE TABLE game_duel_seats (
        duel_number bigint NOT NULL,
        place smallint NOT NULL,
        user_id bigint NOT NULL,
        commitment text,
        admitted_at timestamptz,
        stake_tx_id bigint,
        move text,
        salt text,
        returned bigint,
        CONSTRAINT game_duel_seats_pkey PRIMARY KEY (duel_number, place),
        CONSTRAINT game_duel_seats_duel_number_user_id_key UNIQUE (duel_number, user_id),
        CONSTRAINT game_duel_seats_stake_tx_id_key UNIQUE (stake_tx_id),
        CONSTRAINT game_duel_seats_duel_number_fkey FOREIGN KEY(duel_number) REFERENCES game_duels (number),
        CONSTRAINT game_duel_seats_stake_tx_id_fkey FOREIGN KEY(stake_tx_id) REFERENCES ledger_txs (id),
        CONSTRAINT game_duel_seats_is_one_of_two_check CHECK (place IN (0, 1)),
        CONSTRAINT game_duel_seats_commits_by_staking_check CHECK ((commitment IS NULL) = (stake_tx_id IS NULL)),
        CONSTRAINT game_duel_seats_reveals_a_commitment_check CHECK (move IS NULL OR commitment IS NOT NULL)
    )""",
    "CREATE INDEX game_duel_seats_user_id_duel_number_idx ON game_duel_seats (user_id, duel_number)",
    """CREATE TABLE game_clock (
        id smallint NOT NULL,
        answered_us bigint NOT NULL,
        resumed_us bigint NOT NULL,
        beat_at timestamptz NOT NULL,
        CONSTRAINT game_clock_pkey PRIMARY KEY (id),
        CONSTRAINT game_clock_is_one_check CHECK (id = 1)
    ) WITH (fillfactor = 50)""",
    "INSERT INTO game_clock VALUES (1, 0, 0, now())",
    """CREATE FUNCTION refuse_to_change_what_is_over() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP <> 'UPDATE' OR EXISTS (SELECT FROM game_duels WHERE number = OLD.duel_number AND over_at IS NOT NULL)
         THEN
           RAISE EXCEPTION 'a duel that is over is never changed' USING ERRCODE = 'restrict_violation';
         END IF;
         RETURN NEW;
       END $$""",
    """CREATE FUNCTION refuse_to_change_ended_duels() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP <> 'UPDATE' OR OLD.over_at IS NOT NULL THEN
           RAISE EXCEPTION 'a duel that is over is never changed' USING ERRCODE = 'restrict_violation';
         END IF;
         RETURN NEW;
       END $$""",
    """CREATE TRIGGER game_duels_end_once BEFORE UPDATE OR DELETE ON game_duels
       FOR EACH ROW EXECUTE FUNCTION refuse_to_change_ended_duels()""",
    """CREATE TRIGGER game_duel_seats_end_once BEFORE UPDATE OR DELETE ON game_duel_seats
       FOR EACH ROW EXECUTE FUNCTION refuse_to_change_what_is_over()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
