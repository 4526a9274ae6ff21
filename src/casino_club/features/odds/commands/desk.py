"""What the commands of this slice work with."""

from dataclasses import dataclass, field
from datetime import datetime

from casino_club.features.odds.rules.refusals import ProductMissing
from casino_club.features.odds.rules.tables import OddsTable, read_table
from casino_club.features.odds.store import versions
from casino_club.infra.db.database import Db
from casino_club.infra.server_seeds import ServerSeeds

TABLES_KEPT_MAX = 256


@dataclass(frozen=True, slots=True)
class Shelf:
    """Tables that were read stay read, since none ever changes."""

    tables: dict[str, OddsTable] = field(default_factory=dict)

    async def table(self, db: Db, digest: str) -> OddsTable:
        """The table of this digest, which is known to be kept."""
        found = self.tables.get(digest)
        if found is None:
            found = read_table(await versions.text_of(db, digest))
            assert found.digest == digest, "a kept table is not the one that its id says"
            if len(self.tables) >= TABLES_KEPT_MAX:
                self.tables.clear()
            self.tables[digest] = found
        return found


@dataclass(frozen=True, slots=True)
class OddsDesk:
    """The same for every request."""

    seeds: ServerSeeds
    shelf: Shelf


async def live_or_refuse(db: Db, product: str, *, now: datetime) -> versions.Live:
    """What is live of a product. Raises `ProductMissing`."""
    found = await versions.live(db, product, now=now)
    if found is None:
        raise ProductMissing
    return found
