"""The ClickHouse that the settings name, if they name one."""

from casino_club.infra.addresses import checked
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings


def prepare(settings: Settings) -> None:
    """Nothing to settle: the settings name it."""


def server(settings: Settings) -> ServerProcess | None:  # noqa: ARG001 - the same door as embedded
    """None: it runs already."""
    return None


def url(settings: Settings) -> str | None:
    if settings.warehouse_url is None:
        return None
    return checked(
        settings.warehouse_url.get_secret_value(),
        schemes=("http", "https"),
        setting="CASINO_CLUB_WAREHOUSE_URL",
        example="https://user:password@host:8443/casino_club",
    )
