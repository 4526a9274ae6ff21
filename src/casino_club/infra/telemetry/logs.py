"""Log lines as JSON on stderr. Pseudonymous user ids may appear; bodies, tokens, addresses and queries may not."""

import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

import msgspec

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that this task works for; every line it logs carries it."""

REMOVED: Final = "[removed]"

PRIVATE_FIELDS: Final = frozenset(
    (
        *("address", "authorization", "body", "client", "cookie", "email", "headers", "ip", "metadata", "password"),
        *("phone", "query", "query_string", "secret", "token", "url", "user_agent", "user_name"),
    )
)

PRIVATE_TEXT: Final = re.compile(
    r"(?i:bearer)\s+\S+"
    r"|cck_\d+_[\w-]+"
    r"|eyJ[\w-]+\.[\w-]*\.[\w-]*"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"
    r"|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}(?![\w:])|(?<![\w:])(?:[0-9a-fA-F]{1,4}:)+:[\w:]*"
    r"|(?<=\w)\?[\w%.-]+=\S*"
    r"|(?<=://)[^/\s@]+@"
    r"|^(?:DETAIL|CONTEXT|HINT):.*$",
    re.MULTILINE,
)
"""What must never reach a log, wherever in a line it stands. DETAIL lines of PostgreSQL quote the row."""

_STANDARD_FIELDS: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

_encode = msgspec.json.Encoder(enc_hook=str).encode


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send every logger's lines through one JSON handler. To be called once, by an entry point."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


class JsonLines(logging.Formatter):
    """One JSON object per line; an exception is one field of it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_private_text(record.getMessage()),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        for name, value in record.__dict__.items():
            if name not in _STANDARD_FIELDS and name not in line:
                line[name] = _publishable(name, value)
        if record.exc_info:
            line["exception"] = without_private_text(self.formatException(record.exc_info))
        return _encode(line).decode()


def without_private_text(text: str) -> str:
    """The text with whatever looks like a person's data or a secret taken out."""
    return PRIVATE_TEXT.sub(REMOVED, text)


def _publishable(name: str, value: object) -> object:
    if name.lower() in PRIVATE_FIELDS:
        return REMOVED
    if value is None or isinstance(value, bool | int | float):
        return value
    return without_private_text(str(value))
