"""The command line. A command's module is imported only when it is called, so that `up` stays small and quick."""

import sys
from importlib import import_module

import typer

COMMANDS = {
    "up": "casino_club.entry.cli.up",
    "serve": "casino_club.entry.cli.serve",
    "consumer": "casino_club.entry.cli.consumer",
    "migrate": "casino_club.entry.cli.migrate",
}


def main() -> None:
    """Each command is the function of its module that bears its name."""
    app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(_describe)
    called = sys.argv[1] if len(sys.argv) > 1 else ""
    for name in [called] if called in COMMANDS else COMMANDS:
        app.command(name)(getattr(import_module(COMMANDS[name]), name))
    app(prog_name="casino-club")


def _describe() -> None:
    """Casino-Club: a platform for a free-to-play social casino, on your own machine."""
