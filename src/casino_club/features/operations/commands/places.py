"""Counting what has arrived in the places that rows of the log go to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from casino_club.features.operations.rules import Minute, Side
from casino_club.infra.warehouse.warehouse import Query, Warehouse

CountRows = Callable[[Sequence[Minute]], Awaitable[Mapping[datetime, int]]]
"""How many rows a place has of each of these minutes; none of a minute that is left out."""
Places = Mapping[Side, CountRows]


class Arrived(NamedTuple):
    """A minute, in seconds since 1970, and its rows."""

    minute: int
    rows: int


ARRIVED = Query("casino_club.features.operations", "arrived.sql", Arrived)


def places_of(warehouse: Warehouse | None) -> dict[Side, CountRows]:
    """The places that there are."""
    return {} if warehouse is None else {Side.WAREHOUSE: in_warehouse(warehouse)}


def in_warehouse(warehouse: Warehouse) -> CountRows:
    """Asks the warehouse's own tables."""

    async def count(minutes: Sequence[Minute]) -> Mapping[datetime, int]:
        seconds = sorted(int(each.minute.timestamp()) for each in minutes)
        asked = {"minutes": seconds, "first": seconds[0], "last": seconds[-1]}
        answer = await warehouse.read(ARRIVED, asked)
        return {datetime.fromtimestamp(found.minute, UTC): found.rows for found in answer.rows}

    return count
