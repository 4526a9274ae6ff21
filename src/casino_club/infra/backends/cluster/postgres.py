"""The PostgreSQL that the settings name."""

from casino_club.infra.ports import ServerProcess, ServerSettings


def server(settings: ServerSettings) -> ServerProcess | None:  # noqa: ARG001 - the same door as embedded
    """None: it runs already."""
    return None


def url(settings: ServerSettings) -> str:
    assert settings.database_url is not None
    return settings.database_url.get_secret_value()
