"""The Redis that the settings name."""

from casino_club.infra.addresses import checked
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings


def server(settings: Settings) -> ServerProcess | None:  # noqa: ARG001 - the same door as embedded
    """None: it runs already."""
    return None


def url(settings: Settings) -> str:
    assert settings.redis_url is not None
    return checked(
        settings.redis_url.get_secret_value(),
        schemes=("redis", "rediss", "unix"),
        setting="CASINO_CLUB_REDIS_URL",
        example="redis://:password@host:6379/0",
    )
