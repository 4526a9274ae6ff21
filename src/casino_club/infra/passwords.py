"""Argon2id, computed in a thread of its own: logins wait for each other, and nothing else waits for them."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from secrets import token_bytes
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import ARGON2_VERSION

from casino_club.kernel.errors import Kind, Refused

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
AT_ONCE_MAX: Final = 1
"""One: a second core, where there is one, is left to everything else."""
WAITING_MAX: Final = 128

Result = TypeVar("Result")


class TooManyLogins(Refused):
    code = "too_many_logins"
    kind = Kind.LIMITED

    def __init__(self) -> None:
        super().__init__("Many people are logging in just now; try again in a moment.")


class Passwords:
    """Hashes and verifies. Its thread ends with it."""

    def __init__(self, *, waiting_max: int = WAITING_MAX) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)
        self._threads = ThreadPoolExecutor(AT_ONCE_MAX, thread_name_prefix="passwords")
        self._waiting = 0
        self._waiting_max = waiting_max
        # Verified in place of a hash that does not exist, so that an unknown name takes as long as a wrong password.
        self._nobodys = _hash_of_nothing()

    async def hash(self, password: str) -> str:
        """What may be kept of the password."""
        return await self._aside(lambda: self._hasher.hash(password))

    def is_outdated(self, kept: str) -> bool:
        """Whether it was hashed by an older decision than the one above."""
        return self._hasher.check_needs_rehash(kept)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether this is the password. False, after the same time, where none is kept."""
        is_right = await self._aside(lambda: self._verify(password, kept or self._nobodys))
        return is_right and kept is not None

    def _verify(self, password: str, kept: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except VerifyMismatchError:
            return False

    async def _aside(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= self._waiting_max:
            raise TooManyLogins
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _hash_of_nothing() -> str:
    """What a hash looks like, of no password that anybody knows: made up, since hashing takes its time."""
    salt, digest = (b64encode(token_bytes(count)).rstrip(b"=").decode() for count in (16, 32))
    return f"$argon2id$v={ARGON2_VERSION}$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${digest}"
