"""Wall clocks that jump, of chosen processes: `postgres`, `valkey-server`, and ours by the words they were called with.

Only what a clock says is moved; waits and timers go on as they were, as when somebody sets a machine's clock. It works
for programs that ask the C library, as PostgreSQL, Valkey, Python and Java do, and on x86-64 for those that ask the
kernel's own page, as ClickHouse does.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from tests.faults.shims import Shim

PROGRAMS = ("postgres", "valkey-server", "serve", "consumer", "worker", "scheduler", "java")


class Clocks:
    """The clocks of programs that are started with `environment`."""

    def __init__(self, folder: Path, programs: Sequence[str] = PROGRAMS) -> None:
        self._shim = Shim(folder, "clock", programs)

    @property
    def environment(self) -> Mapping[str, str]:
        return self._shim.environment

    def has(self, program: str) -> bool:
        """Whether such a program runs and is under our hand."""
        return self._shim.has(program)

    def jump(self, program: str, by: timedelta) -> None:
        """Let a program's clock be ahead of the machine's by this much from now on, or behind it."""
        self._shim.set(program, by // timedelta(microseconds=1) * 1_000)
