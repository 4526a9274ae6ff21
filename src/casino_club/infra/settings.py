"""Every setting, read from `CASINO_CLUB_…` variables. The reference page is generated from this object."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "casino-club"


_NAMED_IN_CLUSTER = ("database_url", "redis_url", "kafka_url", "token_secret", "vault_secret")


class Settings(BaseSettings):
    """One documented object; secrets are never printed."""

    model_config = SettingsConfigDict(env_prefix="CASINO_CLUB_", extra="forbid", frozen=True)

    mode: Literal["embedded", "cluster"] = Field(
        "embedded",
        description="`embedded` starts private servers under the data folder; `cluster` uses the named ones.",
    )
    data_dir: Path = Field(
        default_factory=_default_data_dir, description="Folder that holds everything the embedded servers keep."
    )
    host: str = Field("127.0.0.1", description="Address that the HTTP server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port that the HTTP server listens on.")
    disk_free_mb_min: int = Field(512, ge=0, description="`up` refuses to start with less free space than this.")

    database_url: SecretStr | None = Field(None, description="PostgreSQL, `postgresql://…`; needed in `cluster` mode.")
    redis_url: SecretStr | None = Field(None, description="Redis, `redis://…`; needed in `cluster` mode.")
    database_connections_max: int = Field(10, ge=3, le=200, description="Connections to PostgreSQL per process.")

    warehouse_url: SecretStr | None = Field(
        None,
        description="ClickHouse, `https://user:password@host:8443/database`, in `cluster` mode; without it there are "
        "no reports. The databases that hold the tables begin with this name.",
    )
    warehouse_cluster: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Name of your ClickHouse cluster: tables are replicated, and spread over its shards by user.",
    )
    warehouse_memory_mb: int = Field(
        1024, ge=640, le=1_048_576, description="Memory that the embedded warehouse may take, all told."
    )

    kafka_url: str | None = Field(None, description="Kafka's brokers, `host:9092,host:9092`; needed in `cluster` mode.")
    kafka_properties: Path | None = Field(
        None,
        description="File of properties handed on to Kafka's client (librdkafka), `name = value` a line: "
        "`security.protocol`, `sasl.username` and the like.",
    )
    kafka_topic: str = Field(
        "user_actions",
        pattern=r"^[a-zA-Z0-9._-]{1,200}$",
        description="Topic that carries the log. The relay makes it, and another with `.relay` behind the name for its "
        "own position.",
    )
    kafka_partitions: int = Field(
        6,
        ge=1,
        le=1_000,
        description="Partitions of the topic when it is made. Later, `casino-club relay --new-topic`.",
    )
    kafka_copies: int | None = Field(
        None, ge=1, le=32, description="Copies of the topic when it is made; 3, or one per broker if there are fewer."
    )
    kafka_retention_days: int = Field(
        7,
        ge=1,
        le=36_500,
        description="How long messages stay in the topic when it is made. Our own consumers need less.",
    )

    token_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="Key that signs access tokens (32 characters or more). Embedded servers make their own.",
    )

    vault_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="Key that users' data keys are wrapped under (32 characters or more). Embedded servers make their "
        "own. Keep a copy: without it, nobody's personal data can be read again.",
    )
    proxies_in_front: int = Field(
        0,
        ge=0,
        le=10,
        description="How many proxies of yours a request passes. The sender's address is then taken from "
        "`X-Forwarded-For`, that many places from its end.",
    )

    oidc_providers: Path | None = Field(
        None, description="TOML file with the identity providers that people may log in with. See docs/oidc.md."
    )
    public_url: str | None = Field(
        None,
        pattern=r"^(https://[^/?#@\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?)$",
        description="Where browsers reach the platform, `https://casino.example`, without a path. Identity providers "
        "send people back there; needed with CASINO_CLUB_OIDC_PROVIDERS.",
    )

    age_verifier: Literal["none", "sandbox"] = Field(
        "none",
        description="Who proves people's age: nobody, or a `sandbox` that believes every date of birth, for trials.",
    )
    age_years_min: int = Field(
        19, ge=0, le=30, description="From which age on somebody is of age; never less than the market asks for play."
    )

    payment_provider: Literal["none", "sandbox"] = Field(
        "none",
        description="Who takes money in the shop: nobody, or a `sandbox` that takes none and is for trials. It keeps "
        "its payments in the data folder, which all processes must share.",
    )
    payment_minutes: int = Field(
        15, ge=1, le=1440, description="How long a purchase waits for its payment before it expires."
    )

    market: str = Field(
        "default",
        description="Which market's profile holds: `default`, `kr`, `eu` or `us`. It says which money may enter which "
        "game, ages, and what has to be shown.",
    )
    timezone: str = Field("Asia/Seoul", description="Time zone of the operator: where a day begins and ends.")
    streak_gap_minutes: int = Field(30, ge=1, le=1440, description="A longer pause between two plays ends a streak.")
    action_late_days_max: int = Field(90, ge=1, le=3650, description="Actions older than this are refused.")
    action_skew_seconds_max: int = Field(300, ge=0, le=3600, description="How far ahead a sender's clock may be.")
    tracking_plan: Path | None = Field(
        None, description="TOML file with the operator's own action types, added to those that ship with the platform."
    )
    refused_keep_days: int = Field(30, ge=1, le=3650, description="How long refused actions are kept for review.")

    slot_round_ms_min: int = Field(
        2_500,
        ge=2_500,
        le=60_000,
        description="How long a spin of a slot lasts at least: no other round begins before.",
    )
    game_round_ms_min: int = Field(
        5_000, ge=5_000, le=60_000, description="How long a round of any other game lasts at least."
    )

    free_spin_coins: int = Field(
        100,
        ge=10,
        le=10_000,
        description="What a free spin of a slot stands for: it wins as if so many coins were staked.",
    )
    duel_open_minutes: int = Field(10, ge=1, le=1440, description="How long a challenge waits for somebody to join.")
    duel_step_seconds: int = Field(
        60,
        ge=20,
        le=600,
        description="How long two users have to commit to a move each, and then again to reveal it. Only time in which "
        "the platform answers counts, and after an outage it begins anew.",
    )
    duel_stake_max: int = Field(10_000, ge=1, description="What each of two users may stake in a duel at most.")

    free_coins: int = Field(500, ge=1, le=1_000_000, description="How many free coins users may take at once.")
    free_coins_ceiling: int = Field(
        2_000, ge=1, le=10_000_000, description="Free coins bring nobody above so many: who has as many takes none."
    )
    free_coins_hours: int = Field(4, ge=1, le=24, description="How long it takes until there are free coins again.")

    correction_alone_max: int = Field(
        1_000,
        ge=0,
        description="Up to this amount of any currency one admin may undo a transaction of the ledger alone; above it "
        "takes two.",
    )
    reward_alone_max: int = Field(
        1_000,
        ge=0,
        description="Up to this value one member of staff may give a user something alone; above it takes two.",
    )
    reward_amounts: Path | None = Field(
        None,
        description="TOML file that says how much rewards are by level and streak, in place of the shipped one. "
        "See docs/rewards.md.",
    )
    coupon_days: int = Field(30, ge=1, le=3650, description="How long a coupon can be used.")

    log_partition_rows: int = Field(10_000_000, ge=1_000, description="Ids in one partition of the log.")
    log_partitions_ahead: int = Field(3, ge=1, le=20, description="Empty partitions kept ready ahead of the log.")
    log_keep_days: int = Field(400, ge=1, description="Partitions whose rows are all older are exported and detached.")
    log_keep_partitions_max: int = Field(
        200, ge=2, description="More partitions than this are exported and detached, the oldest first."
    )

    log_archive_dir: Path | None = Field(
        None, description="Folder that partitions are exported to; `archive/log` in the data folder if you name none."
    )

    erasure_grace_days: int = Field(
        7, ge=0, le=30, description="How long somebody who asks to be erased can take it back."
    )
    export_keep_hours: int = Field(
        24, ge=1, le=168, description="How long somebody can fetch the export of their data before it is deleted."
    )
    erasure_journal: Path | None = Field(
        None,
        description="File that erasures are noted in, so that they hold after a restore from a dump; `erasures.jsonl` "
        "in the folder of exported partitions if you name none. Keep it where workers and `migrate` reach it, and "
        "never restore an older copy of it.",
    )

    http_head_seconds_max: int = Field(
        10, ge=1, le=120, description="How long the head of a request may take to arrive before it is refused."
    )
    http_body_mb_max: int = Field(16, ge=1, le=256, description="Largest request body that is read.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port on which a consumer, worker or scheduler serves its metrics; below `up` the API shows all.",
    )

    @model_validator(mode="after")
    def _providers_know_the_way_back(self) -> "Settings":
        if self.oidc_providers is not None and self.public_url is None:
            raise ValueError("identity providers send people back, so set CASINO_CLUB_PUBLIC_URL")
        return self

    @model_validator(mode="after")
    def _cluster_names_its_servers(self) -> "Settings":
        if self.mode == "cluster":
            missing = [name for name in _NAMED_IN_CLUSTER if getattr(self, name) is None]
            if missing:
                names = ", ".join(f"CASINO_CLUB_{name.upper()}" for name in missing)
                raise ValueError(f"mode is cluster, so set {names}")
        return self
