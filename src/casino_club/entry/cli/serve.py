"""`casino-club serve`: the HTTP API, one process."""

from casino_club.entry import http
from casino_club.entry.cli.reading import complaints_for_people, read_settings


def serve() -> None:
    """Serve the HTTP API until told to stop. `up` runs this for you."""
    with complaints_for_people():
        http.serve(read_settings())
