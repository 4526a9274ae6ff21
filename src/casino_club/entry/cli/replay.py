"""`casino-club replay`: makes a projection again from the log, beside the old one, while the system serves."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from casino_club.entry.cli.opening import MISUSED, WRONG, give_up, run
from casino_club.entry.cli.printing import AsJson, note, print_json, several, utc_now
from casino_club.entry.cli.reading import read_settings
from casino_club.entry.cli.verifying import check_place, compared, hashed, print_verdict, replay_user
from casino_club.entry.wiring import open_platform, subscriptions
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Database
from casino_club.infra.log import detached, parked, reader, rebuild, rebuilder, taking_over
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.rebuild import Progress as Position
from casino_club.infra.log.subscribe import Kind, Subscription
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import OPERATOR

TURN_SECONDS = 1.0

LEFT = "Interrupted: the consumer does the rest, and `casino-club status` shows how far it is."

FromId = Annotated[
    int,
    typer.Option(
        "--from",
        "--from-id",
        min=1,
        help="Read from this id on. What is before it is left out (hot), or taken over as it stands (warehouse).",
    ),
]
OneUser = Annotated[
    int | None,
    typer.Option("--user", help="Only this user: hot values are derived again, the warehouse's rows are compared."),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Say before and after what the projection holds, as hashes, and compare them.")
]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did. `rows` are those that the log held when it began."""

    name: str
    rows: int
    seconds: float
    ran_here: bool
    parked: int


def replay(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The projection, such as hot.")],
    from_id: FromId = 1,
    user: OneUser = None,
    verify: Verify = False,
    as_json: AsJson = False,
) -> None:
    """Make a projection again from the whole log. It is shown once it is complete; until then the old one stays.

    Ctrl-C leaves the rest to the consumer, which goes on where this stopped.
    """
    found = subscriptions()
    if why := refusal(name, found):
        give_up(why, MISUSED)
    # What goes wrong with a row is kept with the row; the terminal gets the count.
    logging.getLogger("casino_club").addHandler(logging.NullHandler())
    subscription = next(each for each in found if each.name == name)
    settings = read_settings()
    if user is not None:
        run(replay_user(settings, subscription, user, as_json=as_json))
        return
    before = run(hashed(settings, subscription)) if verify else None
    replayed = run(_replay(settings, subscription, from_id, shows_bar=not as_json), if_interrupted=LEFT)
    verdict = compared(before, run(hashed(settings, subscription))) if before else None
    if as_json:
        print_json({**asdict(replayed), "verified": verdict})
    else:
        typer.echo(_outcome(replayed))
        print_verdict(verdict)
    if verdict is not None and verdict.differs:
        raise typer.Exit(WRONG)


def refusal(name: str, known: Sequence[Subscription]) -> str | None:
    """Why this can't be replayed, with what can."""
    can = ", ".join(sorted(each.name for each in known if each.may_be_replayed)) or "nothing yet"
    chosen = next((each for each in known if each.name == name), None)
    if chosen is None:
        return f"There is no {name}; what can be replayed is: {can}."
    if chosen.kind is Kind.REACTION:
        return f"{name} is a reaction: what it does, others notice, so it is done once. What can be replayed is: {can}."
    if not chosen.may_be_replayed:
        return f"{name} keeps its values in PostgreSQL, beside which none can be built. What can be replayed is: {can}."
    return None


async def _replay(settings: Settings, subscription: Subscription, from_id: int, *, shows_bar: bool) -> Replayed:
    name, began = subscription.name, time.monotonic()
    async with open_platform(settings) as platform:
        stores = platform.stores
        check_place(stores, subscription)
        async with platform.database.connection() as asking:
            await taking_over.check_live(asking, stores, subscription, to_id=from_id - 1)
        async with platform.database.transaction() as db:
            await detached.check(db, stores.files, position=reader.Position(last_id=from_id - 1))
            rows = await rebuild.rows_to_read(db, from_id=from_id)
            parked_before = (await parked.counts(db)).get(name, 0)
            await rebuild.ask(db, name, from_id=from_id)
            how = {"from_id": from_id}
            await deeds.note(db, OPERATOR, "replay", f"projection:{name}", how, now=utc_now())
        ran_here = await _show_until_done(subscription, stores, rows, shows_bar=shows_bar)
        async with platform.database.connection() as db:
            parked_now = (await parked.counts(db)).get(name, 0)
    return Replayed(name, rows, time.monotonic() - began, ran_here, max(0, parked_now - parked_before))


async def _show_until_done(subscription: Subscription, stores: Stores, rows: int, *, shows_bar: bool) -> bool:
    running = asyncio.create_task(run_in_turn(subscription, stores))
    try:
        with _bar(subscription.name, rows, shows=shows_bar) as bar:
            async for at in rebuild.watch(stores.database, subscription.name):
                _move(bar, at, rows)
                if running.done():
                    running.result()
        return await running
    finally:
        running.cancel()
        await asyncio.wait([running])


async def run_in_turn(subscription: Subscription, stores: Stores) -> bool:
    """Run the rebuild, or wait for whoever runs it, taking over if they end early. True if it came to its end here."""
    has_told = ran_here = False
    while await _is_asked(stores.database, subscription.name):
        ran_here = await rebuilder.run(subscription, stores)
        if not ran_here:
            if not has_told:
                note(f"Another process rebuilds {subscription.name} already; this shows how far it is.")
            has_told = True
            await asyncio.sleep(TURN_SECONDS)
    return ran_here


async def _is_asked(database: Database, name: str) -> bool:
    async with database.connection() as db:
        return await rebuild.progress(db, name) is not None


@contextmanager
def _bar(name: str, rows: int, *, shows: bool) -> Iterator[Progress]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"))
    speed = TextColumn("{task.fields[speed_text]}")
    off = not (shows and console.is_terminal)
    with Progress(*columns, speed, TimeRemainingColumn(), console=console, transient=True, disable=off) as bar:
        bar.add_task(f"replay {name}", total=rows, speed_text="")
        yield bar


def _move(bar: Progress, at: Position, rows: int) -> None:
    """Between two passes of the reader there is no id to show; what was shown before stays."""
    task = bar.tasks[0]
    share = at.at_id / at.last_id if at.last_id else 0.0
    speed_text = f"{task.speed:,.0f}/s" if task.speed else ""
    bar.update(task.id, completed=max(task.completed, round(rows * min(share, 1.0))), speed_text=speed_text)


def _outcome(replayed: Replayed) -> str:
    speed = round(replayed.rows / replayed.seconds) if replayed.seconds else 0
    rows = several(replayed.rows, "row", "rows")
    text = f"{replayed.name} is made again from {rows} in {replayed.seconds:.1f} s ({speed:,}/s)."
    if replayed.parked:
        text += f" {several(replayed.parked, 'row was', 'rows were')} parked: see `casino-club parked list`."
    return text
