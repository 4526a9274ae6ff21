"""Asks our own HTTP server whether it is ready, as a load balancer would."""

import asyncio

from casino_club.infra.settings import Settings

ANSWER_SECONDS_MAX = 5.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - told apart, not bound


def base_url(settings: Settings) -> str:
    """Where this machine reaches it."""
    host = EVERYWHERE.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


async def ready_status(settings: Settings) -> int | None:
    """The status of `GET /readyz`; None if nobody answers."""
    host = EVERYWHERE.get(settings.host, settings.host)
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            reader, writer = await asyncio.open_connection(host, settings.port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                words = (await reader.readline()).split()
            finally:
                writer.close()
    except OSError:
        return None
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None
