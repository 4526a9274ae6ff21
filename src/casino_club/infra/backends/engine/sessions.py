"""The engine itself: sessions on threads of their own, bounded in number. It is the one module that loads chdb.

A session runs one statement at a time, so every thread has its own; inserts have threads that reads can't take.
"""

import os
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import msgspec
import psutil
from chdb import ChdbError
from chdb.session import Session

from casino_club.infra.backends.engine.parts import Part, PartsLookedAt

READS_AT_ONCE = 4
WRITES_AT_ONCE = 2
WAITING_MAX = 64
RESULT_BYTES_MAX = 512 * 1024**2
OWN_MB = 300
"""What the process takes before it does anything; the engine doesn't count it."""
COUNTED_SHARE = 0.75
"""Of the rest, what the engine may count as its own: what its allocator holds beyond that was a quarter at most."""
NEAR_CAP_SHARE = 0.8
TOO_MANY_QUERIES = 202
QUERY_WAS_CANCELLED = 394
UNKNOWN_FAULT = 1001
IN_ORDER = "max_threads = 1, max_insert_threads = 1, input_format_parallel_parsing = 0"
"""The same rows make the same blocks each time, so that their token tells them from others."""

ACTIVE_PARTS = "SELECT path, toInt64(bytes_on_disk) FROM system.parts WHERE active"

_CODE = re.compile(r"Code: (\d+)\.")
_NAME = re.compile(r"\w+\Z")
_parts = msgspec.json.Decoder(Part)
_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*\Z", re.IGNORECASE)


class EngineFault(Exception):
    """What the engine says against a statement, with ClickHouse's code for it."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        found = _CODE.search(text)
        self.code = code or (int(found[1]) if found else UNKNOWN_FAULT)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as a client sends it. With `data` it is an INSERT whose rows are in `data_format`."""

    sql: str
    database: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    data: bytes | None = None
    data_format: str = ""
    default_format: str = "TabSeparated"
    id: str = field(default_factory=lambda: uuid4().hex)

    @property
    def writes(self) -> bool:
        return self.data is not None

    @property
    def result_format(self) -> str:
        found = _FORMAT.search(self.sql)
        return found[1] if found else self.default_format


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement gave: the bytes of its result, or the number of rows that it wrote."""

    result: bytes = b""
    rows_written: int = 0


class Engine:
    """All sessions on one folder."""

    def __init__(self, folder: Path, *, memory_mb_max: int) -> None:
        counted_mb = int((memory_mb_max - OWN_MB) * COUNTED_SHARE)
        self._path = f"{folder}?max_server_memory_usage={counted_mb * 1024**2}"
        self._near_cap_bytes = int(memory_mb_max * NEAR_CAP_SHARE) * 1024**2
        self._process = psutil.Process()
        self._own = threading.local()
        self._keeper = self._session()  # The folder stays open while threads come and go.
        self._reads = ThreadPoolExecutor(READS_AT_ONCE, "read")
        self._writes = ThreadPoolExecutor(WRITES_AT_ONCE, "write")
        self._cancelling = ThreadPoolExecutor(1, "cancel")
        self._waiting: dict[str, Future[Outcome]] = {}
        self._cancelled: set[str] = set()
        self._looked_at = PartsLookedAt()

    def submit(self, statement: Statement) -> "Future[Outcome]":
        """Run it on a free thread. Raises EngineFault at once if too many wait already."""
        if len(self._waiting) >= WAITING_MAX:
            raise EngineFault("Too many simultaneous queries; try again.", TOO_MANY_QUERIES)
        pool = self._writes if statement.writes else self._reads
        future = pool.submit(self._run, statement)
        self._waiting[statement.id] = future
        future.add_done_callback(lambda _: self._forget(statement.id))
        return future

    def cancel(self, statement_id: str) -> None:
        """Nobody waits for it any more: it ends soon, or never begins."""
        self._cancelled.add(statement_id)
        waiting = self._waiting.get(statement_id)
        if waiting is None or waiting.cancel():
            self._cancelled.discard(statement_id)
        else:
            self._cancelling.submit(self._kill, statement_id)

    def end_all(self) -> None:
        """Cancel all that runs or waits."""
        for statement_id in list(self._waiting):
            self.cancel(statement_id)

    def is_near_cap(self) -> bool:
        """Whether the process has most of the memory that it may take."""
        return self._process.memory_info().rss > self._near_cap_bytes

    def give_memory_back(self) -> None:
        """Have the allocator return to the system what it holds for later."""
        self._keeper.query("SYSTEM JEMALLOC PURGE")

    def broken_parts(self) -> Sequence[Part]:
        """Parts that were written since the last call and are not whole. To close would do away with what they were."""
        listed = self._keeper.query(ACTIVE_PARTS, "JSONCompactEachRow").bytes()
        return self._looked_at.broken(_parts.decode_lines(listed or b""))

    def close(self) -> None:
        """Close the folder, once what runs has ended."""
        self._writes.shutdown(cancel_futures=True)
        self._reads.shutdown(cancel_futures=True)
        self._cancelling.shutdown()
        self._keeper.close()

    def _forget(self, statement_id: str) -> None:
        self._waiting.pop(statement_id, None)
        self._cancelled.discard(statement_id)

    def _session(self) -> Session:
        found: Session | None = getattr(self._own, "session", None)
        if found is None:
            found = self._own.session = Session(self._path)
        return found

    def _run(self, statement: Statement) -> Outcome:
        if statement.id in self._cancelled:
            raise EngineFault("Query was cancelled", QUERY_WAS_CANCELLED)
        session, settings = self._session(), _settings_of(statement)
        try:
            session.query(f"USE `{_quoted(statement.database or 'default', '`')}`")
            session.query("SET " + ", ".join(f"{name} = '{_quoted(value)}'" for name, value in settings.items()))
            return _insert(session, statement) if statement.writes else _query(session, statement)
        except (ChdbError, RuntimeError) as fault:
            raise EngineFault(str(fault)) from None
        finally:
            session.query("SET " + ", ".join(f"{name} = DEFAULT" for name in settings))

    def _kill(self, statement_id: str) -> None:
        self._session().query(f"KILL QUERY WHERE Settings['log_comment'] = '{statement_id}' ASYNC")


def _settings_of(statement: Statement) -> dict[str, str]:
    """Those of the statement, and its id, by which it can be found when it has to end."""
    for name in statement.settings:
        if not _NAME.match(name):
            raise EngineFault(f"Code: 115. {name!r} is no setting")
    return {"max_result_bytes": str(RESULT_BYTES_MAX), **statement.settings, "log_comment": statement.id}


def _insert(session: Session, statement: Statement) -> Outcome:
    """From a file in memory: the engine's streaming insert would say that all is well when the disk is full."""
    assert statement.data is not None
    body = os.memfd_create("insert")
    try:
        with os.fdopen(body, "wb", closefd=False) as file:
            file.write(statement.data)
        source = f"file('/proc/self/fd/{body}', '{_quoted(statement.data_format)}')"
        found = session.query(f"{statement.sql} SELECT * FROM {source} SETTINGS {IN_ORDER}")  # noqa: S608 - the client's own
        return Outcome(rows_written=found.rows_written())
    finally:
        os.close(body)


def _query(session: Session, statement: Statement) -> Outcome:
    found = session.query(statement.sql, statement.default_format, params=dict(statement.parameters))
    return Outcome(found.bytes() or b"")


def _quoted(text: str, mark: str = "'") -> str:
    return text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
