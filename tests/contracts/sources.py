"""Whether a follower reads what it is to be tried with."""

from casino_club.infra.log.follower import Follower
from casino_club.infra.log.sources import TableSource


async def has_settled(follower: Follower) -> bool:
    """At work, and past the point at which it goes over to a topic if there is one."""
    if follower.held is None:
        return False
    return isinstance(follower.source, TableSource) or follower.held.position.topic is not None
