"""The warehouse's engine on an address of a test's own, so that its packets can be told from others:
`python -m tests.faults.cluster.bound_engine ADDRESS FOLDER PORT`.
"""

import sys

from casino_club.infra.backends.engine import __main__ as engine

if __name__ == "__main__":
    engine.HOST = sys.argv.pop(1)
    engine.main()
