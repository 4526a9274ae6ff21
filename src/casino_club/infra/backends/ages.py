"""Who proves people's age: nobody, unless the operator names one. The sandbox believes every date and is for trials."""

import secrets
import time
from collections.abc import Callable
from datetime import date
from typing import Final

from casino_club.infra.ports import AgeAnswer, AgeVerifier, AgeVerifierAway
from casino_club.infra.settings import Settings

ANSWER_SECONDS: Final = 2.0
NEVER_ANSWERED: Final = date(1900, 1, 1)
TIMES_OUT: Final = date(1900, 1, 2)
REFUSED: Final = date(1900, 1, 3)
"""Dates of birth with which a trial sees what a real verifier does on a bad day."""


class SandboxAgeVerifier:
    """Confirms what it is told, after a moment; refuses, is silent or away for the dates above."""

    def __init__(self, *, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall

    async def ask(self, birth_date: date) -> str:
        if birth_date == TIMES_OUT:
            raise AgeVerifierAway
        verdict = AgeAnswer.REFUSED if birth_date == REFUSED else AgeAnswer.CONFIRMED
        ready_ms = 0 if birth_date == NEVER_ANSWERED else int((self._wall() + ANSWER_SECONDS) * 1000)
        return f"{secrets.token_hex(8)}.{ready_ms}.{verdict}"

    async def answer(self, reference: str) -> AgeAnswer | None:
        _, ready_ms, verdict = reference.split(".")
        is_ready = 0 < int(ready_ms) <= self._wall() * 1000
        return AgeAnswer(verdict) if is_ready else None


class NoAgeVerifier:
    """Where none is named, nobody's age is proven."""

    async def ask(self, birth_date: date) -> str:  # noqa: ARG002 - the port's
        raise AgeVerifierAway

    async def answer(self, reference: str) -> AgeAnswer | None:  # noqa: ARG002 - the port's
        raise AgeVerifierAway


def age_verifier(settings: Settings) -> AgeVerifier:
    """The one that the settings name."""
    return SandboxAgeVerifier() if settings.age_verifier == "sandbox" else NoAgeVerifier()
