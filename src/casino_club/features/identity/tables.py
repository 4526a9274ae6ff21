"""The tables of this slice. What is personal lies sealed in `user_data` and `sessions.device`, and nowhere else."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from casino_club.infra.db.tables import metadata

Instant = DateTime(timezone=True)


def _user_id(*, is_key: bool = False) -> Column[int]:
    return Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, primary_key=is_key)


users = Table(
    "users",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("banned_at", Instant),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("vip_tier", Integer, nullable=False, server_default=text("0")),
    Column("battlepass_level", Integer, nullable=False, server_default=text("0")),
    Column("total_spent", BigInteger, nullable=False, server_default=text("0")),
    Index("users_staff_idx", "id", postgresql_where=text("roles <> '{}'")),
)

user_keys = Table("user_keys", metadata, _user_id(is_key=True), Column("wrapped_key", LargeBinary, nullable=False))

user_data = Table(
    "user_data",
    metadata,
    _user_id(),
    Column("field", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("user_id", "field"),
)

credentials = Table(
    "credentials",
    metadata,
    _user_id(is_key=True),
    Column("email_hash", LargeBinary, unique=True),
    Column("password_hash", Text),
)

identity_links = Table(
    "identity_links",
    metadata,
    Column("issuer", Text, nullable=False),
    Column("subject_hash", LargeBinary, nullable=False),
    _user_id(),
    Column("linked_at", Instant, nullable=False),
    PrimaryKeyConstraint("issuer", "subject_hash"),
    UniqueConstraint("user_id", "issuer", name="identity_links_user_id_issuer_key"),
)

pending_logins = Table(
    "pending_logins",
    metadata,
    Column("state_digest", LargeBinary, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("browser_digest", LargeBinary, nullable=False),
    Column("return_to", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE")),
    Column("session_id", BigInteger),
    Index("pending_logins_began_at_idx", "began_at"),
    prefixes=["UNLOGGED"],
)

waiting_logins = Table(
    "waiting_logins",
    metadata,
    Column("browser_digest", LargeBinary, primary_key=True),
    _user_id(),
    Column("began_at", Instant, nullable=False),
    Index("waiting_logins_began_at_idx", "began_at"),
    prefixes=["UNLOGGED"],
)

sign_up_bars = Table("sign_up_bars", metadata, _user_id(is_key=True), Column("until", Instant, nullable=False))

barred_identities = Table(
    "barred_identities",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("until", Instant, nullable=False),
    Index("barred_identities_until_idx", "until"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _user_id(),
    Column("began_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ended_because", Text),
    Column("device", LargeBinary, nullable=False),
    Column("has_second_factor", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended"),
    Index("sessions_user_id_idx", "user_id"),
    Index("sessions_ends_at_idx", "ends_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("session_id", BigInteger, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("refresh_tokens_session_id_idx", "session_id"),
)

second_factors = Table(
    "second_factors",
    metadata,
    _user_id(is_key=True),
    Column("confirmed_at", Instant),
    Column("last_step", BigInteger, nullable=False, server_default=text("0")),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    _user_id(),
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("user_id", "digest"),
)

age_checks = Table(
    "age_checks",
    metadata,
    _user_id(is_key=True),
    Column("reference", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("is_of_age", Boolean),
    CheckConstraint("(settled_at IS NULL) = (is_of_age IS NULL)", name="settled"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("began_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Index("attempts_began_at_idx", "began_at"),
    prefixes=["UNLOGGED"],
)
