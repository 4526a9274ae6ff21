"""Runs migration scripts on the connection that `casino_club.infra.db.migrate` opened."""

from alembic import context
from sqlalchemy import text

MIGRATION_LOCK = 7_215_501


def run() -> None:
    """Migrate under an advisory lock: two processes that start together run every script once."""
    connection = context.config.attributes["connection"]
    connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()


run()
