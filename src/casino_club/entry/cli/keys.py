"""`casino-club keys`: service keys for programs that call, and access tokens for trying things out."""

import re
from typing import Annotated

import typer

from casino_club.entry.cli.opening import MISUSED, give_up, open_database, run
from casino_club.entry.cli.printing import AsJson, moment, note, print_json, print_table, utc_now
from casino_club.entry.cli.reading import read_settings
from casino_club.entry.cli.users import open_desk
from casino_club.features.identity.commands.sessions import issue_token
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.infra.http import service_keys
from casino_club.infra.http.access_tokens import MINUTES_MAX, USER_ID_MAX
from casino_club.infra.http.service_keys import ServiceKey
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import OPERATOR, Scope

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DEFAULT_SCOPES = [Scope.ACTIONS_WRITE, Scope.ACTIONS_READ]

keys = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke the keys of programs that call the API.")

KeyName = Annotated[str, typer.Argument(metavar="NAME", help="What the key is called, such as the program it is for.")]


@keys.command()
def create(
    name: KeyName,
    scope: Annotated[
        list[Scope], typer.Option(help="What the key may do; repeat it for several.", show_default=True)
    ] = DEFAULT_SCOPES,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, once: only its digest is kept. The key alone goes to standard output."""
    if not NAME.fullmatch(name):
        give_up("A name has up to 64 letters, digits, dots, dashes and underscores, such as my-game.", MISUSED)
    key, text = run(_create(read_settings(), name, frozenset(scope)))
    _print_new(key, text, as_json=as_json)


@keys.command()
def rotate(name: KeyName, as_json: AsJson = False) -> None:
    """Put a new key in place of one: same scopes, same memory of what was sent. The old one ends within a second."""
    key, text = run(_rotate(read_settings(), name))
    _print_new(key, text, as_json=as_json)


@keys.command()
def revoke(name: KeyName, as_json: AsJson = False) -> None:
    """End a key. Every process refuses it within a second."""
    key = run(_revoke(read_settings(), name))
    if as_json:
        print_json(_described(key))
    else:
        typer.echo(f"{key.name} is revoked; callers that still use it are refused within a second.")


@keys.command(name="list")
def list_keys(as_json: AsJson = False) -> None:
    """All keys, revoked ones too, without their secrets."""
    found = run(_every(read_settings()))
    if as_json:
        print_json([_described(key) for key in found])
        return
    rows = [
        (key.name, str(key.id), ", ".join(sorted(key.scopes)), moment(key.created_at), moment(key.revoked_at))
        for key in found
    ]
    print_table(
        ("Name", "Id", "Scopes", "Created", "Revoked"),
        rows,
        empty="There are no keys yet; make one with `casino-club keys create NAME`.",
    )


@keys.command()
def token(
    user: Annotated[int, typer.Option(min=1, max=USER_ID_MAX, help="The user that the token stands for.")],
    minutes: Annotated[int, typer.Option(min=1, max=MINUTES_MAX, help="How long it is valid.")] = MINUTES_MAX,
    as_json: AsJson = False,
) -> None:
    """Print an access token of a user, for trying things out as that user's app would.

    It opens nothing that needs a role, and ends like any session of theirs: with a log-out everywhere, or a ban.
    """
    text = run(_token(read_settings(), user, minutes))
    if as_json:
        print_json({"user_id": user, "minutes": minutes, "token": text})
        return
    typer.echo(text)
    note(f"Valid for {minutes} min. Send it as `Authorization: Bearer …`; whoever holds it acts as user {user}.")


async def _token(settings: Settings, user_id: int, minutes: int) -> str:
    async with open_desk(settings) as desk, desk.database.transaction() as db:
        return await issue_token(db, desk, user_id, minutes, by=OPERATOR, now=utc_now())


async def _create(settings: Settings, name: str, scopes: frozenset[Scope]) -> tuple[ServiceKey, str]:
    async with open_database(settings) as database, database.transaction() as db:
        return await _noted(db, "create_service_key", await service_keys.create(db, name, scopes, now=utc_now()))


async def _rotate(settings: Settings, name: str) -> tuple[ServiceKey, str]:
    async with open_database(settings) as database, database.transaction() as db:
        return await _noted(db, "rotate_service_key", await service_keys.rotate(db, name, now=utc_now()))


async def _revoke(settings: Settings, name: str) -> ServiceKey:
    async with open_database(settings) as database, database.transaction() as db:
        key = await service_keys.revoke(db, name, now=utc_now())
        await _note(db, "revoke_service_key", key)
        return key


async def _noted(db: Db, verb: str, made: tuple[ServiceKey, str]) -> tuple[ServiceKey, str]:
    await _note(db, verb, made[0])
    return made


async def _note(db: Db, verb: str, key: ServiceKey) -> None:
    how = {"name": key.name, "scopes": sorted(key.scopes)}
    await deeds.note(db, OPERATOR, verb, f"service_key:{key.id}", how, now=utc_now())


async def _every(settings: Settings) -> list[ServiceKey]:
    async with open_database(settings) as database, database.connection() as db:
        return await service_keys.every(db)


def _print_new(key: ServiceKey, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json({**_described(key), "key": text})
        return
    typer.echo(text)
    note(
        f"This is the key of {key.name} ({', '.join(sorted(key.scopes))}). It is not shown again: keep it where "
        "the program keeps its secrets.",
        "Send it as `Authorization: Bearer …`.",
    )


def _described(key: ServiceKey) -> dict[str, object]:
    """All but the digest."""
    return {
        "name": key.name,
        "id": key.id,
        "namespace": key.namespace,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
