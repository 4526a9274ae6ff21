"""Whatever the document allows, and much that it doesn't, is answered as the document says, and never with a 5xx."""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from casino_club.infra.db.database import Database
from casino_club.kernel.subject import Role
from tests.builders.actions import a_log
from tests.features.actions.club import NO_KAFKA, TOKEN_SECRET, VAULT_SECRET, a_key, as_user
from tests.features.identity.people import open_house
from tests.infra.waiting import wait_for

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 25
EXAMPLES_REFUSED = 2
"""Where the caller has no business: nothing that they send is looked at."""
STAFF_ID_MIN = 1_000_000
"""Beyond the users whom anybody's examples name, so that staff don't ban themselves."""
SEED = int(os.environ.get("CASINO_CLUB_TEST_SEED", "20261120"))
CALLED = {
    "service": {"POST /api/actions", "POST /api/actions/batch", "GET /api/actions"},
    "user": {"POST /api/actions", "GET /api/actions", "POST /api/users/login", "POST /api/games/slot/spin"},
    "staff": {"GET /api/admin/refused-actions", "GET /api/admin/audit"},
}
STILL_LET_IN = {"service": "/api/actions?user_id=5", "user": "/api/actions", "staff": "/api/admin/refused-actions"}
Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@dataclass(frozen=True)
class Served:
    """Where the application listens, and who may call it."""

    url: str
    callers: Mapping[str, dict[str, str]]


@pytest.fixture
async def served(database: Database, database_url: str, redis_url: str) -> AsyncIterator[Served]:
    await a_log(database).make_room()
    callers = {
        "service": await a_key(database, "everything"),
        "user": as_user(5),
        "staff": await as_staff(database, database_url, redis_url),
    }
    with serving(database_url, redis_url) as url:
        yield Served(url, callers)


async def as_staff(database: Database, database_url: str, redis_url: str) -> dict[str, str]:
    """Of somebody with every role."""
    async with database.transaction() as db:
        await db.execute("SELECT setval(pg_get_serial_sequence('users', 'id'), $1)", STAFF_ID_MIN)
    async with open_house(database, database_url, redis_url) as house:
        person = await house.staff(*Role)
    return {"authorization": f"Bearer {person.access_token}"}


@contextmanager
def serving(database_url: str, redis_url: str) -> Iterator[str]:
    """The application in a process of its own, as operators run it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secrets = {"TOKEN_SECRET": TOKEN_SECRET, "VAULT_SECRET": VAULT_SECRET}
    secrets["AGE_VERIFIER"] = "sandbox"  # without one, asking for proof of age answers 503, as it must
    secrets["PAYMENT_PROVIDER"] = "sandbox"  # and so does buying for money
    named = {"MODE": "cluster", "DATABASE_URL": database_url, "REDIS_URL": redis_url, "KAFKA_URL": NO_KAFKA, **secrets}
    environment = {f"CASINO_CLUB_{name}": text for name, text in {**named, "PORT": str(port)}.items()}
    command = [sys.executable, "-m", "casino_club.entry.cli", "serve"]
    server = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: server.poll() is not None or is_ready(f"http://127.0.0.1:{port}"))
        assert server.poll() is None, "the server ended while starting"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def put_to_the_test(served: Served, caller: str, mode: GenerationMode) -> dict[str, int]:
    """Call every operation many times; how often each was called to which this caller is let in."""
    schema: BaseSchema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    calls: dict[str, int] = {}
    with requests.Session() as session:
        for operation in (found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)):
            is_let_in = caller in let_in(operation)
            if caller == "staff" and not is_let_in:
                continue  # They are users there, who might log out.
            examples = EXAMPLES if is_let_in else EXAMPLES_REFUSED
            made = call_often(operation, session, served.callers[caller], mode, examples)
            calls |= {operation.label: made} if is_let_in else {}
    return calls


def let_in(operation: Operation) -> set[str]:
    """Who passes the door of a route."""
    declared = operation.definition.raw
    if declared["x-audience"] == "staff":
        return {"staff"} | ({"service"} if "x-scope" in declared else set())
    return {"public": {"user"}, "user": {"user"}, "service": {"service"}, "caller": {"user", "service"}}[
        declared["x-audience"]
    ]


def call_often(
    operation: Operation, session: requests.Session, headers: dict[str, str], mode: GenerationMode, examples: int
) -> int:
    calls = 0

    @seed(SEED)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Case) -> None:
        nonlocal calls
        calls += 1
        response = case.call(session=session, headers=headers, timeout=10)
        case.validate_response(response, checks=CHECKS, headers=headers)

    with suppress(Unsatisfiable):  # where nothing is sent, nothing can be sent wrongly
        call()
    return calls


@pytest.mark.timeout(480)
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("caller", ["service", "user", "staff"])
def test_every_route_answers_as_its_document_says(served: Served, caller: str, mode: GenerationMode) -> None:
    calls = put_to_the_test(served, caller, mode)

    assert CALLED[caller] <= calls.keys()
    if mode is GenerationMode.POSITIVE:
        assert min(calls.values()) >= 1
    assert httpx.get(f"{served.url}{STILL_LET_IN[caller]}", headers=served.callers[caller]).status_code == 200
