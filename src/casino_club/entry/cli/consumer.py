"""`casino-club consumer`: what follows the log, one process."""

from casino_club.entry.cli.reading import complaints_for_people, read_settings
from casino_club.entry.consumer import consume


def consumer() -> None:
    """Follow the log for every subscription until told to stop. `up` runs this for you."""
    with complaints_for_people():
        consume(read_settings())
