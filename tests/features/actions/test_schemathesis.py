"""Whatever the document allows, and much that it doesn't, is answered as the document says, and never with a 5xx."""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
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
from tests.builders.actions import a_log
from tests.features.actions.club import NO_KAFKA, TOKEN_SECRET, VAULT_SECRET, a_key, as_user
from tests.infra.waiting import wait_for

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 25
SEED = int(os.environ.get("CASINO_CLUB_TEST_SEED", "20261120"))
Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@dataclass(frozen=True)
class Served:
    """Where the application listens, and who may call it."""

    url: str
    service: dict[str, str]
    user: dict[str, str]


@pytest.fixture
async def served(database: Database, database_url: str, redis_url: str) -> AsyncIterator[Served]:
    await a_log(database).make_room()
    service = await a_key(database, "everything")
    with serving(database_url, redis_url) as url:
        yield Served(url, service, as_user(5))


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


def put_to_the_test(url: str, headers: dict[str, str], mode: GenerationMode) -> dict[str, int]:
    """Call every operation many times; how often each was called."""
    schema: BaseSchema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    with requests.Session() as session:
        return {
            operation.label: call_often(operation, session, headers, mode)
            for operation in (found.ok() for found in schema.get_all_operations() if isinstance(found, Ok))
        }


def call_often(operation: Operation, session: requests.Session, headers: dict[str, str], mode: GenerationMode) -> int:
    calls = 0

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
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
@pytest.mark.parametrize("caller", ["service", "user"])
def test_every_route_answers_as_its_document_says(served: Served, caller: str, mode: GenerationMode) -> None:
    calls = put_to_the_test(served.url, getattr(served, caller), mode)

    assert {"POST /api/actions", "POST /api/actions/batch", "GET /api/actions"} <= calls.keys()
    if mode is GenerationMode.POSITIVE:
        assert min(calls.values()) >= 1
