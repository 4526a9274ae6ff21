"""The eraser of the hot metrics, for the projections of all slices."""

from casino_club.infra.log import rebuild
from casino_club.infra.privacy.doors import Erased, NotYet, Reach, erase


@erase("hot_metrics", about="Every value of the user's in the hot store, also those that a rebuild has made.")
async def empty_hot_values(reach: Reach, erased: Erased) -> None:
    """Projections empty them at the user's last row; this is for what they have not reached, or will not read again."""
    kept = [each for each in reach.subscriptions if each.to_hot is not None]
    async with reach.stores.database.connection() as db:
        under_way = sorted({each.name for each in kept}.intersection(await rebuild.asked_for(db)))
    if under_way:
        raise NotYet(f"{', '.join(under_way)} is being rebuilt")
    for each in kept:
        await reach.stores.hot.forget(each.name, erased.user_id, each.hot_names, row_id=erased.row_id)
