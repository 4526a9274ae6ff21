"""The first page: says that it runs, shows live which servers answer, and gives a first request to paste."""

import base64
import hashlib
import re
from importlib.resources import files
from typing import Final

import msgspec

from casino_club.infra.http.requests import Call
from casino_club.infra.http.routes import Audience, Raw, Routes

routes = Routes(tags=["operations"])

_INLINE: Final = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


class Page:
    """The page in both languages, with the policy that lets it run its own script and nothing else."""

    def __init__(self, source: str) -> None:
        self.content = source.encode()
        hashes: dict[str, list[str]] = {"script": [], "style": []}
        for kind, text in _INLINE.findall(source):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            hashes[kind].append(f"'sha256-{digest}'")
        self.policy = (
            f"default-src 'none'; script-src {' '.join(hashes['script'])}; style-src {' '.join(hashes['style'])};"
            " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ).encode()

    @classmethod
    def read(cls) -> "Page":
        return cls(files(__package__).joinpath("home.html").read_text("utf-8"))


class Landing(msgspec.Struct, forbid_unknown_fields=True):
    """What a link to the page may say."""

    oidc: str | None = None


@routes.get(
    "/",
    audience=Audience.PUBLIC,
    summary="The first page",
    query=Landing,
    answers={200: str},
    answer_media_type="text/html",
)
async def read_home(call: Call, page: Page, query: bytes) -> Raw:  # noqa: ARG001 - links may say what they like
    language = preferred_language(call.headers.get(b"accept-language", b""))
    content = page.content.replace(b'<html lang="en">', b'<html lang="' + language + b'">', 1)
    by_language = ((b"vary", b"accept-language"), (b"content-language", language))
    policy = (b"content-security-policy", page.policy)
    return Raw(content, "text/html; charset=utf-8", headers=(*by_language, policy))


def preferred_language(accepted: bytes) -> bytes:
    """Korean or English, whichever the browser ranks higher; English when it names neither."""
    best, best_weight = b"en", 0.0
    for part in accepted[:200].lower().split(b","):
        name, _, parameter = part.strip().partition(b";")
        language, weight = name[:2], _weight(parameter)
        if language in (b"ko", b"en") and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: bytes) -> float:
    try:
        return float(parameter.partition(b"q=")[2] or 1)
    except ValueError:
        return 0.0
