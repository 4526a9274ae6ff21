"""`casino-club relay`: what brings the log to Kafka, one process."""

from typing import Annotated

import typer

from casino_club.entry.cli.opening import give_up, open_database, run
from casino_club.entry.cli.printing import utc_now
from casino_club.entry.cli.reading import complaints_for_people, read_settings
from casino_club.entry.relay import relay_log
from casino_club.infra import runtime
from casino_club.infra.audit import deeds
from casino_club.infra.log.relay import PublisherAway, new_topic
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import OPERATOR

NewTopic = Annotated[
    int | None,
    typer.Option(min=1, max=1_000, metavar="PARTITIONS", help="Go on in a new topic that has so many, and end."),
]


def relay(new_topic: NewTopic = None) -> None:
    """Publish the log to Kafka's topic until told to stop. `up` runs this for you where there is one."""
    if new_topic is not None:
        try:
            name = run(_take_over(read_settings(), new_topic))
        except PublisherAway as fault:
            give_up(f"Kafka does not do it just now ({fault}); see `casino-club doctor`, then try again.")
        typer.echo(f"The log goes on in {name}. Delete the topic before it once nobody reads it any more.")
        return
    with complaints_for_people():
        relay_log(read_settings())


async def _take_over(settings: Settings, partitions: int) -> str:
    async with open_database(settings) as database:
        name = await new_topic(database, runtime.publisher(settings), partitions=partitions)
        await database.run(
            lambda db: deeds.note(db, OPERATOR, "new_topic", f"topic:{name}", {"partitions": partitions}, now=utc_now())
        )
        return name
