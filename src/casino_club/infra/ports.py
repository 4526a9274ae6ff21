"""What we ask of the outside, as promises that every backend keeps. Contract tests run on each of them."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from casino_club.kernel.errors import Kind, Refused


class Unusable(Exception):
    """The machine can't do this as it stands. The text is one line that says what to do."""


class HotValue(NamedTuple):
    """A value to show until an instant (milliseconds since 1970), or until it is replaced."""

    text: str
    until_ms: int | None = None


class HotWrite(NamedTuple):
    """What the hot store shall show of a user after a log row; None takes a value away."""

    user_id: int
    row_id: int
    values: Mapping[str, HotValue | None]


@dataclass(frozen=True, slots=True)
class HotFacts:
    """What a hot store says of itself. `survives_restart` is None where it may not be asked."""

    version: str
    survives_restart: bool | None
    when_full: str
    """What it does once its memory is used up; anything but `noeviction` loses values in silence."""


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """What brokers say of the topic that carries the log. There are no partitions as long as nobody has made it."""

    answer_seconds: float
    brokers: int
    topic: str
    partitions: int
    copies: int
    in_sync: int
    in_sync_min: int
    retention_days: float | None
    """None if messages stay for ever."""
    why_no_transactions: str | None


class TopicCounter(Protocol):
    """Counts what the topic that carries the log holds, from its messages alone."""

    async def count(self, minutes: Mapping[datetime, datetime]) -> Mapping[datetime, int]:
        """How many rows it holds of each of these minutes of `appended_at`; none of a minute that is left out.

        Each minute comes with an instant before its first row was stored. Raises TopicAway.
        """
        ...


class TopicAway(Exception):
    """The topic does not answer just now."""


class HotStore(Protocol):
    """Values per user that are read often and can be rebuilt. Named `user:{id}:name`, braces included."""

    async def apply(
        self, projection: str, writes: Sequence[HotWrite], *, mark: int, after_mark: int, generation: int = 0
    ) -> bool:
        """Apply each write unless the user already shows that row or a later one; then set the mark.

        A user's values change together. False, and the old mark stays, if there is none or it is older than
        `after_mark`: the store has lost writes. A mark never goes back. Raises HotStoreAway if the store does not
        answer; some writes may have been applied then.
        """
        ...

    async def set_mark(self, projection: str, mark: int, *, generation: int = 0) -> None:
        """Set the mark, whatever it was."""
        ...

    async def mark_of(self, projection: str) -> int | None:
        """The mark of the live generation; None if the store holds none."""
        ...

    async def apply_apart(self, projection: str, writes: Sequence[HotWrite]) -> None:
        """Apply writes to the live generation under the same guard as `apply`; the mark stays as it is."""
        ...

    async def forget(self, projection: str, user_id: int, names: Sequence[str], *, row_id: int) -> None:
        """Take the user's live values away, whatever they follow from; no row up to `row_id` brings them back."""
        ...

    async def read(self, user_id: int, names: Sequence[str]) -> dict[str, str | None]:
        """The user's live values."""
        ...

    async def begin_user_again(self, projection: str, user_id: int, names: Sequence[str]) -> None:
        """Forget the user's live values and from which row they follow: whatever is applied next is shown."""
        ...

    async def digest(self, projection: str, names: Sequence[str]) -> tuple[int, int]:
        """How many users have values, and these as one number, which does not depend on any order."""
        ...

    async def swap(
        self,
        projection: str,
        *,
        generation: int,
        names: Sequence[str],
        last_rows: Callable[[Sequence[int]], Awaitable[Mapping[int, int]]],
    ) -> int:
        """Show the rebuilt generation in place of the live values, user by user; how many users were swapped.

        `last_rows` gives the id of each user's last row, of those who have any. A user who shows a later row than the
        rebuild reached is left alone, unless it is beyond their last; a user of neither the rebuild nor `last_rows` is
        removed. May be called again after a failure.
        """
        ...

    async def discard(self, projection: str, *, generation: int) -> None:
        """Remove a generation that will not be shown."""
        ...

    async def ping(self) -> None:
        """Raises HotStoreAway if the store does not answer."""
        ...

    async def facts(self) -> HotFacts:
        """What the store says of itself."""
        ...


class HotStoreAway(Exception):
    """The hot store does not answer just now."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows for the warehouse, as one block of ClickHouse's Native format."""

    columns: Sequence[str]
    data: bytes
    row_count: int


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a query of the warehouse may cost before it is ended."""

    seconds_max: float = 30.0
    memory_mb_max: int = 512


class WarehouseStore(Protocol):
    """A ClickHouse, ours or the operator's. Statements are told their database; a generation of tables is one."""

    @property
    def database(self) -> str:
        """The name that the databases of all generations begin with."""
        ...

    async def read(
        self, sql: str, parameters: Mapping[str, object], *, database: str, result_format: str, limits: ReadLimits
    ) -> bytes:
        """The result of a query with `{name:Type}` parameters. Cancelling the call ends the query.

        Raises QueryTooLong, QueryTooLarge, WarehouseAway, or WarehouseFault.
        """
        ...

    async def insert(self, table: str, block: Block, *, database: str, token: str) -> None:
        """Insert a block, and into what views derive from it. The same token again changes nothing, and finishes
        what was cut. Raises WarehouseAway or WarehouseFault; the block may have been stored, in part or whole.
        """
        ...

    async def run(self, statement: str, *, database: str | None = None) -> None:
        """Run a statement that gives no rows. Raises as `insert`."""
        ...

    async def ping(self) -> None:
        """Raises WarehouseAway if it does not answer."""
        ...


class WarehouseAway(Exception):
    """The warehouse does not answer just now."""


class WarehouseFault(Exception):
    """The warehouse refuses a statement of ours, with ClickHouse's code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class QueryTooLong(Refused):
    """It would take longer than it may."""

    code = "query_too_long"
    kind = Kind.LIMITED

    def __init__(self) -> None:
        super().__init__("This takes longer than it may; ask for a shorter time or fewer users.")


class QueryTooLarge(Refused):
    """It would take more memory than it may."""

    code = "query_too_large"
    kind = Kind.LIMITED

    def __init__(self) -> None:
        super().__init__("This needs more memory than it may; ask for a shorter time or fewer users.")


class AgeAnswer(StrEnum):
    """What a verifier has found out."""

    CONFIRMED = "confirmed"
    """The person was born on the date that they gave."""
    REFUSED = "refused"
    """They were not, or it can't be shown."""


class AgeVerifier(Protocol):
    """Somebody who can tell whether a person was born on a date. Answers later than asked, by minutes at times."""

    async def ask(self, birth_date: date) -> str:
        """Begin a check; its reference. Asked twice, there are two checks. Raises AgeVerifierAway."""
        ...

    async def answer(self, reference: str) -> AgeAnswer | None:
        """What came of a check; None as long as nothing has. Stays the same once given. Raises AgeVerifierAway."""
        ...


class AgeVerifierAway(Exception):
    """The verifier does not answer just now, or there is none."""


class BrokenLine(NamedTuple):
    """A place in a file that should hold a row and doesn't: why, and what stands there."""

    message: str
    text: str


class SourceBlock(NamedTuple):
    """Some rows of a file, each with the number of its line, and how much of the file has been read."""

    rows: Sequence[tuple[int, Mapping[str, Any] | BrokenLine]]
    share_read: float


class SourceFile(Protocol):
    """A file of somebody else's rows."""

    @property
    def columns(self) -> Sequence[str] | None:
        """What every row holds; None if that differs from row to row."""
        ...

    @property
    def is_of_the_log(self) -> bool:
        """Whether it was exported from a log like ours, with every column."""
        ...

    def blocks(self, *, after_line: int = 0, rows_max: int) -> Iterator[SourceBlock]:
        """The rows behind a line, in order, a bounded number at a time. Raises SourceUnreadable."""
        ...


class SourceUnreadable(Exception):
    """The file can't be read, or not further. The text is one line that names the place."""


class RefusedRow(NamedTuple):
    """A row that an import did not take: where it stands, why not, and what it holds."""

    line: int
    code: str
    message: str
    row: Mapping[str, Any] | BrokenLine


class RefusedSink(Protocol):
    """Where refused rows of an import go to."""

    def put(self, rows: Sequence[RefusedRow], *, behind: int) -> int:
        """Write rows down, durably, in place of whatever stands behind so many bytes; how many bytes there are now."""
        ...


@dataclass(frozen=True, slots=True)
class ProviderName:
    """An identity provider as the operator names it."""

    id: str
    label: str
    issuer: str
    client_id: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """What an identity provider says of itself."""

    authorization_endpoint: str
    sends_issuer: bool
    """Whether its answers name it, as RFC 9207 has it."""
    names_s256: bool | None
    """Whether it says that it checks PKCE by S256; None if it says nothing of PKCE."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What a code was given for. The signature of the claims is the provider's; all else about them is unchecked."""

    claims: Mapping[str, object]
    algorithm: str
    access_token: str | None


class IdentityProvider(Protocol):
    """Somebody else who knows who somebody is, by OpenID Connect. Every call ends within seconds."""

    @property
    def name(self) -> ProviderName: ...

    async def facts(self) -> ProviderFacts:
        """What it says of itself, perhaps a while ago. Raises ProviderAway."""
        ...

    async def exchange(self, code: str, *, verifier: str, redirect_uri: str) -> Exchanged:
        """Spend the code. Raises ProviderAway, CodeRejected, TokenForged."""
        ...

    async def profile(self, access_token: str) -> Mapping[str, object]:
        """What it tells of the person beside the ID token; empty if it has nothing to tell. Raises ProviderAway."""
        ...

    async def look(self) -> int:
        """Ask everything anew; how many keys it signs with that we can use. Raises ProviderAway with what is wrong."""
        ...


class ProviderAway(Exception):
    """The provider does not answer just now, or not in a way that can be used."""


class CodeRejected(Exception):
    """The provider gives nothing for this code."""


class TokenForged(Exception):
    """The ID token is not signed by the provider with an algorithm that we accept."""
