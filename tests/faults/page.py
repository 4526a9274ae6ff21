"""The table of what was killed and what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.faults.checker import Finding
from tests.faults.killing import Cause, Kill, Kind, Round, Trouble
from tests.faults.ledger import Ledger
from tests.faults.points import Point

TEXT = """\
# Faults

Real clients play while processes are killed with `kill -9`: at random moments under load, and at the points where a
crash could do most harm. The clients keep a ledger of everything they sent and of every acknowledgement; what gets no
answer, or 503, is sent again as it was. Once all is quiet the ledger is compared with the servers:

- every acknowledged action is in the log, once, under the id that was acknowledged; the log holds nothing else;
- of one user's actions, what was acknowledged before something else was sent comes first;
- streaks, days and the hot store, with the instants at which its values end, equal a second, plain recomputation;
- nothing is parked, no reader is behind, and just the processes that should run do; none is left after the stop.

*Recovery* is the time from the kill until a new action was acknowledged and shown by the hot store, without a hand (for
the supervisor: with `casino-club up` started again at once). Restarts wait longer the more often a process dies within
half a minute, and other work on the machine counts in.

{table}

Trouble is another matter: nobody is killed, and processes go on with a disk that is full or slow, or a clock that is
set an hour or a day ahead, or back, and then right again. *Recovery* counts from the end of the trouble. Disks are
slowed down within the process; a clock jumps for one process alone. Lines are cut in a cluster, below.

{troubles}

What a jump leaves behind: plays that an API stored while its clock was ahead keep that time, and whoever made them is
late with every play until the right time has come there. Values that Redis let end while its clock was ahead come back
with each user's next play, or with `casino-club replay hot`.

The same harness finds the loss when `synchronous_commit` is off, and a planted double, a planted stale value and the
like; those are tests as well.

Repeat it with `make test-faults PAGE=docs/faults.md`; `CASINO_CLUB_TEST_KILLS` says how often each is killed.
"""
NONE = "Not tried in this run."
HEAD = ("Killed", "Kills", "Acknowledged", "Lost", "Doubled", "Recovery p50", "Recovery max")


@dataclass(frozen=True, slots=True)
class Tally:
    """What belongs to one kill: everything between the end of the recovery before it and the end of its own."""

    cause: Cause
    seconds: float
    acknowledged: int
    lost: int
    doubled: int


def tallies_of(done: Round) -> list[Tally]:
    """One for each kill of a round that was checked."""
    return [_tally(done.load.ledger, kill, done.found) for kill in done.kills]


def _tally(ledger: Ledger, kill: Kill, found: Sequence[Finding]) -> Tally:
    theirs = {
        client_id: entry.acknowledged_at is not None
        for client_id, entry in ledger.entries.items()
        if (entry.acknowledged_at or entry.sent_at) in kill.ticks
    }
    wrong = {kind: sum(f.kind == kind and f.client_id in theirs for f in found) for kind in ("lost", "doubled")}
    return Tally(kill.cause, kill.seconds, sum(theirs.values()), wrong["lost"], wrong["doubled"])


def kills(all_tallies: Iterable[Tally]) -> str:
    """A line for each kind of process and each point."""
    return _table(all_tallies, (*Kind, *Point), HEAD)


def troubles(all_tallies: Iterable[Tally]) -> str:
    """A line for each trouble."""
    return _table(all_tallies, tuple(Trouble), ("Trouble", "Times", *HEAD[2:]))


def _table(all_tallies: Iterable[Tally], causes: Sequence[Cause], head: Sequence[str]) -> str:
    """Markdown, a line for each cause, and their sum."""
    of_cause: dict[Cause, list[Tally]] = {cause: [] for cause in causes}
    for tally in all_tallies:
        if tally.cause in of_cause:
            of_cause[tally.cause].append(tally)
    everything = [tally for some in of_cause.values() for tally in some]
    if not everything:
        return NONE
    lines = [_line(f"{cause}", some) for cause, some in of_cause.items() if some]
    rows = [tuple(head), ("---", *("---:" for _ in head[1:])), *lines, _line("**all**", everything)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _line(name: str, some: Sequence[Tally]) -> tuple[str, ...]:
    seconds = [tally.seconds for tally in some]
    counts = (len(some), *(sum(getattr(tally, what) for tally in some) for what in ("acknowledged", "lost", "doubled")))
    return (name, *(f"{count:,}" for count in counts), f"{median(seconds):.1f} s", f"{max(seconds):.1f} s")


def write(path: Path, all_tallies: Iterable[Tally]) -> None:
    """The page that shows a run. What others have written under headings of their own stays."""
    found = list(all_tallies)
    _, mark, others = path.read_text().partition("\n## ")
    path.write_text(TEXT.format(table=kills(found), troubles=troubles(found)) + mark + others)
