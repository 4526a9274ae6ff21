"""`casino-club economy`: plays the platform's rules with synthetic users, and sets two versions beside each other."""

import os
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from casino_club.entry.cli.opening import MISUSED, WRONG, give_up
from casino_club.entry.cli.printing import AsJson, note, print_json, print_table
from casino_club.entry.cli.progress import row_bar
from casino_club.entry.cli.reading import complaints_for_people, read_settings
from casino_club.entry.economy import comparing
from casino_club.entry.economy.behaviour import Mix, mix_named
from casino_club.entry.economy.checks import Verdict, is_sound
from casino_club.entry.economy.comparing import ComparisonOut, differences
from casino_club.entry.economy.page import page_of, page_of_both
from casino_club.entry.economy.refusals import MixInvalid, RulesInvalid
from casino_club.entry.economy.report import ReportOut, report_of
from casino_club.entry.economy.rulebook import SHIPPED, Rulebook, tables_of_today, with_files
from casino_club.entry.economy.simulation import Plan, Run
from casino_club.entry.economy.simulation import simulate as run_plan
from casino_club.entry.wiring import load_amounts, load_market, ways_closed
from casino_club.features.games.rules.free_coins import FreeCoins
from casino_club.features.games.rules.pace import Pace
from casino_club.features.shop.rules.shipped import shipped_catalogue
from casino_club.infra.settings import Settings
from casino_club.kernel.errors import Refused

economy = typer.Typer(
    no_args_is_help=True, help="What odds, prices and gifts do to the economy, on synthetic users. Needs no server."
)

UNSOUND: Final = 3
"""Exit code: a check is broken, so that the run can stand guard in a pipeline."""
FILE_BYTES_MAX: Final = 4_000_000
USERS_MAX: Final = 1_000_000
DAYS_MAX: Final = 3_650

Users = Annotated[int, typer.Option(min=1, max=USERS_MAX, help="How many synthetic users.")]
Days = Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="For how many days.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same report, byte by byte.")]
MixName = Annotated[str, typer.Option("--mix", help="How they behave: `economy mixes` shows the names.")]
MixFile = Annotated[
    Path | None, typer.Option("--mix-file", metavar="FILE", help="TOML or JSON with mixes of your own.")
]
With = Annotated[
    list[Path],
    typer.Option("--with", metavar="FILE", help="A table of odds or a catalogue in place of the shipped one."),
]
Compare = Annotated[
    tuple[str, str] | None,
    typer.Option(metavar="A B", help="Two versions: `shipped`, or files with commas between them."),
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write charts and tables as one page.")]
Numbers = Annotated[Path | None, typer.Option("--numbers", metavar="FILE", help="Write what --json prints to a file.")]


@economy.command()
def simulate(  # noqa: PLR0913 - every argument is an option of the command
    users: Users = 1_000,
    days: Days = 30,
    seed: Seed = 1,
    mix: MixName = "everyday",
    mix_file: MixFile = None,
    replacing: With = [],  # noqa: B006 - typer wants a list, and nobody changes it
    compare: Compare = None,
    html: Html = None,
    numbers: Numbers = None,
    as_json: AsJson = False,
) -> None:
    """Play the rules that hold here with synthetic users. Ends with 3 if a check is broken.

    Odds, bonus, free coins, prices and the ways of money are the platform's own; how users behave is assumed.
    """
    with complaints_for_people():
        own = rulebook_over(read_settings())
    with _refusals_for_people():
        plan = Plan(users, days, seed, mix, _mix(mix, mix_file))
        if compare is None:
            books = with_files(own, ",".join(path.name for path in replacing), _texts(replacing)) if replacing else own
            report = report_of(_run(plan, books))
            _hand_out(report, page_of(report), html, numbers, as_json=as_json)
            reports = [report]
        else:
            versions = [_version(own, word) for word in compare]
            both = _both(plan, versions)
            _hand_out(both, page_of_both(both), html, numbers, as_json=as_json)
            reports = [both.first, both.second]
    end_unless_sound(reports)


def end_unless_sound(reports: Sequence[ReportOut]) -> None:
    """A program that runs this as a guard learns it by the exit code."""
    if not all(is_sound(each.checks) for each in reports):
        note("A check is broken: look at `checks`. These figures prove nothing.")
        raise typer.Exit(UNSOUND)


@economy.command()
def mixes() -> None:
    """The mixes that are shipped, as the file that --mix-file reads: a start for your own."""
    typer.echo(_shipped_mixes(), nl=False)


@economy.command()
def schema() -> None:
    """The JSON Schema of what --json prints: of one run, and of a comparison."""
    print_json({"run": msgspec.json.schema(ReportOut), "comparison": msgspec.json.schema(ComparisonOut)})


def rulebook_over(settings: Settings) -> Rulebook:
    """The rules as the settings have them. Raises Unusable."""
    market = load_market(settings.market)
    return Rulebook(
        SHIPPED,
        tables_of_today(),
        shipped_catalogue(),
        settings.market,
        market,
        ways_closed(market),
        FreeCoins(settings.free_coins, settings.free_coins_ceiling, timedelta(hours=settings.free_coins_hours)),
        load_amounts(settings),
        Pace(timedelta(milliseconds=settings.slot_round_ms_min), timedelta(milliseconds=settings.game_round_ms_min)),
        timedelta(minutes=settings.streak_gap_minutes),
        settings.free_spin_coins,
    )


def _both(plan: Plan, versions: list[Rulebook]) -> ComparisonOut:
    first, second = (_run(plan, each) for each in versions)
    found = differences(first.tally.people, second.tally.people)
    return ComparisonOut(comparing.FORMAT, found, report_of(first), report_of(second))


def _run(plan: Plan, rules: Rulebook) -> Run:
    with row_bar(rules.name, shows=True, unit="users") as moved:
        return run_plan(plan, rules, lambda done, whole: moved.to(done, share=done / whole))


def _version(own: Rulebook, word: str) -> Rulebook:
    if word == SHIPPED:
        return own
    paths = [Path(each) for each in word.split(",")]
    return with_files(own, ",".join(path.name for path in paths), _texts(paths))


def _texts(paths: list[Path]) -> list[tuple[str, bytes]]:
    return [(str(path), _read(path, RulesInvalid)) for path in paths]


def _read(path: Path, refused: Callable[[str], Refused]) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise refused(f"{path}: {error.strerror}.") from None
    if len(text) > FILE_BYTES_MAX:
        raise refused(f"{path} is larger than {FILE_BYTES_MAX:,} bytes.")
    return text


def _mix(name: str, path: Path | None) -> Mix:
    text = _shipped_mixes() if path is None else _decoded(path, _read(path, MixInvalid))
    return mix_named(_value(path, text), name)


def _shipped_mixes() -> str:
    return (files("casino_club.entry.economy") / "mixes.toml").read_text()


def _decoded(path: Path, text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise MixInvalid(f"{path} is no text in UTF-8.") from None


def _value(path: Path | None, text: str) -> Any:
    try:
        return msgspec.json.decode(text) if path is not None and path.suffix == ".json" else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, RecursionError) as error:
        raise MixInvalid(f"{path} can't be read: {error}.") from None


@contextmanager
def _refusals_for_people() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        give_up(f"{refused.code}: {refused.message}", MISUSED)


def _hand_out(
    found: ReportOut | ComparisonOut, page: str, html: Path | None, numbers: Path | None, *, as_json: bool
) -> None:
    for path, text in ((html, page), (numbers, msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")):
        if path is not None:
            _write(path, text)
    if as_json:
        print_json(found)
    elif isinstance(found, ReportOut):
        _print(found)
    else:
        _print_both(found)


def _write(path: Path, text: str) -> None:
    """The whole file or, whatever happens, what was there before."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        give_up(f"{path} can't be written: {error.strerror}.", WRONG)
    finally:
        draft.unlink(missing_ok=True)


def _print(report: ReportOut) -> None:
    headlines = msgspec.structs.asdict(report.headlines)
    print_table(
        ("Figure", ""), [(name.replace("_", " "), _shown(value)) for name, value in headlines.items()], empty=""
    )
    typer.echo()
    rows = [(flow.currency, flow.reason, f"{flow.came_in:,}", f"{flow.went_out:,}") for flow in report.flows]
    print_table(("Currency", "Reason", "Came in", "Went out"), rows, empty="No money moved.")
    typer.echo()
    _print_checks(report)


def _print_both(both: ComparisonOut) -> None:
    first, second = both.first.plan.rules, both.second.plan.rules
    rows = [
        (
            *(each.figure.replace("_", " "), _shown(each.first), _shown(each.second), _shown(each.difference)),
            *(f"{_shown(each.low)} … {_shown(each.high)}", "clear" if each.is_clear else ""),
        )
        for each in both.differences
    ]
    print_table(("Per user", first, second, "Difference", "95% interval", ""), rows, empty="")
    for report in (both.first, both.second):
        typer.echo(f"\n{report.plan.rules}:")
        _print_checks(report)


def _print_checks(report: ReportOut) -> None:
    broken = [check for check in report.checks if check.verdict is Verdict.BROKEN]
    few = sum(check.verdict is Verdict.TOO_FEW for check in report.checks)
    rows = [(check.name, _shown(check.found), _shown(check.expected), _shown(check.off_max)) for check in broken]
    all_hold = f"All {len(report.checks)} checks hold; of {few} there was too little for the strict bound."
    print_table(("Broken check", "Found", "Expected", "Off at most"), rows, empty=all_hold)


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1_000 else f"{value:,.4f}"
