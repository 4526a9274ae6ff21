"""What this slice does as time passes."""

import logging
from datetime import time, timedelta
from functools import partial

from casino_club.features.operations import rules, store
from casino_club.features.operations.commands import conservation
from casino_club.features.operations.commands.places import places_of
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.warehouse.warehouse import Warehouse

logger = logging.getLogger(__name__)

FORGOTTEN_AT_ONCE = 1_000


@job(
    "recheck_conservation",
    daily_at=time(3, 30),
    about="Counts the closed minutes of two days again, so that what was lost later is found.",
)
async def recheck_conservation(work: Work) -> None:
    home = work.stores.warehouse
    warehouse = None if home is None else Warehouse(work.database, home.store)
    opened = await conservation.recheck(work.database, places_of(warehouse), now=work.now)
    if opened:
        logger.error("closed minutes differ", extra={"minutes": opened})


@job("forget_minutes", every=timedelta(hours=1), about="Deletes closed minutes of conservation older than 30 days.")
async def forget_minutes(work: Work) -> None:
    forget = partial(store.forget_minutes, before=work.now - rules.HISTORY_KEPT, limit=FORGOTTEN_AT_ONCE)
    while await work.database.run(forget) == FORGOTTEN_AT_ONCE:
        pass
