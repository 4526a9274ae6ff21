"""Which servers this process talks to, and the only place that asks for the mode."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from casino_club.infra import machine
from casino_club.infra.backends.cluster import postgres as cluster_postgres
from casino_club.infra.backends.cluster import redis as cluster_redis
from casino_club.infra.backends.cluster import tokens as cluster_tokens
from casino_club.infra.backends.cluster import transport as cluster_transport
from casino_club.infra.backends.cluster import warehouse as cluster_warehouse
from casino_club.infra.backends.embedded import postgres as embedded_postgres
from casino_club.infra.backends.embedded import redis as embedded_redis
from casino_club.infra.backends.embedded import tokens as embedded_tokens
from casino_club.infra.backends.embedded import transport as embedded_transport
from casino_club.infra.backends.embedded import warehouse as embedded_warehouse
from casino_club.infra.log.relay import Publisher
from casino_club.infra.log.sources import OpenSource
from casino_club.infra.ports import TopicCounter, TopicFacts
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings


class Server(Protocol):
    """What each server's module offers."""

    def server(self, settings: Settings) -> ServerProcess | None:
        """The private server to start, if there is one. Touches nothing yet."""

    def url(self, settings: Settings) -> str:
        """Where it is found. Raises Unusable if nothing was ever started."""


class Warehouse(Protocol):
    """What the module of the warehouse offers: a platform may do without one."""

    def prepare(self, settings: Settings) -> None:
        """Settles the address if it is ours to settle and there is none yet."""

    def server(self, settings: Settings) -> ServerProcess | None:
        """The private server to start, if there is one. Touches nothing yet."""

    def url(self, settings: Settings) -> str | None:
        """Where it is found, if there is one."""


class Tokens(Protocol):
    """What the module of the secrets offers."""

    def prepare(self, settings: Settings) -> None:
        """Makes the secrets if they are ours to make."""

    def token_secret(self, settings: Settings) -> str:
        """The key that signs access tokens. Raises Unusable if nothing was ever started."""

    def vault_secret(self, settings: Settings) -> str:
        """The key that wraps users' data keys. Raises Unusable if nothing was ever started."""


class Transport(Protocol):
    """What the module of the log's way to its consumers offers."""

    def has_topic(self, settings: Settings) -> bool:
        """Whether a topic carries the log, so that a relay has to run."""

    def source(self, settings: Settings) -> OpenSource:
        """What live followers read from. Raises Unusable with what to mend."""

    def publisher(self, settings: Settings) -> Publisher:
        """The relay's end of the topic. Raises Unusable, where there is none with that."""

    def counter(self, settings: Settings) -> TopicCounter | None:
        """Counts what the topic holds; None where there is no topic."""

    async def topic_facts(self, settings: Settings) -> TopicFacts | None:
        """What the brokers say; None where there is no topic. Raises Unusable if none answers."""


@dataclass(frozen=True, slots=True)
class Backends:
    """One way to start things; both ways have the same doors."""

    postgres: Server
    redis: Server
    warehouse: Warehouse
    tokens: Tokens
    transport: Transport


def backends(settings: Settings) -> Backends:
    """The modules that this mode means."""
    if settings.mode == "embedded":
        return Backends(embedded_postgres, embedded_redis, embedded_warehouse, embedded_tokens, embedded_transport)
    return Backends(cluster_postgres, cluster_redis, cluster_warehouse, cluster_tokens, cluster_transport)


def prepare(settings: Settings) -> None:
    """Makes what must be there before any process of ours starts."""
    chosen = backends(settings)
    chosen.tokens.prepare(settings)
    chosen.warehouse.prepare(settings)


def servers(settings: Settings) -> list[ServerProcess]:
    """The private servers to start, in this order."""
    chosen = backends(settings)
    return [each for each in (chosen.postgres.server(settings), chosen.redis.server(settings)) if each]


def warehouse_server(settings: Settings) -> ServerProcess | None:
    """The private warehouse to start, apart from the others: nobody waits for it."""
    return backends(settings).warehouse.server(settings)


def warehouse_url(settings: Settings) -> str | None:
    """ClickHouse, `http(s)://…`; None if there is none."""
    return backends(settings).warehouse.url(settings)


def database_url(settings: Settings) -> str:
    """PostgreSQL, `postgresql://…`."""
    return backends(settings).postgres.url(settings)


def redis_url(settings: Settings) -> str:
    """Redis, `redis://…` or `unix://…`."""
    return backends(settings).redis.url(settings)


def has_topic(settings: Settings) -> bool:
    """Whether a topic carries the log to consumers."""
    return backends(settings).transport.has_topic(settings)


def source(settings: Settings) -> OpenSource:
    """Where live followers of the log read it."""
    return backends(settings).transport.source(settings)


def publisher(settings: Settings) -> Publisher:
    """The relay's end of the topic."""
    return backends(settings).transport.publisher(settings)


def topic_counter(settings: Settings) -> TopicCounter | None:
    """Counts what the topic holds; None where there is no topic."""
    return backends(settings).transport.counter(settings)


async def topic_facts(settings: Settings) -> TopicFacts | None:
    """The topic, as its brokers know it."""
    return await backends(settings).transport.topic_facts(settings)


def log_archive_dir(settings: Settings) -> Path:
    """The folder of exported partitions."""
    return machine.absolute(settings.log_archive_dir or settings.data_dir / "archive" / "log")


def erasure_journal(settings: Settings) -> Path:
    """The file that erasures are noted in."""
    return machine.absolute(settings.erasure_journal or log_archive_dir(settings) / "erasures.jsonl")


def token_secret(settings: Settings) -> str:
    """The key that signs access tokens."""
    return backends(settings).tokens.token_secret(settings)


def vault_secret(settings: Settings) -> str:
    """The key that wraps users' data keys."""
    return backends(settings).tokens.vault_secret(settings)


def is_trial_gone_public(settings: Settings) -> bool:
    """Whether ages are proven by what is meant for trials although the servers are named ones."""
    return settings.mode == "cluster" and settings.age_verifier == "sandbox"


def is_shop_of_a_trial_public(settings: Settings) -> bool:
    """Whether everything is to be had without money although the servers are named ones."""
    return settings.mode == "cluster" and settings.payment_provider == "sandbox"
