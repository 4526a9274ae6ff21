"""Two API processes on one database: what ends a session in one of them ends it in both, within a second."""

import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from casino_club.infra.db.database import Database
from tests.builders.actions import a_log
from tests.entry.cli.calling import Club, a_club
from tests.infra.http.test_server import free_port, is_listening
from tests.infra.waiting import until

WITHIN_SECONDS = 1.0
PASSWORD = "correct horse battery"


class Processes:
    """Both processes, and who calls them."""

    def __init__(self, club: Club, ports: list[int]) -> None:
        self.club = club
        self.http = [httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") for port in ports]

    async def enter(self, path: str = "login") -> tuple[int, dict[str, str]]:
        """A session begun at the first process; whose it is, and the header that goes with it."""
        body = {"email": "minji@example.com", "password": PASSWORD}
        more = {"nickname": "Minji"} if path == "signup" else {}
        answer = await self.http[0].post(f"/api/users/{path}", json={**body, **more})
        assert answer.is_success, answer.text
        return answer.json()["user_id"], {"authorization": f"Bearer {answer.json()['access_token']}"}

    async def open_everywhere(self, headers: dict[str, str]) -> None:
        for http in self.http:
            assert (await http.get("/api/users/verify-age", headers=headers)).status_code == 200

    async def last_let_in(self, headers: dict[str, str], *, after: float) -> float:
        """How long after this moment a call was sent that either process still answered."""
        last, refused = 0.0, 0
        while refused < len(self.http):
            refused = 0
            for http in self.http:
                sent = time.monotonic() - after
                status = (await http.get("/api/users/verify-age", headers=headers)).status_code
                refused += status == 401
                last = sent if status == 200 else last
            assert time.monotonic() - after < 30, "it still opens"
        return last


@pytest.fixture
async def processes(tmp_path: Path, database: Database, database_url: str, redis_url: str) -> AsyncIterator[Processes]:
    await a_log(database).make_room()
    club, ports = a_club(tmp_path, database_url, redis_url), [free_port(), free_port()]
    with ExitStack() as stack:
        for port in ports:
            child = club.with_settings(port=str(port)).start("serve")
            stack.callback(child.wait)
            stack.callback(child.kill)
        await until(lambda: all(map(is_listening, ports)), seconds_max=90)
        opened = Processes(club, ports)
        yield opened
        for http in opened.http:
            await http.aclose()


async def test_a_ban_a_log_out_everywhere_and_a_token_by_hand_end_in_every_process(processes: Processes) -> None:
    user_id, headers = await processes.enter("signup")
    await processes.open_everywhere(headers)
    await processes.http[1].post("/api/users/logout-everywhere", headers=headers)
    assert await processes.last_let_in(headers, after=time.monotonic()) < WITHIN_SECONDS

    _, headers = await processes.enter()
    by_hand = (await processes.club.call("keys", "token", "--user", str(user_id), "--json")).json["token"]
    held = [headers, {"authorization": f"Bearer {by_hand}"}]
    for each in held:
        await processes.open_everywhere(each)
    assert (await processes.club.call("users", "ban", str(user_id))).code == 0
    banned_at = time.monotonic()
    assert [await processes.last_let_in(each, after=banned_at) < WITHIN_SECONDS for each in held] == [True, True]
