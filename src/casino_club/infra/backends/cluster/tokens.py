"""The key that signs access tokens, shared by every machine and named in the settings."""

from casino_club.infra.ports import ServerSettings


def prepare(settings: ServerSettings) -> None:
    """Nothing to make: the settings were checked when they were read."""


def token_secret(settings: ServerSettings) -> str:
    assert settings.token_secret is not None
    return settings.token_secret.get_secret_value()
