"""Importing history: rows of a file through the same judgement and the same append as what senders send.

Chunks are appended one after the other in the order of the file, while those behind them are judged. How far the file
is done is noted in the transaction of the rows.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from casino_club.features.actions.commands.append import ROWS_PER_TURN
from casino_club.features.actions.commands.intake import Sent, Verdict, judged, refusal_of
from casino_club.features.actions.commands.settle import Door, Outcome, Prepared, Status, prepared, settle
from casino_club.features.actions.rules.admission import USERS_SCOPE, ActionPolicy, Admission, ReadyRow, users_key
from casino_club.features.actions.rules.import_report import ImportReport
from casino_club.features.actions.rules.mapping import Mapper
from casino_club.features.actions.rules.refusals import KeyConflict
from casino_club.features.actions.rules.sent import ActionIn, MalformedRow
from casino_club.features.actions.store import writing
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import imports
from casino_club.infra.log.imports import Import
from casino_club.infra.log.partitions import Log
from casino_club.infra.ports import BrokenLine, RefusedRow, RefusedSink, SourceBlock
from casino_club.kernel.clock import from_us, to_us
from casino_club.kernel.errors import Refused
from casino_club.kernel.subject import ServiceSubject

CHUNKS_WAITING_MAX = 2
"""Chunks that are judged and not yet in the log, the one under way among them: a slow commit then stops nobody."""

_TAKEN_IN_FILE = Outcome(Status.CONFLICT, 0)
"""What a dry run finds: no row has an id yet."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What decides about the rows of one file."""

    mapper: Mapper
    subject: ServiceSubject
    policy: ActionPolicy
    file_digest: bytes
    is_of_the_log: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of the file, judged; those that are not refused are prepared."""

    block: SourceBlock
    sent: Sequence[Sent]
    rows: Sequence[ReadyRow | Refused]
    ready: Prepared


class Importing:
    """One import under way: what it has counted, and how far it is noted."""

    def __init__(
        self, judge: Judge, clock: Callable[[], datetime], shown: Callable[[ImportReport, float], None]
    ) -> None:
        self.report = ImportReport()
        self._judge, self._clock, self._shown = judge, clock, shown

    async def record_all(self, log: Log, blocks: Iterable[SourceBlock], *, noted: Import, refused: RefusedSink) -> None:
        """Append what is new; each chunk with the note of how far it is."""
        line, size = noted.line, noted.refused_bytes
        if noted.report:
            self.report = msgspec.json.decode(noted.report, type=ImportReport)

        async def record(chunk: Chunk) -> None:
            nonlocal line, size
            after, to_line = Told(self.report, size), chunk.block.rows[-1][0]

            async def book(db: Db, outcomes: Sequence[Outcome]) -> None:
                nonlocal after
                report = msgspec.convert(msgspec.to_builtins(self.report), ImportReport)
                after = Told(report, refused.put(counted(report, chunk, outcomes), behind=size))
                await imports.move(
                    db,
                    noted.id,
                    from_line=line,
                    to_line=to_line,
                    refused_bytes=after.refused_bytes,
                    report=msgspec.json.encode(report).decode(),
                    now=self._clock(),
                )

            door = Door(len(chunk.rows), len(chunk.rows) - len(chunk.ready.rows), lambda _: (), book)
            await settle(log, chunk.ready, door, policy=self._judge.policy)
            line, self.report, size = to_line, after.report, after.refused_bytes
            self._shown(self.report, chunk.block.share_read)

        await self._run(blocks, record)
        await log.database.run(lambda db: imports.end(db, noted.id, now=self._clock()))

    async def foresee_all(self, database: Database, blocks: Iterable[SourceBlock]) -> None:
        """Say what would become of each row, and write nothing. Repeats that lie far apart are not noticed."""

        async def foresee(chunk: Chunk) -> None:
            counted(self.report, chunk, await _foreseen(database, chunk.ready))
            self._shown(self.report, chunk.block.share_read)

        await self._run(blocks, foresee)

    async def _run(
        self, blocks: Iterable[SourceBlock], deal_with: Callable[[Chunk], Coroutine[Any, Any, None]]
    ) -> None:
        """Judge blocks while those before them are dealt with, one after the other: none after one that failed."""
        under_way: deque[asyncio.Task[None]] = deque()

        async def deal_with_next(before: asyncio.Task[None] | None, chunk: Chunk) -> None:
            if before is not None:
                await before
            await deal_with(chunk)

        try:
            for block in blocks:
                chunk = await judged_chunk(block, self._judge, now=self._clock())
                if len(under_way) == CHUNKS_WAITING_MAX:
                    await under_way.popleft()
                before = under_way[-1] if under_way else None
                under_way.append(asyncio.create_task(deal_with_next(before, chunk)))
                await asyncio.sleep(0)
        finally:
            if under_way:
                await under_way[-1]


class Told(NamedTuple):
    """The report and the size of the file of refused rows, after a chunk."""

    report: ImportReport
    refused_bytes: int


def counted(report: ImportReport, chunk: Chunk, outcomes: Sequence[Outcome]) -> list[RefusedRow]:
    """Add a chunk to the report; its refused rows."""
    accepted = [outcome.status for outcome in outcomes].count(Status.ACCEPTED)
    refused = _refused(chunk, outcomes) if accepted < len(chunk.rows) else []
    for each in refused:
        report.refuse(each.code, each.line, each.message)
    report.rows += len(chunk.rows)
    report.accepted += accepted
    report.duplicate += len(chunk.rows) - accepted - len(refused)
    report.see_types(sent.action_type for sent in chunk.sent if isinstance(sent, ActionIn))
    if taken := chunk.ready.rows:
        times = [row.at_us for row in taken]
        report.see_times(from_us(min(times)), from_us(max(times)))
        report.see_users({row.user_id for row in taken})
    return refused


def _refused(chunk: Chunk, outcomes: Sequence[Outcome]) -> list[RefusedRow]:
    answers = iter(outcomes)
    verdicts = [row if isinstance(row, Refused) else _verdict(next(answers)) for row in chunk.rows]
    return [
        RefusedRow(line, verdict.code, verdict.message, row)
        for (line, row), verdict in zip(chunk.block.rows, verdicts, strict=True)
        if isinstance(verdict, Refused)
    ]


async def judged_chunk(block: SourceBlock, judge: Judge, *, now: datetime) -> Chunk:
    """Everything that can be worked out without the database."""
    admission = Admission(judge.subject, now_us=to_us(now), policy=judge.policy)
    prefix = key_prefix(judge.file_digest)
    sent: list[Sent] = []
    rows: list[ReadyRow | Refused] = []
    for start in range(0, len(block.rows), ROWS_PER_TURN):
        some = block.rows[start : start + ROWS_PER_TURN]
        actions = [_broken(held) if isinstance(held, BrokenLine) else judge.mapper.sent(held) for _, held in some]
        verdicts = [judged(action, admission) for action in actions]
        for (line, held), row in zip(some, verdicts, strict=True):
            if isinstance(row, ReadyRow):
                if judge.is_of_the_log and not isinstance(held, BrokenLine):
                    _keep_scope(row, held["scope"])
                if row.key is None:
                    row.key = (prefix | line).to_bytes(16, "big")
        sent += actions
        rows += verdicts
        await asyncio.sleep(0)
    ready = await prepared([row for row in rows if isinstance(row, ReadyRow)], now=now)
    return Chunk(block, sent, rows, ready)


def key_prefix(file_digest: bytes) -> int:
    """What the keys of a file's rows begin with, if the sender chose none: the rest is the line (version 8).

    They rise with the lines, so that the index of keys grows at one end.
    """
    bits = int.from_bytes(file_digest[:8], "big")
    return bits >> 16 << 80 | 8 << 76 | (bits & 0xFFF) << 64 | 2 << 62


def _keep_scope(row: ReadyRow, scope: int) -> None:
    """A row of a log keeps the namespace that it had: whoever sent it may send it again and finds it."""
    row.scope = scope
    if row.client_action_id is not None:
        row.key = users_key(row.client_action_id, row.user_id) if scope == USERS_SCOPE else row.client_action_id


def _broken(line: BrokenLine) -> MalformedRow:
    return MalformedRow(f"{line.message[:1].upper()}{line.message[1:]}.", b"")


def _verdict(outcome: Outcome) -> Verdict:
    if outcome == _TAKEN_IN_FILE:
        return KeyConflict("client_action_id was used before, for another row of this file.")
    return refusal_of(outcome) or outcome


async def _foreseen(database: Database, ready: Prepared) -> list[Outcome]:
    async with database.connection() as db:
        taken = await writing.find_keys(db, ready.draft.rows)
        erased = await writing.erased_among(db, list(ready.draft.tallies))
    first: dict[tuple[int, bytes], writing.Taken] = dict(taken)
    outcomes: list[Outcome] = []
    for row in ready.rows:
        assert row.key is not None
        held = first.setdefault((row.scope, row.key), writing.Taken(0, row.body_hash))
        is_new = held.id == 0 and held.body_hash is row.body_hash
        same = Status.DUPLICATE if held.body_hash == row.body_hash else Status.CONFLICT
        status = Status.GONE if row.user_id in erased else Status.ACCEPTED if is_new else same
        outcomes.append(Outcome(status, held.id))
    return outcomes
