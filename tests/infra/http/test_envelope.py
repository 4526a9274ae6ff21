"""Every request has an id, is counted once, and is answered with safe headers."""

import asyncio

import pytest
from prometheus_client import REGISTRY
from starlette.types import Message, Scope

from casino_club.infra.http.routes import Audience, Id, Routes
from casino_club.infra.telemetry.logs import request_id
from tests.infra.http.application import application, client

routes = Routes(tags=["x"])


@routes.get("/api/things/{thing_id}", audience=Audience.PUBLIC, summary="x", answers={200: dict})
async def read_thing(thing_id: Id) -> dict[str, str | None]:
    return {"request_id": request_id.get()}


@routes.post("/api/things", audience=Audience.PUBLIC, summary="x", answers={200: dict}, body=dict)
async def write_thing(body: bytes) -> dict[str, str]:
    return {}


def counted(route: str, method: str, status: str) -> float:
    labels = {"route": route, "method": method, "status": status}
    return REGISTRY.get_sample_value("casino_club_http_request_seconds_count", labels) or 0.0


def in_flight() -> float:
    return REGISTRY.get_sample_value("casino_club_http_requests_in_flight") or 0.0


async def test_a_sane_request_id_is_kept_all_along() -> None:
    async with client(application(routes)) as http:
        answer = await http.get("/api/things/1", headers={"x-request-id": "caller-1234"})

    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "caller-1234"


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space here", "quote\"'<script>", ""])
async def test_another_request_id_is_replaced(given: str) -> None:
    async with client(application(routes)) as http:
        answer = await http.get("/api/things/1", headers={"x-request-id": given})

    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 24


async def test_each_request_is_counted_under_its_template() -> None:
    before = counted("/api/things/{thing_id}", "GET", "2xx")

    async with client(application(routes)) as http:
        for thing in range(1, 4):
            await http.get(f"/api/things/{thing}")

    assert counted("/api/things/{thing_id}", "GET", "2xx") == before + 3
    assert in_flight() == 0


async def test_paths_and_methods_that_nobody_declared_do_not_become_labels() -> None:
    before = counted("unmatched", "other", "4xx")

    async with client(application(routes)) as http:
        for path in range(5):
            await http.request(f"BREW{path}", f"/guess/{path}")

    assert counted("unmatched", "other", "4xx") == before + 5


@pytest.mark.parametrize("path", ["/api/things/1", "/api/nowhere", "/", "/metrics"])
async def test_every_answer_carries_safe_headers(path: str) -> None:
    async with client(application(routes)) as http:
        answer = await http.get(path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert len(answer.headers.get_list("content-security-policy")) == 1
    assert answer.headers.get("cache-control") == ("no-store" if path.startswith("/api") else None)


async def test_one_who_hangs_up_is_counted_and_not_answered() -> None:
    before = counted("/api/things", "POST", "4xx")
    sent: list[Message] = []
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/things",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await application(routes)(scope, receive, send)

    assert sent == []
    assert counted("/api/things", "POST", "4xx") == before + 1
    assert in_flight() == 0


async def test_a_request_that_is_cancelled_is_no_longer_in_flight() -> None:
    entered = asyncio.Event()
    slow = Routes(tags=["x"])

    @slow.get("/api/slow", audience=Audience.PUBLIC, summary="x", answers={200: dict})
    async def read_slow() -> None:
        entered.set()
        await asyncio.Event().wait()

    async with client(application(slow)) as http:
        asking = asyncio.create_task(http.get("/api/slow"))
        await entered.wait()
        asking.cancel()
        await asyncio.wait([asking])

    assert in_flight() == 0
