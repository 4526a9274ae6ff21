"""The provider for trials is as tiresome as a real one: it is late, doubles, loses, forgets nothing, and signs."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web

from casino_club.infra.backends.payments.courier import COPIES, Courier, reached_at
from casino_club.infra.backends.payments.sandbox import FATES, LATE_AFTER, SandboxPayments
from casino_club.infra.payments import PaymentsAway, PaymentState, PaymentWanted
from casino_club.infra.webhooks import TOLERANCE, WebhookForged, check_signature, signed
from tests.features.shop.counter import SECRET, a_purchase_key, a_sandbox

AT = 1_800_000_000.0
P = PaymentState


@dataclass
class Wall:
    """A clock in the test's hands."""

    at: float = AT

    def __call__(self) -> float:
        return self.at

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def sandbox(tmp_path: Path, wall: Wall) -> SandboxPayments:
    return a_sandbox(tmp_path, wall)


def wanted(wall: Wall, method: str = "card", amount_krw: int = 9_900) -> PaymentWanted:
    return PaymentWanted(a_purchase_key(), amount_krw, method, wall.now + timedelta(minutes=15))


async def standing(sandbox: SandboxPayments, key: UUID) -> tuple[PaymentState, int] | None:
    found = await sandbox.find(key)
    return None if found is None else (found.state, found.refunded_krw)


@pytest.mark.parametrize(
    ("method", "at_once", "soon", "later"),
    [
        ("card", (P.PENDING, 0), (P.PAID, 0), (P.PAID, 0)),
        ("card-declined", (P.PENDING, 0), (P.FAILED, 0), (P.FAILED, 0)),
        ("card-forgotten", (P.PENDING, 0), (P.PENDING, 0), (P.PENDING, 0)),
        ("card-charged-back", (P.PENDING, 0), (P.PAID, 0), (P.PAID, 9_900)),
        ("card-partly-refunded", (P.PENDING, 0), (P.PAID, 0), (P.PAID, 4_950)),
    ],
)
async def test_each_way_to_pay_has_its_fate(
    sandbox: SandboxPayments, wall: Wall, method: str, at_once: object, soon: object, later: object
) -> None:
    payment = wanted(wall, method)
    await sandbox.create(payment)
    seen = [await standing(sandbox, payment.key)]

    for seconds in (2, 60):
        wall.at = AT + seconds
        seen.append(await standing(sandbox, payment.key))

    assert seen == [at_once, soon, later]


async def test_an_answer_may_be_lost_and_the_payment_begin_all_the_same(sandbox: SandboxPayments, wall: Wall) -> None:
    lost, away = wanted(wall, "card-answer-lost"), wanted(wall, "card-away")

    for payment in (lost, away):
        with pytest.raises(PaymentsAway):
            await sandbox.create(payment)

    assert await standing(sandbox, lost.key) == (P.PENDING, 0)
    assert await standing(sandbox, away.key) is None


async def test_a_transfer_comes_late_even_if_it_was_cancelled(sandbox: SandboxPayments, wall: Wall) -> None:
    payment = wanted(wall, "transfer-late")
    await sandbox.create(payment)
    cancelled = await sandbox.cancel(payment.key)
    wall.at = payment.expires_at.timestamp() + LATE_AFTER

    assert cancelled.state is P.CANCELLED
    assert await standing(sandbox, payment.key) == (P.PAID, 0)


async def test_everything_is_once_however_often_it_is_asked_for(sandbox: SandboxPayments, wall: Wall) -> None:
    payment = wanted(wall)
    for _ in range(3):
        await sandbox.create(payment)
    wall.at += 5

    for _ in range(3):
        refunded = await sandbox.refund(payment.key, 9_900)
        assert (refunded.state, refunded.refunded_krw) == (P.PAID, 9_900)
    assert (await sandbox.cancel(payment.key)).state is P.PAID


async def test_what_was_cancelled_before_it_began_does_not_begin(sandbox: SandboxPayments, wall: Wall) -> None:
    payment = wanted(wall)

    await sandbox.cancel(payment.key)

    assert (await sandbox.create(payment)).state is P.CANCELLED
    wall.at += 60
    assert await standing(sandbox, payment.key) == (P.CANCELLED, 0)


async def test_it_forgets_nothing_and_no_torn_line_takes_another_with_it(tmp_path: Path, wall: Wall) -> None:
    first, second = wanted(wall), wanted(wall)
    await a_sandbox(tmp_path, wall).create(first)
    with (tmp_path / "payments.jsonl").open("ab") as file:
        file.write(b'{"what":"created","ke')

    again = a_sandbox(tmp_path, wall)
    await again.create(second)

    assert await standing(again, first.key) == await standing(again, second.key) == (P.PENDING, 0)


@dataclass
class Listener:
    """Where webhooks arrive; takes none as long as it is not open."""

    url: str = ""
    is_open: bool = True
    heard: list[tuple[dict[bytes, bytes], bytes]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        headers = {name.lower().encode(): value.encode() for name, value in request.headers.items()}
        self.heard.append((headers, await request.read()))
        return web.Response(status=204 if self.is_open else 503)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener, app = Listener(), web.Application()
    app.router.add_post("/", listener.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield listener
    finally:
        await runner.cleanup()


async def test_webhooks_come_twice_and_until_they_are_taken(sandbox: SandboxPayments, wall: Wall) -> None:
    payment = wanted(wall, "card-charged-back")
    await sandbox.create(payment)
    async with listening() as listener, aiohttp.ClientSession() as session:
        courier = Courier(sandbox, listener.url, wall=wall)
        nothing_yet = await courier.go(session)
        listener.is_open, wall.at = False, AT + 3
        refused = await courier.go(session)
        listener.is_open, wall.at = True, AT + 30
        taken = await courier.go(session)
        restarted = await Courier(sandbox, listener.url, wall=wall).go(session)

    assert (nothing_yet, refused, taken, restarted) == (0, 0, 2, 0)
    assert len(listener.heard) == 3 * COPIES
    for headers, body in listener.heard[COPIES:]:
        assert sandbox.key_in(headers, body, now=wall.now) == payment.key


async def test_a_webhook_that_is_not_the_providers_is_refused(sandbox: SandboxPayments, wall: Wall) -> None:
    headers, body = sandbox.webhook(a_purchase_key(), "paid", at=wall.now)
    later, earlier = wall.now + TOLERANCE + timedelta(seconds=2), wall.now - TOLERANCE - timedelta(seconds=2)
    other = signed(b"another secret", "x", body, at=wall.now)
    forged = [
        ({}, body, wall.now),
        (other, body, wall.now),
        (headers, body + b" ", wall.now),
        ({**headers, b"webhook-id": b"y"}, body, wall.now),
        ({**headers, b"webhook-timestamp": b"1799999999"}, body, wall.now),
        ({**headers, b"webhook-timestamp": b"-1"}, body, wall.now),
        ({**headers, b"webhook-timestamp": b"9" * 30}, body, wall.now),
        ({**headers, b"webhook-signature": b"v1," + b"A" * 43 + b"="}, body, wall.now),
        ({**headers, b"webhook-signature": b"v1,!"}, body, wall.now),
        ({**headers, b"webhook-signature": b"v2" + headers[b"webhook-signature"][2:]}, body, wall.now),
        (headers, body, later),
        (headers, body, earlier),
    ]

    for some_headers, some_body, now in forged:
        with pytest.raises(WebhookForged):
            sandbox.key_in(some_headers, some_body, now=now)
    assert sandbox.key_in(headers, body, now=wall.now + TOLERANCE - timedelta(seconds=2))


def test_while_a_secret_takes_anothers_place_either_is_known(wall: Wall) -> None:
    for secret in (SECRET, b"a newer one"):
        headers = signed(secret, "x", b"{}", at=wall.now)
        check_signature([SECRET, b"a newer one"], headers, b"{}", now=wall.now)


def test_a_signature_is_that_of_the_standard() -> None:
    """The example that its own libraries are tested with."""
    at, secret = datetime.fromtimestamp(1614265330, UTC), base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    headers = signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at=at)

    assert headers[b"webhook-signature"] == b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_server_is_reached_where_it_listens() -> None:
    assert [reached_at(host) for host in ("0.0.0.0", "::", "::1", "shop.local")] == [
        "127.0.0.1",
        "[::1]",
        "[::1]",
        "shop.local",
    ]


def test_every_fate_is_a_way_to_pay(sandbox: SandboxPayments) -> None:
    assert set(sandbox.methods) == set(FATES)
