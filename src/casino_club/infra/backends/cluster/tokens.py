"""The keys that sign access tokens and wrap data keys, shared by every machine and named in the settings."""

from casino_club.infra.settings import Settings


def prepare(settings: Settings) -> None:
    """Nothing to make: the settings were checked when they were read."""


def token_secret(settings: Settings) -> str:
    assert settings.token_secret is not None
    return settings.token_secret.get_secret_value()


def vault_secret(settings: Settings) -> str:
    assert settings.vault_secret is not None
    return settings.vault_secret.get_secret_value()
