"""How a process that runs for long treats its memory."""

import gc


def settle_memory() -> None:
    """Spare the collector all that lives as long as the process: full collections were most of the slowest answers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
