"""Statements about tokens of a period, by the ledger's rows and by the log's, and what reconciling them has found."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from casino_club.features.wallet.rules.accounts import POCKETS_MAX, Pocket, account_of
from casino_club.features.wallet.rules.hot import HELD_AFTER
from casino_club.features.wallet.rules.reconciling import TOKENS, Account, Day, Moved, Standing, Told
from casino_club.infra.db.database import Db

EXAMPLES_MAX = 10
TOKEN_ROWS = [name for name, (field, _) in HELD_AFTER.items() if field == "token_balance"]
POCKETS = [pocket.value for pocket in TOKENS]


class Reconciliation(NamedTuple):
    """All users' tokens from the reconciliation before to this one, as the ledger has them."""

    id: int
    began_at: datetime
    finished_at: datetime | None
    users: int
    previous: int
    earned: int
    spent: int
    corrected: int
    balance: int
    differing: int
    examples: Sequence[str]


async def begin(db: Db, run_id: int, *, now: datetime) -> None:
    """Begin a reconciliation, or go on with it."""
    await db.execute(
        """INSERT INTO token_reconciliations
           (id, began_at, users, previous, earned, spent, corrected, balance, differing, examples)
           VALUES ($1, $2, 0, 0, 0, 0, 0, 0, 0, '{}') ON CONFLICT DO NOTHING""",
        *(run_id, now),
    )


async def add(db: Db, run_id: int, *, users: int, total: Account, differing: Sequence[str]) -> None:
    """Add what a chunk of users came to."""
    await db.execute(
        """UPDATE token_reconciliations SET users = users + $2, previous = previous + $3, earned = earned + $4,
                  spent = spent + $5, corrected = corrected + $6, balance = balance + $7, differing = differing + $8,
                  examples = (examples || $9::text[])[:$10::int]
           WHERE id = $1""",
        *(run_id, users, *total, len(differing), list(differing[:EXAMPLES_MAX]), EXAMPLES_MAX),
    )


async def finish(db: Db, run_id: int, *, now: datetime) -> None:
    """All users were looked at."""
    await db.execute("UPDATE token_reconciliations SET finished_at = $2 WHERE id = $1", run_id, now)


async def reconciliations(db: Db, *, before_id: int | None, limit: int) -> list[Reconciliation]:
    """Those that were finished, the newest first."""
    rows = await db.fetch(
        """SELECT id, began_at, finished_at, users, previous, earned, spent, corrected, balance, differing, examples
           FROM token_reconciliations
           WHERE finished_at IS NOT NULL AND ($1::bigint IS NULL OR id < $1) ORDER BY id DESC LIMIT $2""",
        *(before_id, limit),
    )
    return [Reconciliation(*row) for row in rows]


async def standings(db: Db, users: Sequence[int]) -> dict[int, Standing]:
    """Where the last reconciliation of each of these users ended."""
    rows = await db.fetch(
        """SELECT user_id, balance, told_balance, tx_id, action_id FROM token_standings
           WHERE user_id = ANY($1::bigint[])""",
        users,
    )
    return dict.fromkeys(users, Standing()) | {row[0]: Standing(*row[1:]) for row in rows}


async def save_standings(db: Db, standings_now: Mapping[int, Standing]) -> None:
    """Where this one ended."""
    await db.execute(
        """INSERT INTO token_standings AS s (user_id, balance, told_balance, tx_id, action_id)
           SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
           ON CONFLICT (user_id) DO UPDATE SET balance = excluded.balance, told_balance = excluded.told_balance,
                                               tx_id = excluded.tx_id, action_id = excluded.action_id
           WHERE (s.balance, s.told_balance, s.tx_id, s.action_id) IS DISTINCT FROM
                 (excluded.balance, excluded.told_balance, excluded.tx_id, excluded.action_id)""",
        list(standings_now),
        *([each[place] for each in standings_now.values()] for place in range(len(Standing._fields))),
    )


async def balances(db: Db, users: Sequence[int]) -> dict[int, int]:
    """The tokens that each user's accounts hold."""
    rows = await db.fetch(
        """SELECT id / $2, sum(balance)::bigint FROM ledger_accounts
           WHERE id = ANY($1::bigint[]) GROUP BY 1""",
        *([account_of(user_id, pocket) for user_id in users for pocket in TOKENS], POCKETS_MAX),
    )
    return {row[0]: row[1] for row in rows}


async def moved(db: Db, after: Mapping[int, Standing], *, zone: str) -> dict[int, list[Moved]]:
    """What the ledger did with these users' tokens since."""
    rows = await db.fetch(
        """SELECT t.user_id, (t.posted_at AT TIME ZONE $3)::date, e.account_id % $4,
                  t.corrects IS NOT NULL OR t.kind = 'refund',
                  coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0)::bigint,
                  -coalesce(sum(e.amount) FILTER (WHERE e.amount < 0), 0)::bigint, max(t.id)
           FROM unnest($1::bigint[], $2::bigint[]) AS v (user_id, tx_id)
           JOIN ledger_txs AS t ON t.user_id = v.user_id AND t.id > v.tx_id
           JOIN ledger_entries AS e ON e.tx_id = t.id AND e.account_id > 0 AND e.account_id % $4 = ANY($5::bigint[])
           GROUP BY 1, 2, 3, 4""",
        *(list(after), [each.tx_id for each in after.values()], zone, POCKETS_MAX, POCKETS),
    )
    found: dict[int, list[Moved]] = {}
    for user_id, day, pocket, *rest in rows:
        found.setdefault(user_id, []).append(Moved(day, Pocket(pocket), *rest))
    return found


async def told(db: Db, after: Mapping[int, Standing]) -> dict[int, Told]:
    """What the log's rows say of these users' tokens since. Rows of another wallet name no balance, and don't count."""
    rows = await db.fetch(
        """SELECT a.user_id,
                  coalesce(sum(coalesce(metadata->>'earned_tokens', metadata->>'granted_tokens')::bigint), 0)::bigint,
                  coalesce(sum((metadata->>'spent_tokens')::bigint), 0)::bigint,
                  coalesce(sum((metadata->>'tokens')::bigint), 0)::bigint,
                  (array_agg((metadata->>'token_balance')::bigint ORDER BY a.id DESC))[1], max(a.id)
           FROM unnest($1::bigint[], $2::bigint[]) AS v (user_id, action_id)
           JOIN user_actions AS a ON a.user_id = v.user_id AND a.id > v.action_id
           WHERE a.metadata ? 'token_balance'
             AND a.action_type = ANY($3::text[])
           GROUP BY 1""",
        *(list(after), [each.action_id for each in after.values()], TOKEN_ROWS),
    )
    return {row[0]: Told(*row[1:]) for row in rows}


async def add_days(db: Db, days: Sequence[Day]) -> None:
    """Add what a chunk of users did by day."""
    await db.executemany(
        """INSERT INTO token_days AS d
           (day, earned_partner, earned_app, earned_cash, spent, spent_partner, taken_back_partner)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (day) DO UPDATE SET earned_partner = d.earned_partner + excluded.earned_partner,
               earned_app = d.earned_app + excluded.earned_app, earned_cash = d.earned_cash + excluded.earned_cash,
               spent = d.spent + excluded.spent, spent_partner = d.spent_partner + excluded.spent_partner,
               taken_back_partner = d.taken_back_partner + excluded.taken_back_partner""",
        days,
    )


async def days_between(db: Db, first: date, last: date) -> list[Day]:
    """Days on which anything was done with tokens, both ends included, oldest first."""
    rows = await db.fetch("SELECT * FROM token_days WHERE day BETWEEN $1 AND $2 ORDER BY day", first, last)
    return [Day(*row) for row in rows]


class PartnerTokens(NamedTuple):
    """What became of the tokens that a user earned at the partner."""

    earned: int
    spent: int
    taken_back: int
    left: int


async def partner_tokens(db: Db, user_id: int) -> PartnerTokens:
    """By the user's lots: what came in, what is left of it, and which corrections took some back."""
    row = await db.fetchrow(
        """WITH lots AS (SELECT coalesce(sum(amount), 0)::bigint AS earned,
                                coalesce(sum(remaining), 0)::bigint AS remain
                         FROM ledger_lots WHERE user_id = $1 AND pocket = $2),
                back AS (SELECT coalesce(-sum(e.amount), 0)::bigint AS taken FROM ledger_txs AS t
                         JOIN ledger_entries AS e ON e.tx_id = t.id AND e.account_id = $3 AND e.amount < 0
                         WHERE t.user_id = $1 AND t.corrects IS NOT NULL)
           SELECT earned, taken, remain FROM lots, back""",
        *(user_id, Pocket.PARTNER_TOKENS.value, account_of(user_id, Pocket.PARTNER_TOKENS)),
    )
    assert row is not None
    earned, taken_back, left = row
    return PartnerTokens(earned, earned - taken_back - left, taken_back, left)
