"""Calls the command line as people do: in this process for speed, as a process of its own for proof."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from casino_club.entry.cli import commands

TOKEN_SECRET = "a-secret-for-tests-that-is-long-enough"
VAULT_SECRET = "another-secret-that-is-long-enough"
NO_KAFKA = "127.0.0.1:1"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Club:
    """Settings to call commands with."""

    variables: Mapping[str, str]

    async def call(self, *words: str, answer: str | None = None) -> Done:
        """Run a command in a thread, since it brings a loop of its own."""
        done = await asyncio.to_thread(
            CliRunner().invoke, commands(words[0]), words, env=self.variables, input=answer, catch_exceptions=False
        )
        return Done(done.exit_code, done.stdout, done.stderr)

    def with_settings(self, **variables: str) -> "Club":
        return Club({**self.variables, **{f"CASINO_CLUB_{name.upper()}": text for name, text in variables.items()}})

    @property
    def environment(self) -> dict[str, str]:
        """For a process: nothing of ours but these settings."""
        clean = {name: text for name, text in os.environ.items() if not name.startswith("CASINO_CLUB_")}
        return {**clean, **self.variables}

    def start(self, *words: str, hears: bool = False) -> subprocess.Popen[bytes]:
        """A command as a process that goes on. Who hears may read what it says to people."""
        errors = subprocess.PIPE if hears else sys.stderr
        return subprocess.Popen(_command(words), env=self.environment, stdout=subprocess.DEVNULL, stderr=errors)

    def run(self, *words: str) -> Done:
        """A command as a process, to its end."""
        done = subprocess.run(
            _command(words), env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)


def a_club(data_dir: Path, database_url: str, redis_url: str) -> Club:
    """A club on named servers."""
    return Club(
        {
            "CASINO_CLUB_MODE": "cluster",
            "CASINO_CLUB_DATA_DIR": str(data_dir),
            "CASINO_CLUB_DATABASE_URL": database_url,
            "CASINO_CLUB_REDIS_URL": redis_url,
            "CASINO_CLUB_KAFKA_URL": NO_KAFKA,
            "CASINO_CLUB_TOKEN_SECRET": TOKEN_SECRET,
            "CASINO_CLUB_VAULT_SECRET": VAULT_SECRET,
        }
    )


def _command(words: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "casino_club.entry.cli", *words]
