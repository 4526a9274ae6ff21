"""ClickHouse's HTTP protocol in front of the engine, as far as clients need it: statements in, bytes or a code out."""

import asyncio
import hmac
import json
import logging
from base64 import b64decode

from aiohttp import web

from casino_club.infra.backends.engine.requests import statement_of
from casino_club.infra.backends.engine.sessions import TOO_MANY_QUERIES, Engine, EngineFault, Outcome, Statement

logger = logging.getLogger(__name__)

AUTHENTICATION_FAILED = 516
UNSUPPORTED_METHOD = 1
_STATUSES = {TOO_MANY_QUERIES: 503, AUTHENTICATION_FAILED: 403}


class Front:
    """Answers requests of those who know the secret."""

    def __init__(self, engine: Engine, secret: str, *, body_mb_max: int) -> None:
        self._engine = engine
        self._secret = secret.encode()
        self.app = web.Application(client_max_size=body_mb_max * 1024**2)
        self.app.router.add_get("/ping", self._ping)
        self.app.router.add_route("*", "/", self._answer)

    async def _ping(self, _: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            self._check(request)
            statement = await _statement(request)
            outcome = await self._run(statement)
        except EngineFault as fault:
            return _refusal(fault)
        return _result(statement, outcome)

    async def _run(self, statement: Statement) -> Outcome:
        """A read ends when its client goes away; an insert is finished, since its client will send it again."""
        running = asyncio.wrap_future(self._engine.submit(statement))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if not statement.writes:
                self._engine.cancel(statement.id)
            running.add_done_callback(_look_at)
            raise

    def _check(self, request: web.Request) -> None:
        given = request.headers.get("X-ClickHouse-Key") or request.query.get("password") or _basic(request)
        if not hmac.compare_digest(given.encode(), self._secret):
            raise EngineFault("Authentication failed: this engine is private.", AUTHENTICATION_FAILED)


async def _statement(request: web.Request) -> Statement:
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise EngineFault("Bodies must not be compressed here.", UNSUPPORTED_METHOD)
    arguments = dict(request.query)
    if request.content_type == "multipart/form-data":
        form = await request.post()
        return statement_of(arguments | {name: text for name, text in form.items() if isinstance(text, str)}, b"")
    return statement_of(arguments, await request.read())


def _basic(request: web.Request) -> str:
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return b64decode(encoded).decode().partition(":")[2]
    except ValueError:
        return ""


def _refusal(fault: EngineFault) -> web.Response:
    text = str(fault) if str(fault).startswith("Code:") else f"Code: {fault.code}. DB::Exception: {fault}"
    return web.Response(
        status=_STATUSES.get(fault.code, 500), text=text, headers={"X-ClickHouse-Exception-Code": str(fault.code)}
    )


def _result(statement: Statement, outcome: Outcome) -> web.Response:
    headers = {
        "X-ClickHouse-Query-Id": statement.id,
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Summary": json.dumps({"written_rows": str(outcome.rows_written)}),
    }
    if outcome.result:
        headers["X-ClickHouse-Format"] = statement.result_format
    return web.Response(body=outcome.result, headers=headers)


def _look_at(running: "asyncio.Future[Outcome]") -> None:
    """Nobody waits for this outcome, so a fault in it is told here."""
    if not running.cancelled() and (fault := running.exception()) is not None:
        logger.info("nobody waited for a statement", extra={"reason": str(fault)[:500]})
