"""Counting what was drawn, and letting a product rest whose draws are not what its table says."""

import logging
from collections.abc import Iterable
from datetime import datetime
from math import inf, log10

from prometheus_client import Metric

from casino_club.features.odds.commands.desk import Shelf
from casino_club.features.odds.rules.watch import Finding, find
from casino_club.features.odds.store import versions, watch
from casino_club.infra.db.database import Database, Db
from casino_club.infra.telemetry.metrics import sample

COUNTED_AT_ONCE = 20_000
BEYOND_LOG10 = 308.0
"""Stands for evidence beyond any number."""

_log = logging.getLogger(__name__)


async def look(db: Db, shelf: Shelf, *, now: datetime) -> int:
    """Count some of the draws that nobody has counted, and judge their tables; how many were counted."""
    tables = [await shelf.table(db, digest) for digest in await watch.digests(db)]
    last_states = {table.digest: table.states - 1 for table in tables if table.is_stateful}

    counted, touched = await watch.count(db, last_states, limit=COUNTED_AT_ONCE)

    findings: dict[str, list[Finding]] = {}
    for product, number, digest in sorted(touched):
        finding = find(await shelf.table(db, digest), await watch.counts(db, product, number, digest))
        findings.setdefault(product, []).append(finding)
    for product, found in findings.items():
        await _judge(db, product, max(found, key=lambda finding: finding.evidence), now=now)
    return counted


async def odds_metrics(database: Database) -> Iterable[Metric]:
    """How each product stands with its watch, for a scrape."""
    async with database.connection() as db:
        found, waiting = await watch.standings(db), await watch.unwatched(db)
    return [
        sample("casino_club_odds_evidence_log10", {(each.product,): each.evidence_log10 for each in found}),
        sample("casino_club_odds_paused", {(each.product,): float(each.is_paused) for each in found}),
        sample("casino_club_odds_unwatched_draws", {(): float(waiting)}),
    ]


async def _judge(db: Db, product: str, finding: Finding, *, now: datetime) -> None:
    """A trial has two tables; the one that is spoken against more strongly counts."""
    evidence_log10 = BEYOND_LOG10 if finding.evidence == inf else log10(max(finding.evidence, 10**-BEYOND_LOG10))
    await watch.note_evidence(db, product, evidence_log10)
    if finding.is_breach:
        because = finding.impossible or f"evidence of 10^{evidence_log10:.1f} against the declared odds"
        if await versions.pause(db, product, because=f"Draws are not what the table says: {because}.", now=now):
            _log.error("product paused: draws are not what its table says", extra={"product": product, "why": because})
