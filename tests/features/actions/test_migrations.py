"""The schema that migrations make is the one that the tables say, whoever migrates and however often."""

import asyncio
import pkgutil
import sys
from importlib import import_module

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import casino_club
from casino_club.infra.db import migrate
from casino_club.infra.db.tables import metadata

for _module in pkgutil.walk_packages(casino_club.__path__, "casino_club."):
    if _module.name.endswith(".tables"):
        import_module(_module.name)

OURS = "relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic%'"
DESCRIPTIONS = {
    "columns": f"""SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                          pg_get_expr(d.adbin, d.adrelid)
                   FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
                   LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
                   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {OURS}""",
    "indexes": f"""SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
                   WHERE NOT c.relispartition AND {OURS}""",
    "constraints": f"""SELECT c.relname, n.conname, pg_get_constraintdef(n.oid)
                       FROM pg_constraint AS n JOIN pg_class AS c ON c.oid = n.conrelid WHERE {OURS}""",
    "tables": f"""SELECT relname, relkind, reloptions, pg_get_partkeydef(oid) FROM pg_class
                  WHERE relkind IN ('r', 'p') AND NOT relispartition AND {OURS}""",
    "sequences": """SELECT sequencename, data_type::text, start_value, increment_by, cycle, cache_size
                    FROM pg_sequences WHERE schemaname = 'public'""",
}


@pytest.fixture
async def empty_url(database_url: str) -> str:
    """A database without a schema."""
    await emptied(database_url)
    return database_url


async def emptied(url: str) -> None:
    db = await asyncpg.connect(url)
    await db.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await db.close()


async def described(url: str) -> dict[str, list[str]]:
    """All that PostgreSQL knows of the schema. The order of columns is not compared."""
    db = await asyncpg.connect(url)
    found = {name: sorted(str(tuple(row)) for row in await db.fetch(query)) for name, query in DESCRIPTIONS.items()}
    await db.close()
    return found


async def make_tables(url: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()


@pytest.mark.parametrize("part", DESCRIPTIONS)
async def test_migrations_make_what_the_tables_say(empty_url: str, part: str) -> None:
    await asyncio.to_thread(migrate.upgrade, empty_url)
    migrated = await described(empty_url)
    await emptied(empty_url)

    await make_tables(empty_url)

    declared = await described(empty_url)
    assert migrated[part] == declared[part]
    assert declared[part]


async def test_upgrading_again_changes_nothing(empty_url: str) -> None:
    await asyncio.to_thread(migrate.upgrade, empty_url)
    before = await described(empty_url)

    await asyncio.to_thread(migrate.upgrade, empty_url)

    assert await migrate.pending_migrations(empty_url) == []
    assert await described(empty_url) == before


async def test_processes_that_upgrade_at_once_run_every_script_once(empty_url: str) -> None:
    assert await migrate.pending_migrations(empty_url) != []
    words = ("-c", "import sys; from casino_club.infra.db import migrate; migrate.upgrade(sys.argv[1])", empty_url)

    running = [await asyncio.create_subprocess_exec(sys.executable, *words) for _ in range(3)]
    codes = await asyncio.gather(*(process.wait() for process in running))

    assert codes == [0, 0, 0]
    db = await asyncpg.connect(empty_url)
    assert await db.fetchval("SELECT count(*) FROM alembic_version") == 1
    await db.close()
    assert await migrate.pending_migrations(empty_url) == []
