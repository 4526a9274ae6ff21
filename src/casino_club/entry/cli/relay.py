"""`casino-club relay`: what brings the log to Kafka, one process."""

from casino_club.entry.cli.reading import complaints_for_people, read_settings
from casino_club.entry.relay import relay_log


def relay() -> None:
    """Publish the log to Kafka's topic until told to stop. `up` runs this for you where there is one."""
    with complaints_for_people():
        relay_log(read_settings())
