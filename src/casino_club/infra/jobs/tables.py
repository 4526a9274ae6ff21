"""What jobs leave behind: a row per run, and per job how far its timetable is written and whether it rests."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from casino_club.infra.db.tables import metadata

Instant = DateTime(timezone=True)

job_timetables = Table(
    "job_timetables",
    metadata,
    Column("job", Text, primary_key=True),
    Column("filled_to", Instant, nullable=False),
    Column("paused_at", Instant),
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("job", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("is_asked", Boolean, nullable=False),
    Column("state", Text, nullable=False, server_default="due"),
    Column("wanted_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("sends", Integer, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("setbacks", Integer, nullable=False, server_default="0"),
    Column("started_at", Instant),
    Column("lease_until", Instant),
    Column("finished_at", Instant),
    Column("progress", Text),
    Column("error_code", Text),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("not_before", Instant),
    UniqueConstraint("job", "due_at"),
    CheckConstraint("state IN ('due', 'running', 'done', 'failed')", name="state"),
    # One run of a job at a time, whoever tries.
    Index("job_runs_running_key", "job", unique=True, postgresql_where=text("state = 'running'")),
    Index("job_runs_waiting_idx", "job", "wanted_at", postgresql_where=text("state IN ('due', 'running')")),
    Index("job_runs_finished_at_idx", "finished_at"),
)
