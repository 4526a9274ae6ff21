"""What the commands of this slice work with."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from casino_club.features.identity.public import ProvenAges
from casino_club.features.odds.public import Market
from casino_club.features.protection.public import ProtectionPolicy
from casino_club.features.rewards.public import RewardPolicy
from casino_club.features.shop.rules.catalogue import Catalogue, Item, read_catalogue
from casino_club.features.shop.rules.offers import Place
from casino_club.features.shop.rules.refusals import CatalogueMissing
from casino_club.features.shop.store import catalogues
from casino_club.features.wallet.public import WalletPolicy
from casino_club.infra.db.database import Database, Db
from casino_club.infra.payments import PaymentProvider
from casino_club.kernel.clock import Calendar, from_us, to_us

CATALOGUES_KEPT_MAX = 64


@dataclass(frozen=True, slots=True)
class ShopDesk:
    """The same for every request. Catalogues that were read stay read, since none ever changes."""

    database: Database
    provider: PaymentProvider
    market: Market
    place: Place
    wallet: WalletPolicy
    protection: ProtectionPolicy
    rewards: RewardPolicy
    payment_lasts: timedelta
    ages: ProvenAges = field(default_factory=ProvenAges)
    read: dict[str, Catalogue] = field(default_factory=dict)

    @property
    def calendar(self) -> Calendar:
        return self.wallet.actions.calendar

    def day_start(self, now: datetime) -> datetime:
        """When the operator's day began."""
        return from_us(self.calendar.day_bounds_us(to_us(now))[0])

    async def catalogue(self, db: Db, digest: str) -> Catalogue:
        """The catalogue of this digest, which is known to be kept."""
        found = self.read.get(digest)
        if found is None:
            found = read_catalogue(await catalogues.text_of(db, digest))
            assert found.digest == digest, "a kept catalogue is not the one that its id says"
            if len(self.read) >= CATALOGUES_KEPT_MAX:
                self.read.clear()
            self.read[digest] = found
        return found

    async def live(self, db: Db, *, now: datetime) -> Catalogue:
        """The catalogue that is live. Raises `CatalogueMissing`."""
        digest = await catalogues.live_digest(db, now=now)
        if digest is None:
            raise CatalogueMissing
        return await self.catalogue(db, digest)

    async def item(self, db: Db, digest: str, item_id: str) -> Item:
        """An item of a catalogue that is known to hold it."""
        return (await self.catalogue(db, digest)).by_id[item_id]
