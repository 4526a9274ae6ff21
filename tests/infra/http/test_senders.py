"""A sender's address is what a proxy of ours saw, and nothing that a sender can make up."""

import pytest

from casino_club.infra.http.requests import Call
from casino_club.infra.http.senders import sender_of


def a_call(client: str | None, forwarded: str | None = None) -> Call:
    headers = {} if forwarded is None else {b"x-forwarded-for": forwarded.encode()}
    return Call({"client": (client, 1) if client else None}, headers, "id", 0)


@pytest.mark.parametrize(
    ("client", "forwarded", "proxies", "sender"),
    [
        ("192.0.2.1", None, 0, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", 0, "192.0.2.1"),
        ("10.0.0.1", "198.51.100.9", 1, "198.51.100.9"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.9", 1, "198.51.100.9"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.9, 10.0.0.2", 2, "198.51.100.9"),
        ("10.0.0.1", "198.51.100.9", 2, "10.0.0.1"),
        ("10.0.0.1", "no address", 1, "unknown"),
        ("10.0.0.1", None, 1, "unknown"),
        ("2001:db8:1:2:3:4:5:6", None, 0, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", None, 0, "192.0.2.1"),
        (None, None, 0, "unknown"),
    ],
)
def test_the_address_that_counts(client: str | None, forwarded: str | None, proxies: int, sender: str) -> None:
    assert sender_of(a_call(client, forwarded), proxies) == sender
