"""Where a request came from, as far as it can be trusted."""

from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Final

from casino_club.infra.http.requests import Call

UNKNOWN: Final = "unknown"
IPV6_PREFIX: Final = 64
"""One household or machine has that many addresses to itself, so limits count them as one."""


def sender_of(call: Call, proxies_in_front: int) -> str:
    """The address that the outermost proxy of ours saw; without proxies, that of the connection."""
    forwarded = call.headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
    if 0 < proxies_in_front <= len(forwarded):
        return _counted_as(forwarded[-proxies_in_front].strip())
    client = call.scope.get("client")
    return _counted_as(client[0]) if client else UNKNOWN


def _counted_as(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((address, IPV6_PREFIX), strict=False))
