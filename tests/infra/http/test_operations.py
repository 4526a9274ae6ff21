"""Operators learn what is up, even while something is down."""

import asyncio
import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from casino_club.infra.http.home import preferred_language
from casino_club.infra.http.operations import CHECK_SECONDS_MAX
from casino_club.infra.telemetry.metrics import sample
from tests.infra.http.application import application, client


async def answers() -> None:
    pass


async def refuses() -> None:
    raise ConnectionRefusedError


async def hangs() -> None:
    await asyncio.Event().wait()


async def lag() -> Iterable[Metric]:
    return [sample("casino_club_log_lag_rows", {("hot",): 12.0})]


async def broken_lag() -> Iterable[Metric]:
    raise ConnectionRefusedError


async def hanging_lag() -> Iterable[Metric]:
    await asyncio.Event().wait()
    return []


async def test_health_asks_nobody() -> None:
    async with client(application(readiness={"postgresql": refuses})) as http:
        answer = await http.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_ready_when_every_dependency_answers() -> None:
    async with client(application(readiness={"postgresql": answers, "redis": answers})) as http:
        answer = await http.get("/readyz")

    assert (answer.status_code, answer.json()["is_ready"]) == (200, True)
    assert all(one["state"] == "up" for one in answer.json()["dependencies"].values())


async def test_not_ready_names_who_is_down_and_waits_no_longer_than_its_bound() -> None:
    checks = {"postgresql": answers, "redis": refuses, "warehouse": hangs}

    async with client(application(readiness=checks)) as http:
        answer = await http.get("/readyz")

    found = answer.json()["dependencies"]
    assert answer.status_code == 503
    assert {name: one["state"] for name, one in found.items()} == {
        "postgresql": "up",
        "redis": "down",
        "warehouse": "down",
    }
    assert CHECK_SECONDS_MAX <= found["warehouse"]["latency_ms"] / 1000 < CHECK_SECONDS_MAX + 0.5


async def test_without_the_warehouse_it_is_degraded_and_ready() -> None:
    async with client(application(readiness={"postgresql": answers, "warehouse": refuses})) as http:
        answer = await http.get("/readyz")

    assert answer.status_code == 200
    assert (answer.json()["is_ready"], answer.json()["is_degraded"]) == (True, True)


async def test_many_who_ask_at_once_cost_one_question() -> None:
    asked = 0

    async def counts() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)

    async with client(application(readiness={"postgresql": counts})) as http:
        await asyncio.gather(*(http.get("/readyz") for _ in range(20)))

    assert asked == 1


async def test_metrics_are_exposed_with_what_is_computed_on_asking() -> None:
    async with client(application(collectors={"lag": lag})) as http:
        answer = await http.get("/metrics")

    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    assert answer.headers["content-type"].startswith("text/plain")
    assert [one.value for one in samples if one.name == "casino_club_log_lag_rows"] == [12.0]
    assert [one.value for one in samples if one.name == "casino_club_http_requests_in_flight"] == [1.0]


async def test_what_is_down_does_not_break_the_scrape() -> None:
    async with client(application(collectors={"lag": lag, "broken": broken_lag, "hanging": hanging_lag})) as http:
        answer = await http.get("/metrics")

    up = {
        sample.labels["collector"]: sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if family.name == "casino_club_collector_up"
    }
    assert up == {"lag": 1.0, "broken": 0.0, "hanging": 0.0}
    assert "casino_club_log_lag_rows" in answer.text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (b"", b"en"),
        (b"ko", b"ko"),
        (b"ko-KR,ko;q=0.9,en;q=0.8", b"ko"),
        (b"en-GB,en;q=0.9,ko;q=0.8", b"en"),
        (b"fr, ko;q=0.5, en;q=0.4", b"ko"),
        (b"fr", b"en"),
        (b"ko;q=0", b"en"),
        (b"ko;q=x", b"en"),
    ],
)
def test_the_page_speaks_the_language_that_is_ranked_higher(accepted: bytes, language: bytes) -> None:
    assert preferred_language(accepted) == language


async def test_the_page_is_in_the_language_asked_for() -> None:
    async with client(application()) as http:
        answer = await http.get("/", headers={"accept-language": "ko"})

    assert '<html lang="ko">' in answer.text
    assert (answer.headers["content-language"], answer.headers["vary"]) == ("ko", "accept-language")


async def test_the_page_runs_its_own_script_and_nothing_else() -> None:
    async with client(application()) as http:
        answer = await http.get("/")

    policy = answer.headers["content-security-policy"]
    for kind in ("script", "style"):
        (text,) = re.findall(rf"<{kind}>(.*?)</{kind}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


async def test_the_page_names_no_other_host() -> None:
    async with client(application()) as http:
        answer = await http.get("/")

    assert set(re.findall(r"https?://[\w.]+", answer.text)) == {"http://www.w3.org"}  # a name space, never fetched


def test_the_page_holds_no_attribute_that_its_policy_would_stop() -> None:
    page = Path("src/casino_club/infra/http/home.html").read_text()

    assert not re.search(r"<[^>]+\s(style|on\w+)=", page)
