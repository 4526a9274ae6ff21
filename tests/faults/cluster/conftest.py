"""One site for all tests of this folder, and the table at the end."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.cluster import page
from tests.faults.cluster.extent import Extent
from tests.faults.cluster.site import Site, a_site, why_not
from tests.faults.cluster.trial import Outcome

PAGE = os.environ.get("CASINO_CLUB_TEST_FAULTS_PAGE", "")
CONDITIONS = os.environ.get("CASINO_CLUB_TEST_FAULTS_CONDITIONS", "")
"""What else the machine did, for the page."""

_outcomes = pytest.StashKey[list[Outcome]]()


@pytest.fixture
def extent() -> Extent:
    return Extent()


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> list[Outcome]:
    """What the table at the end is made of."""
    return request.config.stash.setdefault(_outcomes, [])


@pytest.fixture(scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The servers."""
    if reason := why_not():
        pytest.skip(reason)
    async with a_site(tmp_path_factory.mktemp("site")) as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash.get(_outcomes, [])
    if found:
        terminalreporter.section("faults of a cluster")
        terminalreporter.write_line(page.table(found))
    if found and PAGE:
        page.write(Path(PAGE), found, CONDITIONS)
