"""`casino-club up` whose private servers are given the libraries it was started with; they inherit nothing else."""

import os

from casino_club.entry.cli.reading import read_settings
from casino_club.entry.cli.up import run
from casino_club.infra.backends.embedded import postgres, redis

HANDED_ON = ("LD_PRELOAD", "SHIM_CLOCKS", "SHIM_DISKS")


def main() -> None:
    found = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    for server in (postgres, redis):
        server.ENVIRONMENT.update(found)
    run(read_settings())


if __name__ == "__main__":
    main()
