"""A process that `up` starts and stops, as whoever knows the program describes it to the supervisor."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this machine that servers may run as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """One process that `up` starts and stops for us."""

    name: str
    prepare: Callable[[], None]
    """Makes folders, initialises files, ends leftovers of an earlier run. May be called again; raises Unusable."""
    command: Callable[[], Sequence[str]]
    is_ready: Callable[[], Awaitable[bool]]
    """True once the server answers questions; never raises for a server that is merely still starting."""
    stop_signals: Sequence[tuple[int, float]]
    """Signals in order of politeness, each with the seconds it is given before the next."""
    clean: Callable[[], None] = lambda: None
    """Removes what only a running server needs. Called once after it has ended; may find nothing to do."""
    as_user: Account | None = None
    """Account to run as, when the supervisor is root and the server refuses to be."""
    working_dir: Path | None = None
    environment: Mapping[str, str] | None = None
    """All that the process finds in its environment; None hands on the supervisor's own."""
    is_needed: bool = True
    """Whether nothing is of use without it. Others may fail to start for as long as they like."""
