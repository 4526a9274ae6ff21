"""What a cluster suffers: each does it, and tells since when recovery counts."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from confluent_kafka import Message, Producer

from tests.builders.kafka import is_in_sync, messages
from tests.faults import disks
from tests.faults.cluster.brokers import NODES
from tests.faults.cluster.points import Point, Wrong
from tests.faults.cluster.site import Line
from tests.faults.cluster.trial import Trial
from tests.faults.load import an_action
from tests.faults.points import Fuse
from tests.infra.waiting import until

Strike = Callable[[Trial], Awaitable[float]]

MOMENT_SECONDS_MAX = 0.03
BURN_SECONDS_MAX = 60.0
PASSES_MAX = 3
PART_SECONDS_MAX = 30.0
IN_SYNC_SECONDS_MAX = 60.0
BURSTS, BURST_MESSAGES = 5, 500
LOOK_SECONDS = 0.2
TAKES_ACTIONS = frozenset({"postgresql"})
"""While these are away, no action is."""
POISONED_USER, POISON = 9_002, '{"amount": "a lot"}'


def kill(name: str) -> Strike:
    """kill -9 of a process at a random moment; it is started again at once."""

    async def strike(trial: Trial) -> float:
        await asyncio.sleep(trial.rng.uniform(0, MOMENT_SECONDS_MAX))
        trial.club.keeper.kill(name)
        return time.monotonic()

    return strike


def kill_at(point: Point | Wrong) -> Strike:
    """kill -9 of whoever comes to the point."""

    async def strike(trial: Trial) -> float:
        fuse = Fuse(trial.club.data_dir)
        fuse.light(point, trial.rng.randint(0, PASSES_MAX))
        await until(lambda: not fuse.burns, seconds_max=BURN_SECONDS_MAX)
        return time.monotonic()

    return strike


async def kill_in_an_insert(trial: Trial) -> float:
    """kill -9 of the warehouse once rows of a page lie on its disk: its views have theirs a moment later."""
    [[paths]] = await trial.place.rows(
        "SELECT data_paths FROM system.tables WHERE name = 'actions' AND database = currentDatabase()"
    )
    await asyncio.to_thread(_wait_for_part, Path(paths[0]))
    await asyncio.sleep(trial.rng.choice((0, 0, 0.002, 0.01)))
    trial.club.keeper.kill("warehouse")
    return time.monotonic()


def _wait_for_part(folder: Path) -> None:
    """Busy for as long as it takes, which is not long under load."""
    known, give_up = _parts(folder), time.monotonic() + PART_SECONDS_MAX
    while _parts(folder) <= known:
        assert time.monotonic() < give_up, "no page came"


def _parts(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir() if each.name[0].isdigit()}


def kill_brokers(*nodes: int) -> Strike:
    """kill -9 of brokers, started again at once if they were all; else only when the others have done without."""

    async def strike(trial: Trial) -> float:
        brokers = trial.club.site.brokers
        began = time.monotonic()
        brokers.kill(*nodes)
        if set(nodes) == set(NODES):
            await asyncio.to_thread(brokers.start_again)
        return began

    return strike


async def all_in_sync(trial: Trial) -> None:
    """Start the brokers that lie dead, and wait until each has all that it should."""
    await asyncio.to_thread(trial.club.site.brokers.start_again)
    async with asyncio.timeout(IN_SYNC_SECONDS_MAX):
        while not await asyncio.to_thread(is_in_sync, trial.club.kafka, len(NODES)):  # noqa: ASYNC110 - other processes get there
            await asyncio.sleep(LOOK_SECONDS)


def lose_packets(share: float, line: Line, *, seconds: float, stops_actions: bool = False) -> Strike:
    """Lose this share of packets on a line for a while; 1.0 cuts it."""

    async def strike(trial: Trial) -> float:
        await until(line.is_in_use)
        await asyncio.to_thread(line.lose, share)
        await (asyncio.sleep(seconds) if stops_actions else _under_load(trial, seconds))
        await asyncio.to_thread(line.heal)
        return time.monotonic()

    return strike


def away(name: str, *, seconds: float) -> Strike:
    """kill -9, and nobody starts it again for a while."""

    async def strike(trial: Trial) -> float:
        async with trial.club.keeper.held(name):
            trial.club.keeper.kill(name)
            await (asyncio.sleep(seconds) if name in TAKES_ACTIONS else _under_load(trial, seconds))
        return time.monotonic()

    return strike


def brokers_away(*, seconds: float) -> Strike:
    """kill -9 of all brokers, and nobody starts them again for a while."""

    async def strike(trial: Trial) -> float:
        brokers = trial.club.site.brokers
        brokers.kill(*NODES)
        await _under_load(trial, seconds)
        began = time.monotonic()
        await asyncio.to_thread(brokers.start_again)
        return began

    return strike


def full_disk(*, seconds: float) -> Strike:
    """Nothing more goes onto the warehouse's disk for a while."""

    async def strike(trial: Trial) -> float:
        ballast = await asyncio.to_thread(disks.fill_up, trial.club.site.warehouse_disk)
        try:
            await _under_load(trial, seconds)
        finally:
            for each in ballast:
                each.unlink()
        return time.monotonic()

    return strike


async def _under_load(trial: Trial, seconds: float) -> None:
    """The fault lasts this long, and actions are taken all the while."""
    before = trial.load.ledger.acknowledged
    await asyncio.sleep(seconds)
    assert trial.load.ledger.acknowledged > before, "nothing was acknowledged meanwhile"


async def send_all_again(trial: Trial) -> float:
    """Every message that the topic holds, once more: the latest in bursts, one upon the other, then all of them."""
    trial.is_resent = True
    for _ in range(BURSTS):
        found = await asyncio.to_thread(messages, trial.club.kafka)
        await asyncio.to_thread(_send_again, trial, found[-BURST_MESSAGES:])
    await asyncio.to_thread(_send_again, trial, found)
    return time.monotonic()


def _send_again(trial: Trial, found: Sequence[Message]) -> None:
    """As they were, headers and all, without a transaction."""
    producer = Producer({"bootstrap.servers": trial.club.kafka.bootstrap, "acks": "all"})
    for message in found:
        partition, headers = message.partition(), message.headers()
        assert partition is not None
        producer.produce(trial.club.kafka.topic, message.value(), message.key(), partition, headers=headers)
    producer.flush()


async def send_garbage(trial: Trial) -> float:
    """Messages that nobody understands, one in each partition."""
    producer = Producer({"bootstrap.servers": trial.club.kafka.bootstrap})
    for partition in range(trial.club.kafka.partitions):
        producer.produce(trial.club.kafka.topic, b"\xff\x00 not ours", b"7", partition)
    await asyncio.to_thread(producer.flush)
    return time.monotonic()


async def poison(trial: Trial) -> float:
    """A row that the warehouse can't take: what nobody may write at the door, written into the log behind it."""
    keeper, action = trial.club.keeper, an_action(trial.rng, POISONED_USER, None, action_type="PURCHASE")
    async with keeper.held("relay"), keeper.held("consumer"):
        keeper.kill("relay")
        keeper.kill("consumer")
        await trial.load.send([action])
        entry = trial.load.ledger.entries[action.client_id]
        assert entry.id is not None
        async with trial.club.database() as db:
            await db.execute("UPDATE user_actions SET metadata = $2::text::jsonb WHERE id = $1", entry.id, POISON)
    entry.action = action._replace(metadata=json.loads(POISON))
    trial.parked.append(entry.id)
    return time.monotonic()
