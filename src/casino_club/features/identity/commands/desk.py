"""What the commands of this slice work with, and how they count attempts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from casino_club.features.actions.public import ActionPolicy
from casino_club.features.identity.rules import limits
from casino_club.features.identity.rules.limits import Limit
from casino_club.features.identity.rules.refusals import ProviderMissing
from casino_club.features.identity.store import attempts
from casino_club.infra.db.database import Database
from casino_club.infra.passwords import Passwords
from casino_club.infra.ports import AgeVerifier, IdentityProvider
from casino_club.infra.vault import Vault


@dataclass(frozen=True, slots=True)
class Desk:
    """The same for every request. Hashing a password holds no connection and no transaction."""

    database: Database
    vault: Vault
    passwords: Passwords
    actions: ActionPolicy
    token_secret: str
    ages: AgeVerifier
    age_years_min: int


@dataclass(frozen=True, slots=True)
class Providers:
    """Who else may say who somebody is, by id, and where they send people back to."""

    by_id: Mapping[str, IdentityProvider]
    public_url: str

    def named(self, provider_id: str) -> IdentityProvider:
        """The provider of this id. Raises `ProviderMissing`."""
        provider = self.by_id.get(provider_id)
        if provider is None:
            raise ProviderMissing
        return provider

    def redirect_uri(self, provider_id: str) -> str:
        """Where it sends people back to: an address of its own, so that no other can be mistaken for it."""
        return f"{self.public_url}/api/oidc/{provider_id}/callback"


NO_PROVIDERS = Providers({}, "")


class Sender(NamedTuple):
    """Where somebody asks from. `device` is what their app calls itself."""

    address: str
    device: str


async def count_attempt(desk: Desk, limit: Limit, of: str, *, now: datetime) -> None:
    """Count one more in a transaction of its own, so that it counts however the attempt ends. Raises the refusal."""
    key, since = attempt_key(desk, limit, of), now - limit.window
    tries, began_at = await desk.database.run(lambda db: attempts.count_attempt(db, key, since=since, now=now))
    if refused := limits.refusal(limit, tries=tries, began_at=began_at, now=now):
        raise refused


def attempt_key(desk: Desk, limit: Limit, of: str) -> bytes:
    """Under which attempts are counted: neither address nor account can be read from it."""
    return desk.vault.lookup(limit.name, of)
