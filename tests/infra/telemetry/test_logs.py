"""A log line is one JSON object, and holds no personal data and no secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from casino_club.infra.telemetry.logs import JsonLines, configure_logging, request_id


class Log:
    """A logger of its own that writes to memory."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(JsonLines())
        self.logger = logging.getLogger("casino_club.example")
        self.logger.setLevel(logging.INFO)
        self.logger.handlers[:] = [handler]

    def line(self) -> dict[str, Any]:
        (line,) = self.stream.getvalue().splitlines()
        decoded: dict[str, Any] = json.loads(line)
        return decoded


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    before = logger.level, logger.handlers[:]
    yield logger
    logger.setLevel(before[0])
    logger.handlers[:] = before[1]


def test_a_line_says_when_what_where_and_for_whom(log: Log) -> None:
    token = request_id.set("request-1")
    log.logger.warning("A page failed", extra={"consumer": "hot", "user_id": 5, "rows": 100})
    request_id.reset(token)

    line = log.line()

    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "casino_club.example",
        "message": "A page failed",
        "request_id": "request-1",
        "consumer": "hot",
        "user_id": 5,
        "rows": 100,
    }


def test_an_exception_is_one_field_of_one_line(log: Log) -> None:
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        log.logger.exception("It failed")

    assert "ZeroDivisionError" in log.line()["exception"]


@pytest.mark.parametrize(
    "private",
    [
        "kim@example.com",
        "k.i-m+casino@mail.example.co.kr",
        "203.0.113.7",
        "2001:db8::8a2e:370:7334",
        "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        "cck_7_" + "k" * 43,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI1In0.c2lnbmF0dXJl",
        "/api/users?email=kim",
        "postgresql://casino:hunter2@db/casino",
    ],
)
def test_personal_data_in_a_text_is_taken_out(private: str, log: Log) -> None:
    log.logger.error("Could not serve %s just now", private, extra={"cause": private})

    line = log.line()

    secret = {"/api/users?email=kim": "email=kim", "postgresql://casino:hunter2@db/casino": "hunter2"}
    assert secret.get(private, private) not in json.dumps(line)
    assert line["message"].startswith("Could not serve ")
    assert line["message"].endswith(" just now")


def test_a_bearer_of_any_form_is_taken_out(log: Log) -> None:
    log.logger.error("authorization: Bearer opaque-thing")

    assert "opaque" not in log.line()["message"]


@pytest.mark.parametrize("name", ["body", "query_string", "authorization", "email", "ip", "token", "metadata"])
def test_a_field_that_is_private_by_name_is_taken_out(name: str, log: Log) -> None:
    log.logger.error("It failed", extra={name: "Kim Min-ji"})

    assert log.line()[name] == "[removed]"


def test_the_row_that_postgresql_quotes_is_taken_out(log: Log) -> None:
    message = "duplicate key value\nDETAIL:  Key (user_name)=(Kim Min-ji) already exists."
    try:
        raise ValueError(message)
    except ValueError:
        log.logger.exception("It failed")

    assert "Kim" not in log.line()["exception"]
    assert "duplicate key value" in log.line()["exception"]


@pytest.mark.parametrize(
    "text", ["12:30:45", "version 1.2.3", "2026-11-20T10:00:00.123+00:00", "casino::club", "x=1?", "50%"]
)
def test_what_only_looks_private_stays(text: str, log: Log) -> None:
    log.logger.info("At %s", text)

    assert log.line()["message"] == f"At {text}"


def test_every_logger_goes_through_one_handler(root: logging.Logger) -> None:
    stream = io.StringIO()
    configure_logging("warning", stream)

    logging.getLogger("asyncio").warning("slow")
    logging.getLogger("asyncio").info("not said")

    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["slow"]
    assert len(root.handlers) == 1
