"""A club to call commands on."""

from pathlib import Path

import pytest

from tests.entry.cli.calling import Club, a_club


@pytest.fixture
def club(tmp_path: Path, database_url: str, redis_url: str) -> Club:
    """Settings that name the test's own database and the session's Redis."""
    return a_club(tmp_path, database_url, redis_url)
