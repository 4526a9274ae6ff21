"""`casino-club users`: the first admin, who is staff, and who is kept out. Shows nothing personal."""

import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from casino_club.entry.cli.opening import MISUSED, give_up, open_database, run
from casino_club.entry.cli.printing import AsJson, moment, note, print_json, print_table, utc_now
from casino_club.entry.cli.reading import read_settings
from casino_club.entry.wiring import desk_over, exporters, load_policies, office_over, open_platform
from casino_club.features.identity.commands import accounts, staff
from casino_club.features.identity.commands.accounts import NewUser
from casino_club.features.identity.commands.desk import Desk
from casino_club.features.identity.rules.people import UserFacts
from casino_club.features.identity.store.users import users_listed
from casino_club.features.privacy.commands import carrying, erasing
from casino_club.features.privacy.commands.gathering import gather
from casino_club.features.privacy.rules.erasures import Receipt
from casino_club.features.privacy.schemas import receipt_out
from casino_club.infra.audit import deeds
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import OPERATOR, Role

LISTED_MAX = 1_000

users = typer.Typer(no_args_is_help=True, help="Make the first admin, give roles, ban and let in again.")

UserId = Annotated[int, typer.Argument(metavar="USER_ID", min=1, max=2**63 - 1, help="As `users list` shows it.")]


@users.command()
def create_admin(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="What the admin logs in with.")],
    nickname: Annotated[str, typer.Option(help="What others see.")] = "Admin",
    as_json: AsJson = False,
) -> None:
    """Sign up a user who is an admin. The password is asked for, or read from standard input's first line."""
    user_id = run(_create_admin(read_settings(), NewUser(nickname, email, _password())))
    if as_json:
        print_json({"user_id": user_id, "roles": [Role.ADMIN]})
    else:
        typer.echo(f"User {user_id} is an admin; they log in with their e-mail address.")


@users.command(name="list")
def list_users(
    staff_only: Annotated[bool, typer.Option("--staff", help="Only those who have a role.")] = False,
    email: Annotated[str | None, typer.Option(help="Only the user with this address.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Only ids above this one.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Users by id, a thousand at most: roles and bans, nothing personal."""
    found = run(_listed(read_settings(), email, after=after, staff_only=staff_only))
    if as_json:
        print_json([_described(each) for each in found])
        return
    rows = [
        (str(each.id), ", ".join(sorted(each.roles)) or "–", moment(each.created_at), moment(each.banned_at))
        for each in found
    ]
    print_table(("Id", "Roles", "Signed up", "Banned"), rows, empty="There are no such users.")
    if len(found) == LISTED_MAX:
        note(f"There may be more: go on with --after {found[-1].id}.")


@users.command()
def roles(
    user_id: UserId,
    role: Annotated[list[Role] | None, typer.Argument(help="All that they shall have; none at all ends it.")] = None,
) -> None:
    """Give a user these roles and no others. Their sessions end within a second."""
    wanted = frozenset(role or ())
    run(_set_roles(read_settings(), user_id, wanted))
    typer.echo(f"User {user_id} has these roles: {', '.join(sorted(wanted)) or 'none'}. They have to log in again.")


@users.command()
def ban(user_id: UserId) -> None:
    """Keep a user out. Their sessions end within a second."""
    run(_ban(read_settings(), user_id))
    typer.echo(f"User {user_id} is banned.")


@users.command()
def unban(user_id: UserId) -> None:
    """Let a user in again."""
    run(_unban(read_settings(), user_id))
    typer.echo(f"User {user_id} may log in again.")


@users.command()
def remove_factor(user_id: UserId) -> None:
    """Take away the second factor of somebody who has lost phone and recovery codes. Make sure that it is them."""
    if not run(_remove_factor(read_settings(), user_id)):
        give_up(f"User {user_id} has no second factor.")
    typer.echo(f"User {user_id} has no second factor any more; they log in with the password and enrol another.")


@users.command()
def erase(
    user_id: UserId,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask whether that is meant.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a user out of every store, at once and for good. What they ask for themselves can be taken back for days."""
    if not yes:
        if not sys.stdin.isatty():
            give_up("This can't be undone: say --yes if it is meant.", MISUSED)
        typer.confirm(f"Erase user {user_id} from every store? This can't be undone.", abort=True)
    receipt = run(_erase(read_settings(), user_id))
    if as_json:
        print_json(receipt_out(receipt))
        return
    _print_receipts([receipt], empty="")
    if receipt.waiting:
        typer.echo("Not every store has let go yet; the worker asks again every minute. See `users erasures`.")


@users.command()
def erasures(as_json: AsJson = False) -> None:
    """Erasures that are asked for or under way, and which stores they wait for. A thousand at most."""
    found = run(_erasures(read_settings()))
    if as_json:
        print_json([receipt_out(each) for each in found])
        return
    _print_receipts(found, empty="Nobody has asked to be erased.")


@users.command()
def export(
    user_id: UserId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The zip archive to write; it must not exist yet.")],
) -> None:
    """Write all that is kept of a user into one archive, for somebody who can't ask for it. It is audited."""
    run(_export(read_settings(), user_id, file))
    typer.echo(f"{file} holds all that is kept of user {user_id}. Hand it to them alone, then delete it.")


def _print_receipts(receipts: Sequence[Receipt], *, empty: str) -> None:
    rows = [
        (str(each.erasure.user_id), each.erasure.state, moment(each.erasure.due_at), ", ".join(each.waiting) or "–")
        for each in receipts
    ]
    print_table(("User", "State", "Due", "Waits for"), rows, empty=empty)


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        give_up("Send the password as the first line of standard input.", MISUSED)
    return password


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """What commands about people work with."""
    async with open_database(settings) as database:
        yield desk_over(settings, database, load_policies(settings))


async def _create_admin(settings: Settings, wanted: NewUser) -> int:
    now = utc_now()
    async with open_desk(settings) as desk:
        user, password_hash = await accounts.prepare(desk, wanted)
        async with desk.database.transaction() as db:
            user_id = await accounts.add_user(db, desk, user, password_hash, now=now)
            await staff.set_roles(db, desk, user_id, [Role.ADMIN], by=OPERATOR, now=now)
    return user_id


async def _listed(settings: Settings, email: str | None, *, after: int, staff_only: bool) -> list[UserFacts]:
    async with open_desk(settings) as desk, desk.database.connection() as db:
        if email is None:
            return await users_listed(db, after_id=after, only_staff=staff_only, limit=LISTED_MAX)
        user_id = await accounts.find_by_email(db, desk, email)
        if user_id is None:
            return []
        return await users_listed(db, after_id=user_id - 1, only_staff=False, limit=1)


async def _set_roles(settings: Settings, user_id: int, wanted: frozenset[Role]) -> None:
    async with open_desk(settings) as desk, desk.database.transaction() as db:
        await staff.set_roles(db, desk, user_id, wanted, by=OPERATOR, now=utc_now())


async def _ban(settings: Settings, user_id: int) -> None:
    async with open_desk(settings) as desk, desk.database.transaction() as db:
        await staff.ban(db, desk, user_id, by=OPERATOR, now=utc_now())


async def _unban(settings: Settings, user_id: int) -> None:
    async with open_desk(settings) as desk, desk.database.transaction() as db:
        await staff.unban(db, desk, user_id, by=OPERATOR, now=utc_now())


async def _erase(settings: Settings, user_id: int) -> Receipt:
    now = utc_now()
    async with open_platform(settings) as platform:
        office = office_over(platform)
        async with platform.database.transaction() as db:
            erasure_id = await erasing.order(db, user_id, now=now)
        async with platform.database.connection() as db:
            receipt = await erasing.receipt_by_id(db, office, erasure_id)
        await carrying.carry_out(office, receipt.erasure, now=now)
        async with platform.database.connection() as db:
            return await erasing.receipt_by_id(db, office, erasure_id)


async def _export(settings: Settings, user_id: int, file: Path) -> None:
    async with open_platform(settings) as platform:
        async with platform.database.transaction() as db:
            await deeds.note(db, OPERATOR, "export_user", f"user:{user_id}", now=utc_now())
        try:
            target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            give_up(f"{file} can't be written ({error.strerror}).")
        with os.fdopen(target, "wb") as archive, _gone_unless_whole(file):
            await gather(office_over(platform).reach, exporters(), user_id, archive, report=_say_nothing)


@contextmanager
def _gone_unless_whole(file: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        file.unlink()
        raise


async def _say_nothing(_: str) -> None:
    return


async def _erasures(settings: Settings) -> list[Receipt]:
    async with open_platform(settings) as platform, platform.database.connection() as db:
        return await erasing.unfinished(db, office_over(platform), limit=LISTED_MAX)


async def _remove_factor(settings: Settings, user_id: int) -> bool:
    async with open_database(settings) as database, database.transaction() as db:
        return await staff.reset_factor(db, user_id, by=OPERATOR, now=utc_now())


def _described(facts: UserFacts) -> dict[str, object]:
    return {
        "user_id": facts.id,
        "roles": sorted(facts.roles),
        "created_at": facts.created_at,
        "banned_at": facts.banned_at,
    }
