from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.features.identity.rules.details import plain_email, plain_nickname, plain_password
from casino_club.features.identity.rules.limits import LOGINS_OF_ACCOUNT, refusal
from casino_club.features.identity.rules.refusals import InvalidDetails
from casino_club.features.identity.rules.sessions import session_end
from casino_club.kernel.subject import Role

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize("tries", range(LOGINS_OF_ACCOUNT.tries_max + 1))
def test_tries_are_let_through_up_to_the_limit(tries: int) -> None:
    assert refusal(LOGINS_OF_ACCOUNT, tries=tries, began_at=NOW, now=NOW) is None


def test_one_try_too_many_is_told_when_the_window_ends() -> None:
    refused = refusal(
        LOGINS_OF_ACCOUNT, tries=LOGINS_OF_ACCOUNT.tries_max + 1, began_at=NOW, now=NOW + timedelta(minutes=14)
    )

    assert refused is not None
    assert refused.retry_after_seconds == 60


@given(st.text(max_size=60))
def test_plain_spelling_is_stable(text: str) -> None:
    for plain in (plain_email, plain_nickname, plain_password):
        try:
            once = plain(text)
        except InvalidDetails:
            continue
        assert plain(once) == once


def test_sessions_of_staff_are_short() -> None:
    assert session_end([Role.VIEWER], NOW) - NOW <= timedelta(hours=12) < session_end([], NOW) - NOW
