"""Which way a subscription's effect takes."""

from casino_club.infra.log import positions
from casino_club.infra.log.effects import Effect, Rebuildable, Stores
from casino_club.infra.log.into_database import InDatabase
from casino_club.infra.log.into_hot import InHotStore
from casino_club.infra.log.into_warehouse import InWarehouse
from casino_club.infra.log.subscribe import Subscription


def effect_of(subscription: Subscription, stores: Stores, *, generation: int = positions.LIVE) -> Effect:
    """Its effect on the generation that readers see, or on one that is being rebuilt."""
    if subscription.to_database is not None:
        return InDatabase(stores.database, stores.policies, subscription.to_database)
    return rebuildable_of(subscription, stores, generation=generation)


def rebuildable_of(subscription: Subscription, stores: Stores, *, generation: int) -> Rebuildable:
    """The same for one that may be replayed."""
    name = subscription.name
    if subscription.to_warehouse is not None:
        assert stores.warehouse is not None, "without a warehouse nobody follows for it"
        into = subscription.to_warehouse
        return InWarehouse(stores.database, stores.files, stores.warehouse, name, into, generation)
    assert subscription.to_hot is not None
    effect, names = subscription.to_hot, subscription.hot_names
    return InHotStore(stores.database, stores.hot, stores.policies, name, effect, generation, names)
