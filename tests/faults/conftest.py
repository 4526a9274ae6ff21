"""How often each is killed, and the table at the end."""

import os
from pathlib import Path

import pytest

from tests.faults import page

NEED_THE_MACHINE = [
    "cluster",
    *(f"test_{what}.py" for what in ("clocks", "disks", "hosts", "rounds", "rounds_truth", "shims", "transfers")),
]
collect_ignore = [] if os.environ.get("CASINO_CLUB_TEST_CLUSTER") else NEED_THE_MACHINE
"""These need root, a compiler or Kafka, and their time: `make test-faults` has them."""

KILLS = int(os.environ.get("CASINO_CLUB_TEST_KILLS", "1"))
PAGE = os.environ.get("CASINO_CLUB_TEST_FAULTS_PAGE", "")

_tallies = pytest.StashKey[list[page.Tally]]()


@pytest.fixture
def kills() -> int:
    """How often each kind of process, and a process at each point, is killed."""
    return KILLS


@pytest.fixture
def tallies(request: pytest.FixtureRequest) -> list[page.Tally]:
    """What the table at the end is made of."""
    return request.config.stash.setdefault(_tallies, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash.get(_tallies, [])
    if found:
        terminalreporter.section("faults")
        for table in (page.kills(found), page.troubles(found)):
            terminalreporter.write_line(table)
    if found and PAGE:
        page.write(Path(PAGE), found)
