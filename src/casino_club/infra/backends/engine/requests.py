"""Statements as ClickHouse's clients send them: in the URL, the body, a form, or as a line before the data."""

import re
from collections.abc import Mapping

from casino_club.infra.backends.engine.sessions import EngineFault, Statement

BAD_ARGUMENTS = 36
_HEAD_BYTES_MAX = 65_536
_NOT_SETTINGS = {
    *("query", "database", "default_format", "query_id", "user", "password", "session_id", "session_timeout"),
    *("wait_end_of_query", "buffer_size", "compress", "decompress", "enable_http_compression", "readonly"),
    *("send_progress_in_http_headers", "http_headers_progress_interval_ms", "client_protocol_version", "role"),
    *("cancel_http_readonly_queries_on_client_close",),
}
_INSERT_IN_BODY = re.compile(rb"\s*(INSERT\s[^\n]*?)\s+FORMAT\s+(\w+)[ \t]*;?[ \t]*\r?\n", re.IGNORECASE)
_INSERT_IN_URL = re.compile(r"\s*(INSERT\s.*?)\s+FORMAT\s+(\w+)\s*;?\s*\Z", re.IGNORECASE | re.DOTALL)


def statement_of(arguments: Mapping[str, str], body: bytes) -> Statement:
    """The statement of a request; `arguments` are those of the URL and of a form."""
    in_url = arguments.get("query", "")
    head = _INSERT_IN_BODY.match(body[:_HEAD_BYTES_MAX]) if not in_url else None
    if head is not None:
        return _insert(arguments, head[1].decode(), head[2].decode(), body[head.end() :])
    if found := _INSERT_IN_URL.match(in_url):
        return _insert(arguments, found[1], found[2], body)
    try:
        sql = "\n".join(part for part in (in_url, body.decode()) if part.strip())
    except UnicodeDecodeError:
        raise EngineFault("The statement is no UTF-8 text.", BAD_ARGUMENTS) from None
    if not sql:
        raise EngineFault("There is no statement in the request.", BAD_ARGUMENTS)
    return Statement(
        sql.rstrip().rstrip(";"),
        arguments.get("database"),
        parameters={
            name.removeprefix("param_"): value for name, value in arguments.items() if name.startswith("param_")
        },
        settings=_settings(arguments),
        default_format=arguments.get("default_format", "TabSeparated"),
    )


def _insert(arguments: Mapping[str, str], sql: str, data_format: str, data: bytes) -> Statement:
    return Statement(sql, arguments.get("database"), settings=_settings(arguments), data=data, data_format=data_format)


def _settings(arguments: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in arguments.items() if name not in _NOT_SETTINGS and not name.startswith("param_")
    }
