"""`casino-club doctor`: checks everything that the platform rests on, and says how to mend what is not well."""

import asyncio
import os
import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import typer
from pydantic import ValidationError

from casino_club.entry.cli import asking
from casino_club.entry.cli.checks import MEGABYTE
from casino_club.entry.cli.checkup import applicable, check_up
from casino_club.entry.cli.findings import Finding, Folder, Gathered, ProviderLook, State
from casino_club.entry.cli.opening import WRONG, run
from casino_club.entry.cli.printing import AsJson, print_json, several
from casino_club.entry.cli.reading import complaints, data_dir_of
from casino_club.entry.standing import DATABASE_FAULTS, look
from casino_club.entry.wiring import readers
from casino_club.infra import runtime
from casino_club.infra.backends.oidc.file import open_identity_providers
from casino_club.infra.db.migrate import pending_migrations
from casino_club.infra.ports import IdentityProvider, ProviderAway, TopicFacts, Unusable
from casino_club.infra.settings import Settings

REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?(?:>=([0-9.]+))?")
SIGNS = {State.OK: ("ok     ", "green"), State.WARNING: ("warning", "yellow"), State.FAILURE: ("failure", "red")}


def doctor(as_json: AsJson = False) -> None:
    """Check all that the platform rests on, and say how to mend what is not well. Exit code 1 if anything failed."""
    gathered = run(_gather())
    findings = check_up(gathered)
    left_out = len(applicable(gathered)) - len(findings)
    has_failed = any(finding.state is State.FAILURE for finding in findings)
    if as_json:
        print_json({"ok": not has_failed, "checks": findings, "left_out": left_out})
    else:
        _print(findings, left_out)
    if has_failed:
        raise typer.Exit(WRONG)


def _print(findings: list[Finding], left_out: int) -> None:
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        sign, colour = SIGNS[finding.state]
        typer.echo(f"{typer.style(sign, fg=colour)}  {finding.check:<{width}}  {finding.found}")
        if finding.mend:
            typer.echo(f"{'':<9}{'':<{width}}  → {finding.mend}")
    if left_out:
        typer.echo(f"{several(left_out, 'check needs', 'checks need')} what did not answer.")


async def _gather() -> Gathered:
    python, needed = sys.version_info[:3], _packages()
    try:
        settings = Settings()
    except ValidationError as error:
        return Gathered(python, needed, None, complaints(error))
    return Gathered(
        python,
        needed,
        settings,
        folder=_folder(data_dir_of(settings)),
        look=await look(settings),
        pending_migrations=await _pending(settings),
        subscribed=sorted(readers(settings)),
        ready_status=await asking.ready_status(settings),
        providers=await _providers(settings),
        topic=await _topic(settings),
    )


async def _topic(settings: Settings) -> TopicFacts | str | None:
    try:
        return await runtime.topic_facts(settings)
    except Unusable as fault:
        return str(fault)


async def _pending(settings: Settings) -> list[str] | None:
    try:
        async with asyncio.timeout(asking.ANSWER_SECONDS_MAX):
            return await pending_migrations(runtime.database_url(settings))
    except (Unusable, *DATABASE_FAULTS):
        return None


async def _providers(settings: Settings) -> list[ProviderLook] | str:
    try:
        async with open_identity_providers(settings) as providers:
            return await asyncio.gather(*(_asked(each) for each in providers.values()))
    except Unusable as unusable:
        return str(unusable)


async def _asked(provider: IdentityProvider) -> ProviderLook:
    try:
        await provider.look()
        facts = await provider.facts()
    except ProviderAway as away:
        return ProviderLook(provider.name.id, str(away))
    return ProviderLook(provider.name.id, None, names_s256=facts.names_s256 is not None)


def _packages() -> dict[str, tuple[str, str | None]]:
    """What we need to run, by name, with the least version and the one that is here."""
    found = {}
    for requirement in requires("casino-club") or ():
        parts = REQUIREMENT.match(requirement)
        if parts and "extra ==" not in requirement:
            found[parts[1]] = (parts[2] or "0", _installed(parts[1]))
    return found


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _folder(path: Path) -> Folder:
    if not path.exists():
        return Folder(exists=False, problem=None, free_mb=None)
    if not path.is_dir():
        return Folder(exists=True, problem=f"{path} is no folder", free_mb=None)
    problem = None if os.access(path, os.W_OK | os.X_OK) else f"{path} can't be written"
    return Folder(exists=True, problem=problem, free_mb=shutil.disk_usage(path).free // MEGABYTE)
