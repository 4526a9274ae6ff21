"""The operator's file of identity providers. Secrets stand elsewhere; what is wrong is said without showing any."""

import os
import re
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from casino_club.infra.backends.oidc.calls import Calls, is_usable
from casino_club.infra.backends.oidc.provider import HttpIdentityProvider
from casino_club.infra.ports import IdentityProvider, ProviderName, Unusable
from casino_club.infra.settings import Settings

PROVIDERS_MAX: Final = 20
SETTING: Final = "CASINO_CLUB_OIDC_PROVIDERS"

Scope = Annotated[str, Meta(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")]
Text = Annotated[str, Meta(min_length=1, max_length=500)]


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """One provider as the file has it."""

    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    label: Annotated[str, Meta(min_length=1, max_length=60)]
    issuer: Text
    client_id: Text
    client_secret_env: Text | None = None
    client_secret_file: Text | None = None
    scopes: tuple[Scope, ...] = ("openid", "email", "profile")


class ProvidersFile(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    provider: Annotated[list[Entry], Meta(max_length=PROVIDERS_MAX)] = []


@asynccontextmanager
async def open_identity_providers(settings: Settings) -> AsyncIterator[Mapping[str, IdentityProvider]]:
    """Every provider that the settings name, by id. Nobody is asked yet. Raises Unusable with what to mend."""
    if settings.oidc_providers is None:
        yield {}
        return
    entries = read_entries(settings.oidc_providers)
    async with Calls() as calls:
        yield {each.id: HttpIdentityProvider(_name(each), _secret(each), calls) for each in entries}


def read_entries(path: Path) -> list[Entry]:
    """What the file says. Raises Unusable with what to mend."""
    try:
        entries = msgspec.convert(tomllib.loads(path.read_text("utf-8")), ProvidersFile).provider
    except (OSError, ValueError) as error:  # msgspec's and tomllib's errors are ValueErrors
        raise Unusable(f"{SETTING}: {path} can't be used: {error}") from error
    if fault := _fault(entries):
        raise Unusable(f"{SETTING}: {path} can't be used: {fault}")
    return entries


def _fault(entries: list[Entry]) -> str | None:
    for name in ("id", "issuer"):
        values = [getattr(each, name) for each in entries]
        if twice := {value for value in values if values.count(value) > 1}:
            return f"the {name} {min(twice)} stands twice"
    return next((fault for each in entries if (fault := _fault_of(each))), None)


def _fault_of(entry: Entry) -> str | None:
    if not is_usable(entry.issuer) or re.search(r"[?#\s]", entry.issuer):
        return f"the issuer of {entry.id} is no https address without a query (http is for this machine alone)"
    if "openid" not in entry.scopes:
        return f"the scopes of {entry.id} lack openid"
    if entry.client_secret_env and entry.client_secret_file:
        return f"{entry.id} names its secret twice; keep client_secret_env or client_secret_file"
    return None


def _name(entry: Entry) -> ProviderName:
    return ProviderName(entry.id, entry.label, entry.issuer, entry.client_id, entry.scopes)


def _secret(entry: Entry) -> str | None:
    if entry.client_secret_env is not None:
        secret = os.environ.get(entry.client_secret_env, "").strip()
        place = f"the variable {entry.client_secret_env}"
    elif entry.client_secret_file is not None:
        place = f"the file {entry.client_secret_file}"
        try:
            secret = Path(entry.client_secret_file).read_text("utf-8").strip()
        except OSError as error:
            raise Unusable(f"{SETTING}: {place} of {entry.id} can't be read ({error.strerror}).") from None
    else:
        return None
    if not secret:
        raise Unusable(f"{SETTING}: {place} holds no secret for {entry.id}.")
    return secret
