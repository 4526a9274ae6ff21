"""Runs the rebuilds that were asked for."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from casino_club.infra.db.database import CLIENT_FAULTS, SERVER_AWAY, Db
from casino_club.infra.log import positions, rebuild
from casino_club.infra.log.choice import rebuildable_of
from casino_club.infra.log.detached import check
from casino_club.infra.log.effects import AWAY, HotStoreLost, Stores
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.positions import Held, TakenOver
from casino_club.infra.log.reader import NOTHING
from casino_club.infra.log.subscribe import Subscription
from casino_club.kernel.errors import Refused

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
REBUILD_LOCK = 7_215_511


async def rebuild_when_asked(subscriptions: Sequence[Subscription], stores: Stores) -> None:
    """Run rebuilds until cancelled."""
    known = {each.name: each for each in subscriptions if each.may_be_replayed and stores.take(each)}
    while True:
        try:
            async with stores.database.connection() as db:
                names = await rebuild.asked_for(db)
        except AWAY:
            names = []
        for name in names:
            if name in known:
                await _try_to_run(known[name], stores)
        await asyncio.sleep(LOOK_SECONDS)


async def _try_to_run(subscription: Subscription, stores: Stores) -> None:
    try:
        await run(subscription, stores)
    except (*AWAY, TakenOver) as away:
        logger.warning("rebuild waits", extra={"consumer": subscription.name, "reason": repr(away)})
    except Refused as refused:
        logger.error("rebuild given up", extra={"consumer": subscription.name, "reason": str(refused)})


async def run(subscription: Subscription, stores: Stores) -> bool:
    """Run the rebuild that was asked for to its end. What is refused is given up.

    False if another process is at it, or has done it.
    """
    async with stores.database.connection() as db:
        if not await db.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", REBUILD_LOCK, subscription.name):
            return False
        try:
            # Whoever held the lock until now may have done it.
            if await rebuild.progress(db, subscription.name) is None:
                return False
            await _run(subscription, stores, db)
        except Refused:
            await rebuild.give_up(db, subscription.name)
            raise
        finally:
            with suppress(*SERVER_AWAY, *CLIENT_FAULTS):  # Why we end must not be hidden.
                await db.execute("SELECT pg_advisory_unlock_all()")
    return True


async def _run(subscription: Subscription, stores: Stores, db: Db) -> None:
    name = subscription.name
    held = await positions.take(db, name, rebuild.GENERATION)
    await check(db, stores.files, position=held.position)
    effect = rebuildable_of(subscription, stores, generation=rebuild.GENERATION)
    if _is_at_beginning(held):
        await effect.begin_again(held)
    follower = Follower(subscription, stores, generation=rebuild.GENERATION, page_rows=subscription.page_rows)
    try:
        await follower.deliver_detached(db)
        held = await _caught_up(follower, db)
    except HotStoreLost:
        async with stores.database.transaction() as asking:
            await rebuild.ask_again(asking, name)
        return
    finally:
        await follower.ahead.forget()

    if await effect.show(db, held):
        logger.info("rebuilt", extra={"consumer": name})


def _is_at_beginning(held: Held) -> bool:
    position = held.position
    return held.moves == 0 or (position.delivered == NOTHING and position.delivering is None and position.last_id == 0)


async def _caught_up(follower: Follower, db: Db) -> Held:
    """Deliver until a pass fits into one page. Under load, waiting for an empty one might never end."""
    while True:
        assert follower.held is not None
        before = follower.held.position
        page = await follower.read(db)
        if page.rows:
            follower.ahead.begin(db, page)
            await follower.deliver(page)
        if before.carry_to is None and before.delivering is None and page.after.delivering is None:
            return follower.held
