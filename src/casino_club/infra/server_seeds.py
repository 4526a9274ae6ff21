"""Secret seeds that draws are made from: made here, and kept sealed until they are revealed."""

import os
import uuid
from typing import Final

from casino_club.infra.vault import DataKey

SEED_BYTES: Final = 32


class ServerSeeds:
    """A sealed seed opens only for the commitment that it was sealed for."""

    def __init__(self, key: DataKey) -> None:
        self._key = key

    def new(self) -> tuple[uuid.UUID, bytes]:
        """The id of a new commitment, and the seed that it is about."""
        return uuid.uuid4(), os.urandom(SEED_BYTES)

    def seal(self, commit_id: uuid.UUID, seed: bytes) -> bytes:
        """The seed as it may be stored."""
        return self._key.seal(f"server seed {commit_id}", seed.hex())

    def open(self, commit_id: uuid.UUID, sealed: bytes) -> bytes:
        """The seed again. Raises `Unreadable`."""
        return bytes.fromhex(self._key.open(f"server seed {commit_id}", sealed))
