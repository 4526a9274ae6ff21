"""A small application, served as ours is: `python -m tests.infra.http.served PORT [SECONDS OF A HEAD]`."""

import asyncio
import sys

import uvloop

from casino_club.infra.http.routes import Audience, Routes
from casino_club.infra.http.server import HEAD_SECONDS_MAX, run_until_stopped
from tests.infra.http.application import application

routes = Routes(tags=["slow"])


@routes.get("/slow/{seconds}", audience=Audience.PUBLIC, summary="Takes its time", answers={200: dict})
async def read_slowly(seconds: float) -> dict[str, float]:
    await asyncio.sleep(seconds)
    return {"seconds": seconds}


@routes.post("/sink", audience=Audience.PUBLIC, summary="Takes a body", answers={200: dict}, body=dict)
async def write_body(body: bytes) -> dict[str, int]:
    return {"bytes": len(body)}


if __name__ == "__main__":
    head_seconds_max = float(sys.argv[2]) if len(sys.argv) > 2 else HEAD_SECONDS_MAX
    serving = run_until_stopped(application(routes), "127.0.0.1", int(sys.argv[1]), head_seconds_max=head_seconds_max)
    uvloop.run(serving)
