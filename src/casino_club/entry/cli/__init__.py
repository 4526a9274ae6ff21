"""The command line. A command's module is imported only when it is called, so that `up` stays small and quick."""

import sys
from importlib import import_module
from keyword import iskeyword

import typer

COMMANDS = {
    "up": "casino_club.entry.cli.up",
    "serve": "casino_club.entry.cli.serve",
    "consumer": "casino_club.entry.cli.consumer",
    "relay": "casino_club.entry.cli.relay",
    "worker": "casino_club.entry.cli.worker",
    "scheduler": "casino_club.entry.cli.scheduler",
    "migrate": "casino_club.entry.cli.migrate",
    "keys": "casino_club.entry.cli.keys",
    "users": "casino_club.entry.cli.users",
    "status": "casino_club.entry.cli.status",
    "doctor": "casino_club.entry.cli.doctor",
    "replay": "casino_club.entry.cli.replay",
    "consumers": "casino_club.entry.cli.consumers",
    "parked": "casino_club.entry.cli.parked",
    "jobs": "casino_club.entry.cli.jobs",
    "refused": "casino_club.entry.cli.refused",
    "archive": "casino_club.entry.cli.archive",
    "audit": "casino_club.entry.cli.audit",
    "odds": "casino_club.entry.cli.odds",
    "economy": "casino_club.entry.cli.economy",
    "export": "casino_club.entry.cli.export",
    "import": "casino_club.entry.cli.imports",
}


def main() -> None:
    """The whole command line, of which only what is called is imported."""
    try:
        commands(sys.argv[1] if len(sys.argv) > 1 else "")(prog_name="casino-club")
    except KeyboardInterrupt:  # While it was still being loaded: a command under way says more.
        sys.exit(130)


def commands(called: str = "") -> typer.Typer:
    """Each command is the function or the group of its module that bears its name, or that and `_`."""
    app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(_describe)
    for name in [called] if called in COMMANDS else COMMANDS:
        found = getattr(import_module(COMMANDS[name]), f"{name}_" if iskeyword(name) else name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _describe() -> None:
    """Casino-Club: a platform for a free-to-play social casino, on your own machine."""
