"""The PostgreSQL that the settings name."""

from casino_club.infra.addresses import checked
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings


def server(settings: Settings) -> ServerProcess | None:  # noqa: ARG001 - the same door as embedded
    """None: it runs already."""
    return None


def url(settings: Settings) -> str:
    assert settings.database_url is not None
    return checked(
        settings.database_url.get_secret_value(),
        schemes=("postgresql", "postgres"),
        setting="CASINO_CLUB_DATABASE_URL",
        example="postgresql://user:password@host:5432/name",
    )
