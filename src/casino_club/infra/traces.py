"""Where an error was raised: a missing socket of a server and a missing file of ours look alike."""


def raised_within(error: BaseException, packages: tuple[str, ...]) -> bool:
    """Whether the error came through code of one of these packages, each named with its dot."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith(packages):
            return True
        trace = trace.tb_next
    return False
