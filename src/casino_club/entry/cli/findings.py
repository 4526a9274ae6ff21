"""What the doctor's checks are given, and what each finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from casino_club.entry.standing import DatabaseLook, HotLook, Look
from casino_club.infra.ports import TopicFacts
from casino_club.infra.settings import Settings


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found in one line and, unless all is well, how to mend it."""

    check: str
    state: State
    found: str
    mend: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """The data folder. `problem` is a sentence if it can't be used."""

    exists: bool
    problem: str | None
    free_mb: int | None


@dataclass(frozen=True, slots=True)
class ProviderLook:
    """An identity provider, asked just now. `problem` is what is wrong with it."""

    id: str
    problem: str | None
    names_s256: bool = True


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that checks may look at; None is what could not be had."""

    python: tuple[int, int, int]
    packages: Mapping[str, tuple[str, str | None]]
    """By name: the least version wanted, and the one that is installed."""
    settings: Settings | None
    settings_problems: Sequence[str] = ()
    folder: Folder | None = None
    look: Look | None = None
    pending_migrations: Sequence[str] | None = None
    subscribed: Sequence[str] = ()
    ready_status: int | None = None
    providers: Sequence[ProviderLook] | str | None = None
    """Those that the file names, or what is wrong with the file."""
    topic: TopicFacts | str | None = None
    """A sentence if no broker answers; None where no topic carries the log."""

    @property
    def database(self) -> DatabaseLook | None:
        return self.look.database if self.look and isinstance(self.look.database, DatabaseLook) else None

    @property
    def hot(self) -> HotLook | None:
        return self.look.hot if self.look and isinstance(self.look.hot, HotLook) else None


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, found)


def warning(check: str, found: str, mend: str) -> Finding:
    """It works, and may not for long."""
    return Finding(check, State.WARNING, found, mend)


def failure(check: str, found: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(check, State.FAILURE, found, mend)
