"""`casino-club worker`: what runs jobs, one process."""

from casino_club.entry.cli.reading import complaints_for_people, read_settings
from casino_club.entry.worker import work


def worker() -> None:
    """Run jobs that are due until told to stop. `up` runs this for you."""
    with complaints_for_people():
        work(read_settings())
