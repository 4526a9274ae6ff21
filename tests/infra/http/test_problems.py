"""Whatever a request ends with becomes one problem document: typed, with a request id, and without our insides."""

import logging

import asyncpg
import pytest
import redis.exceptions

from casino_club.infra.db.database import Database
from casino_club.infra.http.problems import STATUS_OF_KIND, is_outage, reply_to
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.errors import Kind, Refused, Unavailable
from tests.infra.http.application import application, client


def refusal(of_kind: Kind) -> Refused:
    class Example(Refused):
        code = "example"
        kind = of_kind

    return Example("It is refused.")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.INVALID, 422),
        (Kind.UNKNOWN_CALLER, 401),
        (Kind.FORBIDDEN, 403),
        (Kind.MISSING, 404),
        (Kind.CONFLICT, 409),
        (Kind.TOO_LARGE, 413),
        (Kind.LIMITED, 429),
        (Kind.UNAVAILABLE, 503),
    ],
)
def test_each_kind_has_its_status(kind: Kind, status: int) -> None:
    assert reply_to(refusal(kind), "id").status == status


def test_no_kind_is_without_a_status() -> None:
    assert set(STATUS_OF_KIND) == set(Kind)


@pytest.mark.parametrize("kind", [Kind.LIMITED, Kind.UNAVAILABLE])
def test_who_may_try_again_is_told_when(kind: Kind) -> None:
    assert (b"retry-after", b"1") in reply_to(refusal(kind), "id").headers


def test_an_unknown_caller_is_told_how_to_be_known() -> None:
    names = [name for name, _ in reply_to(refusal(Kind.UNKNOWN_CALLER), "id").headers]

    assert b"www-authenticate" in names


async def ending_with(error: Exception) -> tuple[int, dict[str, object]]:
    broken = Routes(tags=["x"])

    @broken.get("/api/broken", audience=Audience.PUBLIC, summary="x", answers={200: dict})
    async def read_broken() -> None:
        raise error

    async with client(application(broken)) as http:
        answer = await http.get("/api/broken", headers={"x-request-id": "request-1"})
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()


async def test_a_refusal_is_a_problem_document() -> None:
    status, problem = await ending_with(refusal(Kind.CONFLICT))

    assert status == 409
    assert problem == {
        "type": "urn:casino-club:problem:example",
        "title": "The request conflicts with what is there",
        "status": 409,
        "code": "example",
        "detail": "It is refused.",
        "request_id": "request-1",
    }


async def test_what_nobody_expected_is_logged_in_full_and_told_in_brief(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        status, problem = await ending_with(ZeroDivisionError("SELECT secret FROM users"))

    assert (status, problem["code"], problem["request_id"]) == (500, "internal", "request-1")
    assert "SELECT" not in str(problem)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        ConnectionResetError(),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.CrashShutdownError("terminating connection because of crash of another server process"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.DiskFullError("could not extend file: No space left on device"),
        asyncpg.InterfaceError("cannot call PreparedStatement.fetch(): the underlying connection is closed"),
        asyncpg.InterfaceError("pool is closing"),
        redis.exceptions.ConnectionError("Error 111 connecting"),
        redis.exceptions.TimeoutError("Timeout reading from socket"),
        redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"),
        Unavailable("The database does not answer just now."),
    ],
)
async def test_a_server_that_is_away_makes_us_unavailable(error: Exception) -> None:
    status, problem = await ending_with(error)

    assert (status, problem["code"]) == (503, "unavailable")


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        asyncpg.UniqueViolationError("duplicate key value"),
        asyncpg.UndefinedTableError("relation does not exist"),
        FileNotFoundError("policy.toml"),
        TimeoutError(),
        redis.exceptions.ResponseError("wrong type"),
    ],
)
async def test_a_bug_of_ours_is_not_called_an_outage(error: Exception) -> None:
    status, _ = await ending_with(error)

    assert status == 500


async def connect_nowhere() -> None:
    async with (
        Database("postgresql://nobody@/none?host=/nowhere", connections_max=3) as database,
        database.connection(),
    ):
        raise AssertionError("nobody listens there")


async def test_a_missing_socket_of_the_database_is_an_outage() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        await connect_nowhere()

    assert is_outage(caught.value)
