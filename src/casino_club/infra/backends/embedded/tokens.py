"""The key that signs access tokens, made once per data folder."""

from secrets import token_urlsafe

from casino_club.infra import machine, places
from casino_club.infra.settings import Settings


def prepare(settings: Settings) -> None:
    """Makes the key if there is none yet."""
    machine.secret_in(machine.absolute(settings.data_dir) / "token_secret", token_urlsafe(48))


def token_secret(settings: Settings) -> str:
    """The named key, or else the data folder's own."""
    if settings.token_secret:
        return settings.token_secret.get_secret_value()
    secret = machine.read_text(machine.absolute(settings.data_dir) / "token_secret")
    if secret is None:
        raise places.nothing_started(machine.absolute(settings.data_dir))
    return secret
