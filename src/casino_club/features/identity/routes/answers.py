"""What routes of this slice have in common: who sends, and how a session goes out."""

import msgspec

from casino_club.features.identity.commands.desk import Sender
from casino_club.features.identity.commands.sessions import Opened
from casino_club.features.identity.schemas import SessionOpened
from casino_club.infra.http.cookies import refresh_cookie
from casino_club.infra.http.requests import Call
from casino_club.infra.http.routes import JSON, Raw
from casino_club.infra.http.senders import sender_of


def sender(call: Call, proxies_in_front: int) -> Sender:
    """Where this call comes from."""
    device = call.headers.get(b"user-agent", b"").decode("latin-1")
    return Sender(sender_of(call, proxies_in_front), device)


def shown(opened: Opened, status: int, *cookies: tuple[bytes, bytes]) -> Raw:
    """The session, with its refresh token in a cookie."""
    return Raw(msgspec.json.encode(session_opened(opened)), JSON, status, (kept(opened), *cookies))


def session_opened(opened: Opened) -> SessionOpened:
    """What scripts may see of it."""
    return SessionOpened(opened.user_id, opened.access_token, opened.access_seconds)


def kept(opened: Opened) -> tuple[bytes, bytes]:
    """What they may not."""
    return refresh_cookie(opened.refresh_token, opened.refresh_seconds)
