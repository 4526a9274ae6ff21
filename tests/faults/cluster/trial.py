"""One club that suffers: after each fault everything works again by itself, and every place holds what it must."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from confluent_kafka import Message

from casino_club.entry.cli import asking
from casino_club.features.actions.jobs import warehouse as projection
from casino_club.infra import runtime
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db.database import Database
from casino_club.infra.ports import WarehouseAway
from casino_club.infra.warehouse.warehouse import Warehouse
from tests.builders.kafka import messages, rows_in
from tests.faults import checker
from tests.faults.checker import Finding, summary
from tests.faults.cluster import accounts, elsewhere
from tests.faults.cluster.club import Club
from tests.faults.cluster.elsewhere import Elsewhere, Sent
from tests.faults.load import PROBE_USER, Load
from tests.faults.truth import read_state, seconds_until_shown, settled
from tests.features.actions.warehoused import USER_DAYS, USERS, Place
from tests.infra.waiting import until

RECOVERY_SECONDS_MAX = 60.0
AT_POST_SECONDS_MAX = 60.0
TOPIC_SECONDS_MAX = 20.0
LOOK_SECONDS = 0.05
BALANCER_SECONDS = 0.5
CLIENTS = 4
"""Enough that something is always under way; more would only make each check take longer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one fault."""

    fault: str
    seconds: float
    acknowledged: int
    lost: int
    doubled: int


@dataclass
class Trial:
    """A club, its load, and what has come of its faults."""

    club: Club
    load: Load
    place: Place
    outcomes: list[Outcome]
    rng: Random = field(default_factory=lambda: Random("cluster"))
    parked: list[int] = field(default_factory=list)
    """Rows that are parked rightly."""
    is_resent: bool = False
    """Whether the topic holds rows more than once by our own doing."""

    async def suffer(
        self, fault: str, strike: Callable[["Trial"], Awaitable[float]], *, is_checked: bool = True
    ) -> None:
        """The fault under load; `strike` tells since when recovery counts. Then, once all is quiet, the check."""
        before = self.load.ledger.acknowledged
        async with self.under_load():
            began = await strike(self)
            try:
                seconds = await self._recovered(began)
            except TimeoutError:
                raise AssertionError(f"after {fault}: not as before within {RECOVERY_SECONDS_MAX:.0f} s") from None
        found = await self.check() if is_checked else []
        wrong = [sum(each.kind == kind for each in found) for kind in ("lost", "doubled")]
        self.outcomes.append(Outcome(fault, seconds, self.load.ledger.acknowledged - before, *wrong))
        assert not found, f"after {fault}: {summary(found)}"

    @asynccontextmanager
    async def under_load(self) -> AsyncIterator[None]:
        """Everybody reads the topic, clients send, and some more was acknowledged."""
        await self._in_topic()
        async with self.load.running(clients=CLIENTS), _balancing(self.club):
            enough = self.load.ledger.acknowledged + self.rng.randint(5, 100)
            await until(lambda: self.load.ledger.acknowledged >= enough or self.load.ledger.faults)
            yield

    async def _in_topic(self) -> None:
        """Until every follower of the log reads the topic."""
        async with asyncio.timeout(AT_POST_SECONDS_MAX), self.club.database() as db:
            while await db.fetchval(_OUT_OF_TOPIC):  # noqa: ASYNC110 - other processes get there
                await asyncio.sleep(LOOK_SECONDS)

    async def _recovered(self, began: float) -> float:
        """Until a new action was acknowledged, and shown by the hot store and by the warehouse."""
        async with asyncio.timeout(RECOVERY_SECONDS_MAX):
            action_id = await self.load.probe()
            await seconds_until_shown(self.club, PROBE_USER, action_id, since=began)
            while not await self._has_arrived(action_id):  # noqa: ASYNC110 - as above
                await asyncio.sleep(LOOK_SECONDS)
        return time.monotonic() - began

    async def _has_arrived(self, action_id: int) -> bool:
        try:
            return bool(await self.place.rows(f"SELECT id FROM actions WHERE id = {action_id}"))
        except (WarehouseAway, TimeoutError):
            return False

    async def check(self) -> list[Finding]:
        """All that is wrong once nothing moves any more."""
        warehouse = Warehouse(self.place.database, self.place.store)
        await accounts.look(self.place.database, warehouse)  # The consumer does it only every few seconds.
        await settled(self.club)
        state, held, parked = await read_state(self.club), await self._elsewhere(), await self._parked()
        open_accounts = await accounts.unaccounted(
            self.place.database, warehouse, rows=len(held.log), parked=len(self.parked)
        )
        return [
            *(each for each in checker.findings(self.load.ledger, state) if each.kind != "parked"),
            *([Finding("parked", f"{parked}, not {self.parked}")] if parked != self.parked else []),
            *elsewhere.findings(held, is_resent=self.is_resent, without=self.parked),
            *(Finding("unaccounted", each) for each in open_accounts),
        ]

    async def _parked(self) -> list[int]:
        async with self.club.database() as db:
            rows = await db.fetch("SELECT action_id FROM parked_rows WHERE consumer = $1 ORDER BY 1", projection.name)
            others = await db.fetchval("SELECT count(*) FROM parked_rows WHERE consumer <> $1", projection.name)
        assert not others, f"{others} rows are parked for others than the warehouse"
        return [row[0] for row in rows]

    async def _elsewhere(self) -> Elsewhere:
        log = await self.place.logged()
        return Elsewhere(
            log,
            await self._topic(len(log)),
            *[await self.place.rows(sql) for sql in (elsewhere.ACTIONS, USER_DAYS, USERS)],
        )

    async def _topic(self, rows: int) -> Sequence[Sent]:
        """What is committed shows a moment after the relay was told that it is."""
        deadline = time.monotonic() + TOPIC_SECONDS_MAX
        while True:
            found = await asyncio.to_thread(messages, self.club.kafka)
            sent = [_sent(message) for message in found if message.value() is not None and message.headers()]
            if len({each.row["id"] for each in sent}) >= rows or time.monotonic() > deadline:
                return sent
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def _balancing(club: Club) -> AsyncIterator[None]:
    """The API is asked whether it is ready, as a balancer does it: without that it would have no need of Redis."""

    async def ask() -> None:
        while True:
            await asking.ready_status(club.settings)
            await asyncio.sleep(BALANCER_SECONDS)

    task = asyncio.create_task(ask())
    try:
        yield
    finally:
        task.cancel()


def _sent(message: Message) -> Sent:
    partition, key, [row] = message.partition(), message.key(), rows_in([message])
    headers: dict[str, Any] = dict(message.headers() or ())
    assert partition is not None
    assert isinstance(key, bytes)
    return Sent(partition, key, headers["life"], row)


_OUT_OF_TOPIC = """SELECT count(*) < 2 OR bool_or(topic IS NULL OR delivering IS NOT NULL)
                   FROM log_positions WHERE generation = 0 AND consumer IN ('hot', 'warehouse')"""


@asynccontextmanager
async def a_trial(club: Club, outcomes: list[Outcome], *, seed: str, tells_times: bool = True) -> AsyncIterator[Trial]:
    """A trial in this club, at which nothing has happened yet."""
    key, _ = await club.make_key()
    url = runtime.warehouse_url(club.settings)
    assert url is not None
    database = Database(runtime.database_url(club.settings), connections_max=3)
    async with database, ClickHouseWarehouse(url) as store:
        load = Load(club.port, key, seed=seed, host=club.settings.host, tells_times=tells_times)
        yield Trial(club, load, Place(database, store), outcomes, Random(seed))
