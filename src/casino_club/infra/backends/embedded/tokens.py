"""The keys that sign access tokens and wrap data keys, each made once per data folder."""

from secrets import token_urlsafe

from pydantic import SecretStr

from casino_club.infra import machine, places
from casino_club.infra.settings import Settings

NAMES = ("token_secret", "vault_secret")


def prepare(settings: Settings) -> None:
    """Makes each key if there is none yet."""
    for name in NAMES:
        machine.secret_in(machine.absolute(settings.data_dir) / name, token_urlsafe(48))


def token_secret(settings: Settings) -> str:
    """The named key, or else the data folder's own."""
    return _secret(settings, "token_secret", settings.token_secret)


def vault_secret(settings: Settings) -> str:
    """The same for data keys."""
    return _secret(settings, "vault_secret", settings.vault_secret)


def _secret(settings: Settings, name: str, named: SecretStr | None) -> str:
    if named:
        return named.get_secret_value()
    secret = machine.read_text(machine.absolute(settings.data_dir) / name)
    if secret is None:
        raise places.nothing_started(machine.absolute(settings.data_dir))
    return secret
