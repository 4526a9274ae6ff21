"""Markets are data: each says which money may enter which game, and gems enter no game of stakes anywhere."""

import tomllib
from datetime import time
from importlib.resources import files
from typing import Any

import pytest

from casino_club.features.odds.rules.markets import STAKED, Funds, Game, Night, markets_of
from casino_club.features.odds.rules.refusals import FundsRefused
from casino_club.features.wallet.public import Pocket

TEXT = (files("casino_club.features.odds") / "markets.toml").read_text()
SHIPPED = markets_of(tomllib.loads(TEXT)).markets


def changed(**fields: Any) -> dict[str, Any]:
    value = tomllib.loads(TEXT)
    value["markets"]["kr"] |= fields
    return value


def test_four_markets_ship_and_name_the_wallets_pockets() -> None:
    assert set(SHIPPED) == {"default", "kr", "eu", "us"}
    assert {funds.value for funds in Funds} == {pocket.name.lower() for pocket in Pocket} - {"pending_gems"}


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("game", STAKED)
@pytest.mark.parametrize("gems", [Funds.FREE_GEMS, Funds.PAID_GEMS])
def test_gems_enter_no_game_of_stakes(name: str, game: Game, gems: Funds) -> None:
    with pytest.raises(FundsRefused):
        SHIPPED[name].admitted(game, [gems])


@pytest.mark.parametrize("game", STAKED)
def test_in_korea_nothing_that_was_paid_for_is_staked(game: Game) -> None:
    with pytest.raises(FundsRefused):
        SHIPPED["kr"].admitted(game, [Funds.CASH_TOKENS])

    tokens = [Funds.CASH_TOKENS, Funds.APP_TOKENS]
    assert SHIPPED["eu"].admitted(game, tokens) == tokens
    assert SHIPPED["kr"].admitted(game, tokens) == [Funds.APP_TOKENS]
    assert SHIPPED["kr"].closed == {Funds.FREE_GEMS, Funds.PAID_GEMS, Funds.CASH_TOKENS}
    assert SHIPPED["eu"].closed == {Funds.FREE_GEMS, Funds.PAID_GEMS}


@pytest.mark.parametrize(
    ("at", "is_night"), [("20:59", False), ("21:00", True), ("00:00", True), ("07:59", True), ("08:00", False)]
)
def test_the_korean_night_goes_on_past_midnight(at: str, is_night: bool) -> None:
    night = SHIPPED["kr"].night

    assert night is not None
    assert night.holds(time.fromisoformat(at)) is is_night
    assert night.mark == "(광고)"
    assert Night("01:00", "05:00").holds(time(2)) is True


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"funds": {"slot": ["coins"], "roulette": [], "rps": []}}, "says nothing of gacha"),
        ({"funds": {"slot": ["free_gems"], "roulette": [], "rps": [], "gacha": []}}, "gems may not enter slot"),
        ({"funds": {"slot": ["coins", "coins"], "roulette": [], "rps": [], "gacha": []}}, "names money twice"),
        ({"funds": {"slot": ["gold"]}}, "Invalid enum value"),
        ({"play_age_years_min": -1}, "play_age_years_min"),
        ({"colour": "red"}, "unknown field"),
        ({"night": {"begins": "25:00", "ends": "08:00"}}, "begins"),
    ],
)
def test_a_profile_that_does_not_hold_together_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        markets_of(changed(**fields))


def test_without_a_default_there_are_no_markets() -> None:
    value = tomllib.loads(TEXT)
    del value["markets"]["default"]

    with pytest.raises(ValueError, match="default"):
        markets_of(value)


@pytest.mark.parametrize("pulls", [[], ["coins"], ["free_gems", "app_tokens"]])
def test_pulls_that_lead_to_stakes_are_for_some_of_the_gachas_gems(pulls: list[str]) -> None:
    with pytest.raises(ValueError, match="stakeable_pulls"):
        markets_of(changed(stakeable_pulls=pulls))


def test_a_gacha_takes_gems_alone() -> None:
    value = changed()
    value["markets"]["kr"]["funds"]["gacha"] += ["coins"]

    with pytest.raises(ValueError, match="coins may not enter gacha"):
        markets_of(value)
