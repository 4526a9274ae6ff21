"""Promising seeds, letting users add to them, revealing them."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.odds.commands.desk import OddsDesk
from casino_club.features.odds.rules.refusals import SeedMissing, SeedUnused
from casino_club.features.odds.rules.seeds import seed_hash
from casino_club.features.odds.store import seeds
from casino_club.features.odds.store.seeds import Seed
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import UserSubject


@dataclass(frozen=True, slots=True)
class Revealed:
    """A seed that is over: all that was drawn from it can be proven now."""

    commit_id: str
    seed_hash: str
    server_seed: str
    draws: int


async def read(db: Db, subject: UserSubject) -> Seed:
    """What is promised to who asks. Raises `SeedMissing`."""
    found = await seeds.seed_of(db, subject.user_id)
    if found is None:
        raise SeedMissing
    return found


async def promise(db: Db, desk: OddsDesk, user_id: int, *, now: datetime) -> Seed:
    """Promise a seed to a user who has none; what is promised either way."""
    if found := await seeds.seed_of(db, user_id):
        return found
    return await _promise(db, desk, user_id, now=now)


async def choose(db: Db, subject: UserSubject, client_seed: str) -> Seed:
    """Take the user's own part of the chance, for the draws to come. Raises `SeedMissing`."""
    seed = await _locked(db, subject)

    await seeds.set_client_seed(db, seed, client_seed)

    return await read(db, subject)


async def rotate(db: Db, desk: OddsDesk, subject: UserSubject, *, now: datetime) -> tuple[Revealed, Seed]:
    """Reveal the seed in use and promise another. The client seed is forgotten: it is chosen after the hash is seen."""
    seed = await _locked(db, subject)
    if seed.next_nonce == 1:
        raise SeedUnused

    server_seed = desk.seeds.open(seed.commit_id, seed.sealed)
    await seeds.reveal(db, seed.commit_id, server_seed, now=now)

    following = await _promise(db, desk, subject.user_id, now=now)
    return Revealed(str(seed.commit_id), seed.seed_hash, server_seed.hex(), seed.next_nonce - 1), following


async def _locked(db: Db, subject: UserSubject) -> Seed:
    seed = await seeds.seed_of(db, subject.user_id, is_locked=True)
    if seed is None:
        raise SeedMissing
    return seed


async def _promise(db: Db, desk: OddsDesk, user_id: int, *, now: datetime) -> Seed:
    commit_id, server_seed = desk.seeds.new()
    sealed = desk.seeds.seal(commit_id, server_seed)
    await seeds.add_promise(db, user_id, commit_id, seed_hash=seed_hash(server_seed), sealed=sealed, now=now)
    found = await seeds.seed_of(db, user_id)
    assert found is not None
    return found
