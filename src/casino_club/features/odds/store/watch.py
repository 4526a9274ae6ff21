"""Statements about what was drawn and is to be watched. Each draw is counted once, in the transaction that takes it."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.odds.rules.trials import Side
from casino_club.features.odds.rules.watch import Count
from casino_club.infra.db.database import Db


@dataclass(frozen=True, slots=True)
class Standing:
    """How a product stands with its watch."""

    product: str
    evidence_log10: float
    is_paused: bool


async def digests(db: Db) -> list[str]:
    """Every table that was ever approved."""
    rows = await db.fetch("SELECT DISTINCT digest FROM odds_versions WHERE approved_at IS NOT NULL")
    return [row["digest"] for row in rows]


async def count(db: Db, last_states: dict[str, int], *, limit: int) -> tuple[int, set[tuple[str, int, str]]]:
    """Count draws that nobody has counted; how many, and of which products, watches and tables.

    `last_states` names tables with pity: their draws have to begin where the user's draw before has ended.
    """
    rows = await db.fetch(
        """WITH taken AS (
               DELETE FROM odds_unwatched WHERE draw_id IN (
                   SELECT draw_id FROM odds_unwatched ORDER BY draw_id LIMIT $1 FOR UPDATE SKIP LOCKED)
               RETURNING draw_id),
           seen AS (
               SELECT d.product, p.watch, d.digest, d.state, d.cell, d.next_state,
                      s.last_state IS NULL OR d.state = least(s.last_state, coalesce((
                          SELECT before.next_state FROM odds_draws AS before
                          WHERE before.user_id = d.user_id AND before.product = d.product AND before.id < d.id
                          ORDER BY before.id DESC LIMIT 1), 0)) AS is_linked
               FROM taken JOIN odds_draws AS d ON d.id = taken.draw_id JOIN odds_products AS p USING (product)
               LEFT JOIN unnest($2::text[], $3::int[]) AS s(digest, last_state) ON s.digest = d.digest),
           grouped AS (SELECT product, watch, digest, state, cell, next_state, is_linked, count(*) AS draws
                       FROM seen GROUP BY 1, 2, 3, 4, 5, 6, 7),
           added AS (INSERT INTO odds_counts SELECT * FROM grouped
                     ON CONFLICT (product, watch, digest, state, cell, next_state, is_linked)
                     DO UPDATE SET draws = odds_counts.draws + excluded.draws)
           SELECT product, watch, digest, sum(draws)::bigint AS draws FROM grouped GROUP BY 1, 2, 3""",
        *(limit, list(last_states), list(last_states.values())),
    )
    return sum(row["draws"] for row in rows), {(row["product"], row["watch"], row["digest"]) for row in rows}


async def counts(db: Db, product: str, watch: int, digest: str) -> list[Count]:
    """All that was counted of a table in a watch."""
    rows = await db.fetch(
        """SELECT state, cell, next_state, is_linked, draws FROM odds_counts
           WHERE product = $1 AND watch = $2 AND digest = $3""",
        *(product, watch, digest),
    )
    return [Count(**dict(row)) for row in rows]


async def note_evidence(db: Db, product: str, evidence_log10: float) -> None:
    """Keep what the last look has found."""
    await db.execute("UPDATE odds_products SET evidence_log10 = $2 WHERE product = $1", product, evidence_log10)


async def standings(db: Db) -> list[Standing]:
    """Every product."""
    rows = await db.fetch(
        "SELECT product, evidence_log10, paused_at IS NOT NULL AS is_paused FROM odds_products ORDER BY product"
    )
    return [Standing(**dict(row)) for row in rows]


async def unwatched(db: Db) -> int:
    """How many draws nobody has counted yet."""
    number: int = await db.fetchval("SELECT count(*) FROM odds_unwatched")
    return number


async def sides(
    db: Db, product: str, challenger: str, *, since: datetime, until: datetime
) -> dict[bool, dict[str, Side]]:
    """For users of the live table and of the challenger: what each figure sums up to, user by user."""
    rows = await db.fetch(
        """WITH users AS (
               SELECT digest = $2 AS is_challenged, count(*)::float8 AS draws, sum(staked)::float8 AS staked,
                      coalesce(sum(returned)::float8 / nullif(sum(staked), 0), 0) AS returned_share
               FROM odds_draws WHERE product = $1 AND drawn_at >= $3 AND drawn_at < $4 GROUP BY user_id, digest = $2)
           SELECT is_challenged, count(*) AS users, sum(draws) AS draws, sum(draws ^ 2) AS draws_squares,
                  sum(staked) AS staked, sum(staked ^ 2) AS staked_squares,
                  sum(returned_share) AS returned_share, sum(returned_share ^ 2) AS returned_share_squares
           FROM users GROUP BY is_challenged""",
        *(product, challenger, since, until),
    )
    nothing = dict.fromkeys(FIGURES, Side(0, 0.0, 0.0))
    found = {
        row["is_challenged"]: {name: Side(row["users"], row[name], row[f"{name}_squares"]) for name in FIGURES}
        for row in rows
    }
    return {False: nothing, True: nothing, **found}


FIGURES = ("draws", "staked", "returned_share")
"""What a trial compares: draws of a user, what they staked, and the share of it that came back."""
