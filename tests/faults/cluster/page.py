"""The part of the page that shows what a cluster suffered and what came of it."""

from collections.abc import Iterable
from pathlib import Path
from statistics import median

from tests.faults.cluster.trial import Outcome

HEADING = "## In a cluster"
TEXT = """\
{heading}

PostgreSQL, Redis, three brokers of Kafka and the warehouse stand for themselves here, and API, relay, consumer and each
broker run on hosts of their own: network namespaces, in which the kernel drops packets of one line and of no other.
Processes that die are started again at once, as a service manager does it. The clients are the same. After each fault
(at named points, after up to five kills), once all is quiet, everything above is compared, and besides:

- who reads what is committed finds every row of the log in the topic once, as it is in the log, those of one user in
  one partition and in the order of their ids;
- the warehouse holds every row once, and both tables that its views keep equal a recomputation from the log in Python;
- every minute's actions are accounted for, from the door to the warehouse, and nothing is parked but what should be.

*Lost* and *doubled* count rows in the log, the topic and the warehouse. *Recovery* is the time from the kill, or from
the end of what lasted, until a new action was acknowledged and shown by the hot store and by the warehouse, without a
hand.

{conditions}

{table}

Clocks and disks are one process's alone here: a clock is an hour ahead, an hour behind, a day ahead and a day behind,
for a quarter of the time each, and then right again; writes and flushes are slowed down within the process; each
broker's data lies on a small disk of its own, and so does what PostgreSQL, Redis and our own processes write. Filled
disks have no byte left. A broker whose disk is full ends; whatever starts it again has to go on trying until there is
room, as a service manager does. Actions are taken all the while, unless PostgreSQL can't write: then clients are told
503.

What a wrong clock leaves behind: messages bear the time of the broker that took them, whoever sent them, and the topic
forgets by that. Brokers whose clocks are a day ahead forget a day too early, so that services which read the topic have
a day less to be away. And when the consumer starts, the stocktaking finds by time where the messages of open minutes
begin: a minute that was open then, and that these clocks or the consumer's put at a wrong time, may stay open and
alarm although nothing is missing.

**The clocks of all brokers at once are another matter.** Kafka holds to deadlines of a time that is no more. When all
three were ahead and then right again, what a running relay sent was still taken, but a relay that began, or who wanted
a new topic, waited in vain, and so did one broker that was started again alone. Starting all of them again together
ended that once; in another trial, under load, a minute was not enough for it. The suite does not try it.

Relays that send their position before the rows, consumers that move theirs before the rows are inserted, and consumers
that insert under ever new tokens are found by the same checks; those are tests as well.

Repeat it with `make test-faults PAGE=docs/faults.md ARGS="-k cluster"`, as root, with Java 17, Maven, `ip` and
`tc`. `CASINO_CLUB_TEST_KILLS` says how often each process is killed at each point; from 20 on, what lasts does so for
a minute. Not tried: faults of memory or disks that change bytes, brokers that lose to a power cut what they had not
flushed, a warehouse of several servers, wrong clocks of all brokers at once, two faults at once.
"""
HEAD = ("Fault", "Times", "Acknowledged", "Lost", "Doubled", "Recovery p50", "Recovery max")


def table(outcomes: Iterable[Outcome]) -> str:
    """Markdown, a line for each fault, and their sum."""
    of_fault: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        of_fault.setdefault(outcome.fault, []).append(outcome)
    everything = [outcome for some in of_fault.values() for outcome in some]
    lines = [_line(fault, some) for fault, some in of_fault.items()]
    rows = [HEAD, ("---", *("---:" for _ in HEAD[1:])), *lines, _line("**all**", everything)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _line(name: str, some: list[Outcome]) -> tuple[str, ...]:
    counts = (len(some), *(sum(getattr(each, what) for each in some) for what in ("acknowledged", "lost", "doubled")))
    seconds = [each.seconds for each in some]
    return (name, *(f"{count:,}" for count in counts), f"{median(seconds):.1f} s", f"{max(seconds):.1f} s")


def write(path: Path, outcomes: Iterable[Outcome], conditions: str) -> None:
    """This part of the page; the others stay."""
    text = path.read_text()
    before, _, rest = text.partition(f"{HEADING}\n")
    _, mark, after = rest.partition("\n## ")
    ours = TEXT.format(heading=HEADING, conditions=conditions, table=table(outcomes))
    path.write_text(f"{before.rstrip()}\n\n{ours}{mark}{after}")
