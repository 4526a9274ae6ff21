"""How the log reaches consumers: they read the table, each with a position of its own."""

from casino_club.infra.log.relay import Publisher
from casino_club.infra.log.sources import OpenSource, TableSource
from casino_club.infra.ports import TopicCounter, TopicFacts, Unusable
from casino_club.infra.settings import Settings


def has_topic(settings: Settings) -> bool:  # noqa: ARG001 - the same door as cluster
    """No: nothing has to be carried."""
    return False


def source(settings: Settings) -> OpenSource:  # noqa: ARG001 - as above
    return TableSource


def publisher(settings: Settings) -> Publisher:  # noqa: ARG001 - as above
    raise Unusable("Consumers read the table here, so there is nothing to relay; CASINO_CLUB_MODE=cluster has a topic.")


async def topic_facts(settings: Settings) -> TopicFacts | None:  # noqa: ARG001 - as above
    """None: there is no topic."""
    return None


def counter(settings: Settings) -> TopicCounter | None:  # noqa: ARG001 - as above
    """None: there is no topic."""
    return None
