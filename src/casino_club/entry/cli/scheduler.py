"""`casino-club scheduler`: what keeps the timetable, one process."""

from casino_club.entry.cli.reading import complaints_for_people, read_settings
from casino_club.entry.scheduler import schedule


def scheduler() -> None:
    """Keep the timetable until told to stop; several may run, and one leads. `up` runs this for you."""
    with complaints_for_people():
        schedule(read_settings())
