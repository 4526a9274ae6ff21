"""`casino-club odds`: verifies proofs of draws and computes what a table gives, without any server."""

from pathlib import Path
from typing import Annotated

import typer

from casino_club.entry.cli.opening import MISUSED, WRONG, give_up
from casino_club.entry.cli.printing import AsJson, print_json, print_table
from casino_club.features.odds.rules.disclosure import Disclosure, Exact, disclose
from casino_club.features.odds.rules.proofs import verify as checks_of
from casino_club.features.odds.rules.tables import draft_table
from casino_club.kernel.canonical import LENGTH_MAX
from casino_club.kernel.errors import Refused

odds = typer.Typer(no_args_is_help=True, help="Proofs of draws, and tables of odds. Needs no server.")

PROOF_BYTES_MAX = 2 * LENGTH_MAX
DRAFT_BYTES_MAX = 4 * LENGTH_MAX

ProofFile = Annotated[typer.FileBinaryRead, typer.Argument(metavar="PROOF.json", help="The proof; - reads the input.")]
TableFile = Annotated[Path, typer.Argument(metavar="TABLE.json", exists=True, dir_okay=False, help="The table.")]


@odds.command()
def verify(proof: ProofFile, as_json: AsJson = False) -> None:
    """Draw again what a proof is of, and compare. Ends with 1 unless it is genuine."""
    checks = checks_of(proof.read(PROOF_BYTES_MAX))
    is_genuine = all(check.holds for check in checks)
    if as_json:
        print_json({"is_genuine": is_genuine, "checks": checks})
    else:
        for check in checks:
            typer.echo(f"{'holds' if check.holds else 'FAILS'}  {check.name:8} {check.about}")
        typer.echo("This proof is genuine." if is_genuine else "This proof is NOT genuine.")
    if not is_genuine:
        raise typer.Exit(WRONG)


@odds.command()
def check(table: TableFile, as_json: AsJson = False) -> None:
    """What a table gives, exactly, before anybody approves it. Ends with 1 if it does not hold together."""
    if table.stat().st_size > DRAFT_BYTES_MAX:
        give_up(f"{table} is larger than {DRAFT_BYTES_MAX:,} bytes.", MISUSED)
    try:
        page = disclose(draft_table(table.read_bytes()))
    except Refused as refused:
        give_up(f"{table}: {refused.message}")
    if as_json:
        print_json(page)
    else:
        _print_page(page)


def _print_page(page: Disclosure) -> None:
    typer.echo(f"{page.product} ({page.kind}), digest {page.digest}")
    headline = {"Returns": page.rtp, "at best": page.rtp_max, "Gives something": page.hit_rate}
    for name, value in headline.items():
        if value is not None:
            typer.echo(f"{name}: {_shown(value)}")
    if page.ceiling_draws is not None:
        typer.echo(f"Luck is certain with draw {page.ceiling_draws}.")
    print_table(
        ("What comes", "Tier", "Rate"),
        [(thing.id, thing.tier or "–", _shown(thing.rate) if thing.rate else "by cell") for thing in page.things],
        empty="Nothing comes.",
    )


def _shown(value: Exact) -> str:
    """Decimals, and the fraction where it is short enough to be read."""
    return f"{value.decimal} ({value.fraction})" if len(value.fraction) <= 24 else value.decimal
