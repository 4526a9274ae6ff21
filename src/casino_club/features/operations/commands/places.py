"""Counting what has arrived in the places that rows of the log go to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from casino_club.features.operations.rules import Minute, Side
from casino_club.infra.ports import TopicCounter
from casino_club.infra.warehouse.warehouse import Query, Warehouse

CountRows = Callable[[Sequence[Minute]], Awaitable[Mapping[datetime, int]]]
"""How many rows a place has of each of these minutes; none of a minute that is left out."""
Places = Mapping[Side, CountRows]


CLOCKS_DIFFER_MAX = timedelta(minutes=2)
"""Between the machines that store rows and those that send them on."""


class Arrived(NamedTuple):
    """A minute, in seconds since 1970, and its rows."""

    minute: int
    rows: int


ARRIVED = Query("casino_club.features.operations", "arrived.sql", Arrived)


def places_of(warehouse: Warehouse | None, topic: TopicCounter | None = None) -> dict[Side, CountRows]:
    """The places that there are."""
    places: dict[Side, CountRows] = {}
    if warehouse is not None:
        places[Side.WAREHOUSE] = in_warehouse(warehouse)
    if topic is not None:
        places[Side.KAFKA] = in_topic(topic)
    return places


def in_topic(topic: TopicCounter) -> CountRows:
    """Asks whoever reads the topic's messages."""

    async def count(minutes: Sequence[Minute]) -> Mapping[datetime, int]:
        return await topic.count({each.minute: each.begun_at - CLOCKS_DIFFER_MAX for each in minutes})

    return count


def in_warehouse(warehouse: Warehouse) -> CountRows:
    """Asks the warehouse's own tables."""

    async def count(minutes: Sequence[Minute]) -> Mapping[datetime, int]:
        seconds = sorted(int(each.minute.timestamp()) for each in minutes)
        asked = {"minutes": seconds, "first": seconds[0], "last": seconds[-1]}
        answer = await warehouse.read(ARRIVED, asked)
        return {datetime.fromtimestamp(found.minute, UTC): found.rows for found in answer.rows}

    return count
