"""Brings a database to the schema that this version of the code expects."""

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).resolve().parents[4] / "migrations"


def upgrade(database_url: str) -> None:
    """Run the migrations that are missing. Does nothing, quickly, when there are none."""
    if asyncio.run(_current(database_url)) != _head():
        asyncio.run(_upgrade(database_url))


def pending(database_url: str) -> list[str]:
    """Names of the migrations that have not run yet, oldest first."""
    return asyncio.run(pending_migrations(database_url))


async def pending_migrations(database_url: str) -> list[str]:
    """The same for callers that run in a loop already."""
    current = await _current(database_url)
    scripts = ScriptDirectory.from_config(_config())
    revisions = scripts.iterate_revisions(scripts.get_current_head() or "base", current or "base")
    return [revision.revision for revision in revisions][::-1]


def _head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def _current(database_url: str) -> str | None:
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        version: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        version = None
    finally:
        await connection.close()
    return version


async def _upgrade(database_url: str) -> None:
    engine = create_async_engine(
        database_url.replace("postgresql://", "postgresql+asyncpg://", 1),
        poolclass=NullPool,
        connect_args={"server_settings": {"transaction_timeout": "0"}},
    )
    async with engine.begin() as connection:
        await connection.run_sync(_run_scripts)
    await engine.dispose()


def _run_scripts(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
