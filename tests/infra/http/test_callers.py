"""A caller is known quickly, and a revoked or expired one is not known any more."""

import asyncio
import dataclasses
import time
from datetime import UTC, datetime

import pytest

from casino_club.infra.http import callers as callers_module
from casino_club.infra.http.access_tokens import InvalidToken, issue_access_token
from casino_club.infra.http.callers import (
    KEY_VERDICT_SECONDS,
    REMEMBERED_MAX,
    SESSION_VERDICT_SECONDS,
    Callers,
    CallerUnnamed,
    SessionState,
)
from casino_club.infra.http.service_keys import ServiceKey
from casino_club.kernel.subject import Role, ServiceSubject, UserSubject
from tests.infra.http.application import KEY, KEY_SECRET, KEY_TEXT, TOKEN_SECRET


class Keys:
    """A table of keys that counts how often it is asked, and clocks that stand still until moved."""

    def __init__(self) -> None:
        self.rows: dict[int, ServiceKey] = {KEY.id: KEY}
        self.sessions: dict[tuple[int, int], SessionState] = {(5, 3): SessionState(frozenset([Role.SUPPORT]))}
        self.reads = 0
        self.asked = asyncio.Event()
        self.monotonic = 0.0
        self.wall = time.time()
        self.failure: Exception | None = None

    async def find(self, key_id: int) -> ServiceKey | None:
        self.reads += 1
        self.asked.set()
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return self.rows.get(key_id)

    async def find_session(self, user_id: int, session_id: int) -> SessionState | None:
        self.reads += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return self.sessions.get((user_id, session_id))

    def callers(self) -> Callers:
        clocks = {"monotonic": lambda: self.monotonic, "wall": lambda: self.wall}
        return Callers(TOKEN_SECRET, self.find, self.find_session, **clocks)


def a_token(*roles: Role, session_id: int = 3, at: datetime | None = None, minutes: int = 10) -> bytes:
    at = at or datetime.now(UTC)
    return bearer(issue_access_token(TOKEN_SECRET, 5, at, minutes, session_id=session_id, roles=roles))


def bearer(credential: str) -> bytes:
    return b"Bearer " + credential.encode()


async def test_a_key_names_its_service() -> None:
    subject = await Keys().callers().identify(bearer(KEY_TEXT))

    assert subject == ServiceSubject(KEY.id, KEY.namespace, KEY.scopes)


async def test_a_token_names_its_user() -> None:
    assert await Keys().callers().identify(a_token()) == UserSubject(5, 3)


async def test_a_role_counts_while_token_and_session_both_hold_it() -> None:
    callers = Keys().callers()

    both = await callers.identify(a_token(Role.SUPPORT, Role.ADMIN))
    token_alone = await callers.identify(a_token(Role.ADMIN))
    session_alone = await callers.identify(a_token())

    assert both == UserSubject(5, 3, frozenset([Role.SUPPORT]))
    assert token_alone == session_alone == UserSubject(5, 3)


async def test_a_session_that_nobody_knows_lets_nobody_in() -> None:
    with pytest.raises(InvalidToken):
        await Keys().callers().identify(a_token(session_id=4))


async def test_an_ended_session_is_refused_within_a_second() -> None:
    keys = Keys()
    callers = keys.callers()
    await callers.identify(a_token())
    del keys.sessions[5, 3]

    keys.monotonic += SESSION_VERDICT_SECONDS

    assert SESSION_VERDICT_SECONDS < 1
    with pytest.raises(InvalidToken):
        await callers.identify(a_token())


async def test_tokens_of_one_session_share_one_read() -> None:
    keys = Keys()
    callers = keys.callers()

    await asyncio.gather(*(callers.identify(a_token(minutes=1 + number % 9)) for number in range(50)))
    await callers.identify(a_token())

    assert keys.reads == 1


async def test_a_session_that_cant_be_read_lets_nobody_in_and_is_asked_for_again() -> None:
    keys = Keys()
    callers = keys.callers()
    keys.failure = ConnectionRefusedError()
    with pytest.raises(ConnectionRefusedError):
        await callers.identify(a_token())

    keys.failure = None

    assert isinstance(await callers.identify(a_token()), UserSubject)


async def test_a_known_key_is_not_read_again_at_once() -> None:
    keys = Keys()
    callers = keys.callers()

    for _ in range(10):
        await callers.identify(bearer(KEY_TEXT))

    assert keys.reads == 1


async def test_callers_that_arrive_together_share_one_read() -> None:
    keys = Keys()
    callers = keys.callers()

    await asyncio.gather(*(callers.identify(bearer(KEY_TEXT)) for _ in range(50)))

    assert keys.reads == 1


async def test_a_revocation_holds_within_a_second() -> None:
    keys = Keys()
    callers = keys.callers()
    await callers.identify(bearer(KEY_TEXT))
    keys.rows[KEY.id] = dataclasses.replace(KEY, revoked_at=datetime.now(UTC))

    keys.monotonic += KEY_VERDICT_SECONDS

    with pytest.raises(InvalidToken):
        await callers.identify(bearer(KEY_TEXT))


async def test_a_slow_read_is_trusted_from_when_it_began() -> None:
    keys = Keys()
    callers = keys.callers()
    asking = asyncio.create_task(callers.identify(bearer(KEY_TEXT)))
    await keys.asked.wait()
    keys.monotonic += KEY_VERDICT_SECONDS
    await asking

    await callers.identify(bearer(KEY_TEXT))

    assert keys.reads == 2


async def test_a_new_key_is_known_within_a_second_of_being_refused() -> None:
    keys = Keys()
    callers = keys.callers()
    key = keys.rows.pop(KEY.id)
    with pytest.raises(InvalidToken):
        await callers.identify(bearer(KEY_TEXT))
    keys.rows[KEY.id] = key

    keys.monotonic += KEY_VERDICT_SECONDS

    assert isinstance(await callers.identify(bearer(KEY_TEXT)), ServiceSubject)


async def test_guessing_secrets_of_one_key_costs_no_reads() -> None:
    keys = Keys()
    callers = keys.callers()

    for guess in range(20):
        with pytest.raises(InvalidToken):
            await callers.identify(bearer(f"cck_7_{guess:043d}"))

    assert keys.reads == 1


async def test_a_failed_read_lets_nobody_in_and_is_not_remembered() -> None:
    keys = Keys()
    callers = keys.callers()
    keys.failure = ConnectionRefusedError()
    with pytest.raises(ConnectionRefusedError):
        await callers.identify(bearer(KEY_TEXT))

    keys.failure = None

    assert isinstance(await callers.identify(bearer(KEY_TEXT)), ServiceSubject)


async def test_one_who_hangs_up_does_not_take_the_others_along() -> None:
    keys = Keys()
    callers = keys.callers()
    first = asyncio.create_task(callers.identify(bearer(KEY_TEXT)))
    second = asyncio.create_task(callers.identify(bearer(KEY_TEXT)))
    await asyncio.sleep(0)

    first.cancel()

    assert isinstance(await second, ServiceSubject)


async def test_a_remembered_token_ends_when_it_says() -> None:
    keys = Keys()
    callers = keys.callers()
    token = a_token(at=datetime.fromtimestamp(keys.wall, UTC), minutes=1)
    await callers.identify(token)

    keys.wall += 61

    with pytest.raises(InvalidToken):
        await callers.identify(token)


async def test_what_is_remembered_is_bounded() -> None:
    memory: dict[int, int] = {}

    for number in range(REMEMBERED_MAX + 5):
        callers_module._remember(memory, number, number)

    assert (len(memory), next(iter(memory))) == (REMEMBERED_MAX, 5)


async def test_no_header_is_another_refusal_than_a_wrong_one() -> None:
    with pytest.raises(CallerUnnamed):
        await Keys().callers().identify(None)


@pytest.mark.parametrize(
    "authorization",
    [
        b"",
        b"Bearer ",
        b"Basic dXNlcjpwYXNz",
        KEY_TEXT.encode(),
        bearer(f"cck_8_{KEY_SECRET}"),
        bearer(f"cck_07_{KEY_SECRET}"),
        bearer(f"cck_7_{KEY_SECRET}x"),
        bearer(f"cck_7_{KEY_SECRET}\n"),
        bearer(f"cck_٧_{KEY_SECRET}"),
        bearer(f"cck_{2**31}_{KEY_SECRET}"),
        bearer(f"cck_{9**50}_{KEY_SECRET}"),
        bearer("cck_"),
        bearer("\xff\xfe"),
        bearer("x" * 10_000),
    ],
)
async def test_a_credential_of_no_known_form_is_refused(authorization: bytes) -> None:
    with pytest.raises(InvalidToken):
        await Keys().callers().identify(authorization)
