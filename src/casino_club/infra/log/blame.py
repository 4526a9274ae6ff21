"""Tells a subscriber's own failure from a store that is away: the one is parked, the other waited out for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from casino_club.infra.traces import raised_within

LOOKS_AWAY: Final = (ConnectionError, FileNotFoundError, TimeoutError)
CLIENTS: Final = ("asyncpg.",)
"""The client libraries that effects are handed; other stores raise errors of their own."""


class SubscriberFailed(Exception):
    """A subscriber raised by itself what is usually a store's to raise."""


@contextmanager
def of_the_subscriber() -> Iterator[None]:
    """Around a subscriber's own code: what only looks like a store that is away is blamed on the row."""
    try:
        yield
    except LOOKS_AWAY as failure:
        if raised_within(failure, CLIENTS):
            raise
        raise SubscriberFailed(repr(failure)) from failure
