"""A small application, served as ours is: `python -m tests.infra.http.served PORT`."""

import asyncio
import sys

import uvloop

from casino_club.infra.http.routes import Audience, Routes
from casino_club.infra.http.server import run_until_stopped
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
    uvloop.run(run_until_stopped(application(routes), "127.0.0.1", int(sys.argv[1])))
