"""A forged, foreign or long-lived token names nobody."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from casino_club.infra.http.access_tokens import InvalidToken, issue_access_token, verify_access_token
from casino_club.kernel.subject import Role

SECRET = "a secret of more than thirty-two characters"
NOW = datetime.now(UTC)


def forged(*, secret: str = SECRET, typ: str | None = "at+jwt", algorithm: str = "HS256", **claims: Any) -> str:
    at = int(datetime.now(UTC).timestamp())
    good: dict[str, Any] = {"sub": "5", "aud": "casino-club", "iat": at, "exp": at + 600, "sid": 3, "roles": ["admin"]}
    chosen = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return jwt.encode(chosen, secret, algorithm=algorithm, headers={"typ": typ})


def unsigned() -> str:
    _, payload, _ = forged().split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}."


def test_a_token_of_ours_names_its_user_until_it_ends() -> None:
    now = datetime.now(UTC)  # not the file's, which is as old as the whole run

    token = verify_access_token(SECRET, issue_access_token(SECRET, 5, now, minutes=3))

    assert (token.user_id, token.expires_at) == (5, int(now.timestamp()) + 180)


def test_what_the_forgeries_start_from_is_valid() -> None:
    token = verify_access_token(SECRET, forged())

    assert token.roles == {Role.ADMIN}
    assert (token.user_id, token.session_id) == (5, 3)


def test_a_role_that_there_is_no_more_is_not_held() -> None:
    assert verify_access_token(SECRET, forged(roles=["emperor", "viewer"])).roles == {Role.VIEWER}


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(unsigned(), id="algorithm none"),
        pytest.param(forged(secret="x" * 64, algorithm="HS512"), id="another algorithm"),
        pytest.param(forged(secret=SECRET + SECRET, algorithm="HS512"), id="another algorithm, secret known"),
        pytest.param(forged(secret="another secret of thirty-two characters"), id="another key"),
        pytest.param(forged(typ="JWT"), id="an id token"),
        pytest.param(forged(typ=None), id="no type"),
        pytest.param(forged(aud="another-club"), id="another audience"),
        pytest.param(forged(aud=None), id="no audience"),
        pytest.param(forged(exp=int(NOW.timestamp()) - 1), id="expired"),
        pytest.param(forged(exp=None), id="no end"),
        pytest.param(forged(exp=int(NOW.timestamp()) + 601), id="too long-lived"),
        pytest.param(forged(iat=None), id="no beginning"),
        pytest.param(forged(iat=int(NOW.timestamp()) + 86_400, exp=int(NOW.timestamp()) + 86_700), id="not yet issued"),
        pytest.param(forged(sub=None), id="nobody"),
        pytest.param(forged(sub="operator"), id="not a user"),
        pytest.param(forged(sub="0"), id="user 0"),
        pytest.param(forged(sub="٥"), id="another script's digit"),
        pytest.param(forged(sub=str(2**63)), id="beyond bigint"),
        pytest.param(forged(sub="9" * 5000), id="a number of many digits"),
        pytest.param(forged(sid=None), id="no session"),
        pytest.param(forged(sid="3"), id="a session that is a text"),
        pytest.param(forged(sid=True), id="a session that is a claim"),
        pytest.param(forged(sid=-1), id="a session below all"),
        pytest.param(forged(sid=2**63), id="a session beyond bigint"),
        pytest.param(forged(roles=None), id="no roles"),
        pytest.param(forged(roles="admin"), id="roles that are a text"),
        pytest.param(forged()[:-2], id="cut off"),
        pytest.param("not.a.token", id="no token at all"),
        pytest.param("", id="empty"),
    ],
)
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        verify_access_token(SECRET, token)


def test_an_old_token_is_refused() -> None:
    token = issue_access_token(SECRET, 5, NOW - timedelta(minutes=11))

    with pytest.raises(InvalidToken):
        verify_access_token(SECRET, token)
