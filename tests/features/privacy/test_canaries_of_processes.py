"""The whole platform as `up` runs it: after an erasure no process has left anything of the user in a file."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from casino_club.infra import runtime
from casino_club.infra.settings import Settings
from tests.builders.servers import forget
from tests.features.privacy.searching import Canaries, in_files, in_warehouse
from tests.infra.waiting import wait_for

START_SECONDS_MAX = 120.0
JOB_SECONDS_MAX = 150.0
POSTGRESQL_HOLDS_DEAD_ROWS = ("postgresql",)
"""Its tables are searched column by column elsewhere; of its files the page on privacy speaks."""
PASSWORD = "canary-password-1"


@dataclass(frozen=True)
class Running:
    """A platform of processes."""

    data_dir: Path
    environment: dict[str, str]
    http: httpx.Client

    @property
    def warehouse_url(self) -> str:
        url = runtime.warehouse_url(Settings(data_dir=self.data_dir))
        assert url is not None
        return url

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "casino_club.entry.cli", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout + done.stderr


@contextmanager
def running(data_dir: Path) -> Iterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clean = {name: text for name, text in os.environ.items() if not name.startswith("CASINO_CLUB_")}
    named = {"DATA_DIR": str(data_dir), "PORT": str(port), "AGE_VERIFIER": "sandbox", "LOG_LEVEL": "debug"}
    environment = {**clean, **{f"CASINO_CLUB_{name}": text for name, text in named.items()}}
    log = data_dir.with_name("up.log")
    with log.open("w") as said:
        command = [sys.executable, "-m", "casino_club.entry.cli", "up"]
        up = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        try:
            wait_for(
                lambda: "scheduler   ready" in log.read_text() or up.poll() is not None, seconds_max=START_SECONDS_MAX
            )
            assert up.poll() is None, log.read_text()
            agent = {"user-agent": "CanaryBrowser/7"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=agent, timeout=20) as http:
                yield Running(data_dir, environment, http)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)
            forget(data_dir)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not below pytest's folder, which is named after the test and longer than a socket's path may be."""
    folder = Path(tempfile.mkdtemp(prefix="club-"))
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


def sent(http: httpx.Client, path: str, body: Any, *, token: str = "") -> httpx.Response:
    return http.post(path, json=body, headers={"authorization": f"Bearer {token}"} if token else {})


def _is_ready(http: httpx.Client, headers: dict[str, str]) -> bool:
    time.sleep(0.5)  # a worker gathers it once a minute, and should not be kept from it by questions
    return http.get("/api/users/me/export/archive", headers=headers).status_code == 200


@pytest.mark.timeout(420)
def test_no_process_leaves_anything_of_the_erased_in_a_file(data_dir: Path) -> None:
    with running(data_dir) as club:
        who = {"nickname": "CanaryNick", "email": "canary-mail@example.com", "password": PASSWORD}
        opened = sent(club.http, "/api/users/signup", who).json()
        token, user_id = opened["access_token"], opened["user_id"]
        sent(club.http, "/api/users/login", {"email": who["email"], "password": "canary-wrong"})
        sent(club.http, "/api/users/verify-age", {"birth_date": "1961-07-13"}, token=token)
        sent(
            club.http, "/api/actions", {"action_type": "VIEW_CONTENT", "metadata": {"content_id": "lobby"}}, token=token
        )
        refused = {"action_type": "PURCHASE", "metadata": {"note": "canary-note"}}
        assert sent(club.http, "/api/actions", refused, token=token).status_code == 403
        assert sent(club.http, "/api/actions?canary=1", refused, token=token).status_code == 422
        assert sent(club.http, "/api/users/me/export", {"current_password": PASSWORD}, token=token).status_code == 202
        mine = {"authorization": f"Bearer {token}"}
        wait_for(lambda: _is_ready(club.http, mine), seconds_max=JOB_SECONDS_MAX)
        code = sent(club.http, "/api/users/me/erasure", {"current_password": PASSWORD}, token=token).json()[
            "receipt_code"
        ]

        said = club.command("users", "erase", str(user_id), "--yes")
        receipt = sent(club.http, "/api/users/erasure-receipt", {"receipt_code": code}).json()
        metrics = club.http.get("/metrics").content
        canaries = Canaries(frozenset({"canary", "1961-07-13", token, code}))
        warehouse = club.warehouse_url
        wait_for(lambda: bool(in_warehouse(warehouse, Canaries(frozenset({"USER_ERASED"})))), seconds_max=60)
        assert in_warehouse(warehouse, canaries) == []

    assert receipt["state"] == "done"
    assert canaries.in_(said.encode() + metrics) == []
    assert in_files(data_dir, canaries, leave_out=POSTGRESQL_HOLDS_DEAD_ROWS) == []
    written = {path.name for path in (data_dir / "logs").iterdir() if path.stat().st_size}
    assert {"api.log", "worker.log"} <= written
    (data_dir / "logs" / "api.log").write_text("a planted canary")
    assert len(in_files(data_dir, canaries, leave_out=POSTGRESQL_HOLDS_DEAD_ROWS)) == 1
