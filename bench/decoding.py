"""What decoding and checking a batch costs, as a share of all that its ingest costs.

Both are times of the same process: the batch is taken in by the code that the API runs, without HTTP, so that nothing
but our work and PostgreSQL's is in the whole.
"""

import argparse
import asyncio
import gc
import random
import time
from datetime import UTC, datetime

import uvloop

from bench._lab import Lab, fill, lab, median, verdict
from bench.batch_ingest import ROWS, USERS, batch_body, time_ordered, users_of
from casino_club.entry.wiring import open_platform
from casino_club.features.actions.commands import intake
from casino_club.features.actions.rules.admission import ActionPolicy, Admission
from casino_club.features.actions.schemas import decoded_batch
from casino_club.infra.settings import Settings
from casino_club.kernel.clock import to_us
from casino_club.kernel.subject import Scope, ServiceSubject

CALLER = ServiceSubject(key_id=1, namespace=100, scopes=frozenset(Scope))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="batches that are taken in")
    options = parser.parse_args()
    with lab() as here:
        asyncio.run(fill(here.database_url, users=USERS, keys=1_000_000))
        uvloop.run(_measure(here, options.rounds))


async def _measure(_: Lab, rounds: int) -> None:
    draw_users = users_of(random.Random(20_261_120), 2_000)
    rng = random.Random(1)
    checking, whole = [], []
    async with open_platform(Settings()) as platform:
        policy = platform.policies[ActionPolicy]
        gc.freeze()
        for _round in range(rounds):
            body, now = batch_body(draw_users(), time_ordered, rng), datetime.now(UTC)
            began = time.perf_counter()
            admission = Admission(CALLER, now_us=to_us(now), policy=policy)
            for sent in decoded_batch(body, is_ndjson=False):
                intake.judged(sent, admission)
            checking.append(time.perf_counter() - began)

            began = time.perf_counter()
            sent_rows = decoded_batch(body, is_ndjson=False)
            async for _part in intake.take_batch(platform.log, CALLER, sent_rows, now=now, policy=policy):
                pass
            whole.append(time.perf_counter() - began)
    name = f"decoding and checking ÷ ingest of {ROWS:,} actions"
    verdict(name, median(checking) / ROWS * 1e6, median(whole) / ROWS * 1e6, target=0.25, unit="µs/row", at_most=True)


if __name__ == "__main__":
    main()
