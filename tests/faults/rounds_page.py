"""What came of rounds under kills, as a table and as a section of the page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.faults.gaming import Crowd
from tests.faults.killing import Kind

HEADING = "\n## Rounds of all games\n"
TEXT = """
{users} users play slot, roulette, gacha and rock-paper-scissors, against the house and against each other, over HTTP
for {seconds:.0f} s, as fast as pace and machine let them, take free coins, and buy gems at the sandbox, while API and
PostgreSQL are killed by turns. What gets no answer, or 503, is sent again under the same id. Each client works out what
it should have. Once all is quiet:

- every acknowledged round, duel, opening and settled purchase, asked for by its id, is what was acknowledged, field by
  field;
- their lists, and the log, hold each of them once and nothing else: what was sent again landed once;
- each user's draws are numbered from 1 on without a gap, and are as many as the user was told of;
- everybody's coins and gems are what the clients worked out, and the check of all invariants finds nothing.

{table}

*Sent again* counts requests whose first try nobody answered. *Recovery* is the time from the kill until something was
acknowledged that was sent after it. {played:.0f} rounds a second; {load:.1f} processes waited for {processors}
processors, other work on the machine included.

Repeat it with `make test-faults PAGE=docs/faults.md ARGS=tests/faults/test_rounds.py`; without a page it takes
`CASINO_CLUB_TEST_ROUNDS_SECONDS` (40). The same checks have been seen to find a return that was told and not paid.
"""


class Recovery(NamedTuple):
    """One kill, and how long it took."""

    victim: Kind
    seconds: float


@dataclass(frozen=True)
class Seen:
    """A run that is over."""

    seconds: float
    crowd: Crowd
    recoveries: Sequence[Recovery]
    found: Sequence[str]
    load: float


def table(seen: Seen) -> str:
    """The figures of a run, in Markdown."""
    guests = seen.crowd.guests
    by_game = Counter(each["game"] for guest in guests for each in guest.rounds.values())
    killed = Counter(each.victim for each in seen.recoveries)
    seconds = [each.seconds for each in seen.recoveries] or [0.0]
    rows = [
        ("Rounds acknowledged", f"{played(seen):,}"),
        *((f"– {game}", f"{times:,}") for game, times in sorted(by_game.items())),
        ("– duels", f"{duels(seen):,}"),
        ("– gacha", f"{_number(seen, 'openings'):,}"),
        ("Purchases settled", f"{_number(seen, 'purchases'):,}"),
        ("Sent again", f"{seen.crowd.tellers.repeated:,}"),
        *((f"Kills of {victim}", f"{times:,}") for victim, times in sorted(killed.items())),
        ("Lost or changed", str(_count(seen, "lost"))),
        ("Doubled", str(_count(seen, "doubled"))),
        ("Other differences", str(len(seen.found) - _count(seen, "lost") - _count(seen, "doubled"))),
        ("Recovery p50", f"{median(seconds):.1f} s"),
        ("Recovery max", f"{max(seconds):.1f} s"),
    ]
    return "\n".join(f"| {name} | {figure} |" for name, figure in [("What", "How many"), ("---", "---:"), *rows])


def played(seen: Seen) -> int:
    return sum(len(guest.rounds) for guest in seen.crowd.guests) + duels(seen) + _number(seen, "openings")


def duels(seen: Seen) -> int:
    return sum(len(guest.duels) for guest in seen.crowd.guests) // 2


def _number(seen: Seen, what: str) -> int:
    return sum(len(getattr(guest, what)) for guest in seen.crowd.guests)


def _count(seen: Seen, kind: str) -> int:
    return sum(each.startswith(kind) for each in seen.found)


def write(path: Path, seen: Seen, *, processors: int) -> None:
    """Put the section in the place of the one before it; what others have written stays."""
    before, _, rest = path.read_text().partition(HEADING)
    _, mark, after = rest.partition("\n## ")
    section = TEXT.format(
        users=len(seen.crowd.guests),
        seconds=seen.seconds,
        table=table(seen),
        load=seen.load,
        processors=processors,
        played=played(seen) / seen.seconds,
    )
    path.write_text(before.rstrip("\n") + "\n" + HEADING + section + mark + after)
