"""Whatever in the store reads what is sealed, or how somebody logs in, asks for whom it does so."""

import ast
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from casino_club.features.identity import store

SEALED = re.compile(
    r"SELECT [^;]*\bFROM (user_data|user_keys|second_factors|recovery_codes)\b|\bdevice\b[^;]*\bFROM sessions"
)


def careless(source: str) -> Iterator[str]:
    """Functions that read personal rows without a subject."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.AsyncFunctionDef):
            texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
            said = " ".join(text for text in texts if isinstance(text, str))
            if SEALED.search(said) and "subject" not in {argument.arg for argument in node.args.args}:
                yield node.name


def test_every_read_of_personal_rows_takes_a_subject() -> None:
    topics = [Path(path, f"{name}.py") for path in store.__path__ for _, name, _ in pkgutil.iter_modules([path])]

    assert len(topics) > 1
    assert [found for topic in topics for found in careless(topic.read_text())] == []


def test_a_read_without_a_subject_is_noticed() -> None:
    planted = """
async def all_data(db):
    return await db.fetch("SELECT field, sealed"
                          " FROM user_data")

async def devices(db, user_id):
    return await db.fetch("SELECT id, device FROM sessions WHERE user_id = $1", user_id)

async def own_data(db, subject):
    return await db.fetch("SELECT sealed FROM user_data WHERE user_id = $1", subject.user_id)
"""

    assert list(careless(planted)) == ["all_data", "devices"]
