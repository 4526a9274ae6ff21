"""Nothing is lost or made in a run, it comes again byte by byte, and what is changed in the rules shows."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from casino_club.entry.cli.economy import rulebook_over
from casino_club.entry.economy.behaviour import mix_named
from casino_club.entry.economy.books import Books, Flow, Purse
from casino_club.entry.economy.buying import Till
from casino_club.entry.economy.checks import Verdict, checks_of, is_sound
from casino_club.entry.economy.comparing import Difference, differences
from casino_club.entry.economy.games import Parlour
from casino_club.entry.economy.living import World, born, live
from casino_club.entry.economy.refusals import MixInvalid, MixMissing
from casino_club.entry.economy.report import report_of
from casino_club.entry.economy.rulebook import Rulebook
from casino_club.entry.economy.simulation import STARTS_AT, Plan, Run, simulate
from casino_club.entry.economy.tally import Day, Tally
from casino_club.features.odds.rules import shipped
from casino_club.features.rewards.rules.bonus import bonus_tables
from casino_club.features.rewards.rules.rewards import RewardType
from casino_club.features.shop.rules.catalogue import catalogue_of
from casino_club.features.wallet.rules.accounts import Pocket
from casino_club.features.wallet.rules.orders import Move
from casino_club.infra.settings import Settings
from casino_club.kernel.money import Currency
from tests.entry.economy.runs import RULES, a_meaner_slot, a_mix, a_plan, a_run, own_plan, with_table


def broken(run: Run) -> set[str]:
    return {check.name for check in checks_of(run) if check.verdict is Verdict.BROKEN}


@pytest.mark.parametrize("mix", ["everyday", "patient", "reckless"])
def test_sources_without_sinks_are_what_users_hold_in_every_currency(mix: str) -> None:
    run = a_run(mix)

    assert run.tally.held_at_end[Currency.COIN] > 0
    for currency in Currency:
        assert run.books.came_of(currency) == run.tally.held_at_end[currency]
        assert run.tally.drift[currency] == 0
    report = report_of(run)
    assert report.days[-1].held == {str(each): run.tally.held_at_end[each] for each in Currency}
    assert is_sound(report.checks)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = (msgspec.json.encode(report_of(a_run(seed=seed))) for seed in (5, 5, 6))

    assert first == again
    assert first != other


class Mint(Books):
    """Gives somebody a coin that nobody has booked."""

    def post(self, purse: Purse, reason: str, *moves: Move, day: int) -> None:
        super().post(purse, reason, *moves, day=day)
        if purse.user == 3 and reason == "free_coins":
            purse.balances[Pocket.COINS] += 1


def run_with(books: Books, parlour: Parlour, plan: Plan) -> Run:
    tally = Tally([Day() for _ in range(plan.days)])
    world = World(plan.seed, STARTS_AT, parlour, books, tally, Till(RULES, books, tally))
    for user in range(1, plan.users + 1):
        life = born(plan.mix.kinds, user, seed=plan.seed)
        live(world, life)
        tally.people.append(life.person())
        for pocket, amount in life.purse.balances.items():
            tally.held_at_end[pocket.currency] += amount
    return Run(plan, RULES, parlour, tally, books)


def test_coins_out_of_nothing_are_found() -> None:
    honest = run_with(Books(RULES.closed), Parlour(RULES), a_plan())
    minted = run_with(Mint(RULES.closed), Parlour(RULES), a_plan())

    assert broken(honest) == set()
    assert broken(minted) == {"conservation COIN"}
    assert not is_sound(report_of(minted).checks)


def test_a_game_that_gives_other_than_it_declares_is_found() -> None:
    parlour, other = Parlour(RULES), Parlour(with_table(a_generous_wheel()))
    wheel = parlour.games["roulette-european"]
    red = replace(wheel.bets["red"], returns=other.games["roulette-european"].bets["red"].returns)
    parlour.games["roulette-european"] = replace(wheel, bets={**wheel.bets, "red": red})

    run = run_with(Books(RULES.closed), parlour, own_plan(games={"roulette-european": {"red": 1}}, stake_max=100))

    assert "rtp roulette-european red COIN" in broken(run)


def a_generous_wheel() -> dict[str, Any]:
    """Its red pays 22 for 10."""
    wheel = shipped.roulette()
    for bet in wheel["bets"]:
        if bet["id"] == "red":
            bet["wins"][0]["pays"] = 22
    return wheel


def test_every_shipped_game_gives_what_it_declares() -> None:
    games = {product: dict.fromkeys(list(game.bets)[-3:], 1) for product, game in Parlour(RULES).games.items()}

    run = simulate(own_plan(users=200, games=games, stake_max=300, stops_percent=1), RULES)

    assert {each.product for each in run.tally.bets} == set(games) == {"slot-orchard", "roulette-european", "rps-ai"}
    assert broken(run) == set()
    judged = {check.name for check in checks_of(run) if check.verdict is Verdict.HOLDS}
    assert {f"rtp {product} {bet} COIN" for product, bets in games.items() for bet in bets} <= judged


def compared(first: Run, second: Run) -> dict[str, Difference]:
    return {each.figure: each for each in differences(first.tally.people, second.tally.people)}


def test_a_slot_that_pays_less_costs_users_more_and_clearly_so() -> None:
    plan = own_plan(users=150, days=10, stake_max=200)

    found = compared(simulate(plan, RULES), simulate(plan, with_table(a_meaner_slot())))

    assert found["coins_lost"].low > 0
    assert found["coins_at_end"].high < 0


def test_two_runs_under_the_same_rules_differ_in_nothing() -> None:
    found = compared(a_run(), a_run())

    assert {(each.difference, each.low, each.high) for each in found.values()} == {(0.0, 0.0, 0.0)}


def a_dear_catalogue() -> dict[str, Any]:
    title, price, goods = {"en": "10 gems", "ko": "젬 10개"}, {"krw": 90_000}, {"paid_gems": 10}
    item = {"id": "gems-10", "title": title, "price": price, "goods": goods}
    return {"format": "casino-club/catalogue/1", "items": [item]}


def test_a_dearer_catalogue_sells_less_and_nobody_passes_their_budget() -> None:
    plan = own_plan(users=100, pays_percent=50, buys_percent=20, budget_krw=30_000)

    cheap = simulate(plan, RULES)
    dear = simulate(plan, replace(RULES, catalogue=catalogue_of(a_dear_catalogue())))

    assert 0.2 < (report_of(cheap).headlines.paying_share or 0) < 0.7
    assert report_of(dear).headlines.paying_share == 0
    assert all(each.krw <= 30_000 for each in cheap.tally.people), "20 days lie within one budget"
    assert sum(report_of(cheap).first_purchases) == sum(each.krw > 0 for each in cheap.tally.people)


def test_a_bonus_that_would_give_too_much_is_not_given() -> None:
    [slot_bonus, _] = bonus_tables()
    slot_bonus["items"][1]["prize"]["amount"] = 9
    plan = own_plan(users=20, days=5, stake_percent=50)

    assert simulate(plan, with_table(slot_bonus)).tally.cells.total() == 0
    assert simulate(plan, RULES).tally.cells.total() > 0


def test_whoever_has_set_a_limit_loses_no_more_in_a_day() -> None:
    plan = own_plan(users=30, days=10, loss_limit_percent=100, loss_limit_coins=200)

    limited, others = simulate(plan, RULES), simulate(own_plan(users=30, days=10), RULES)

    assert all(each.coins_staked - each.coins_won <= 200 * each.days_active for each in limited.tally.people)
    assert any(each.coins_staked - each.coins_won > 200 * each.days_active for each in others.tally.people)


def test_whoever_takes_no_free_coins_has_none_and_runs_out_at_once() -> None:
    run = simulate(own_plan(users=5, days=5, takes_free_percent=0), RULES)

    assert run.tally.bets == {}
    assert all(each.days_ran_out == each.days_active for each in run.tally.people)
    assert report_of(run).headlines.rtp_coins is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"share": 0}, "share"),
        ({"active_percent": 101}, "active_percent"),
        ({"stake_precent": 5}, "stake_precent"),
        ({"games": {}}, "games"),
        ({"games": {"slot-orchard": {"spin": -1}}}, "games"),
    ],
)
def test_a_mix_that_cannot_be_is_refused_with_its_place(words: dict[str, Any], why: str) -> None:
    with pytest.raises(MixInvalid, match=why):
        mix_named(a_mix(**words), "own")


def test_games_bets_and_mixes_that_are_not_there_are_refused() -> None:
    with pytest.raises(MixInvalid, match="poker"):
        simulate(own_plan(games={"poker": {"spin": 1}}), RULES)
    with pytest.raises(MixInvalid, match="purple"):
        simulate(own_plan(games={"roulette-european": {"purple": 1}}), RULES)
    with pytest.raises(MixMissing, match="own"):
        mix_named(a_mix(), "nobody")


def test_free_spins_are_played_at_the_houses_cost_and_as_the_table_says() -> None:
    plan = own_plan(users=40, days=10, pays_percent=100, buys_percent=50, budget_krw=60_000, spends_gems_percent=60)

    run = simulate(plan, in_market("eu"))

    spins = run.tally.goods[RewardType.FREE_SPIN]
    staked = {flow.is_source: amount for flow, amount in by_reason(run, "free_spin").items()}
    assert spins > 50
    assert staked[False] % RULES.free_spin_coins == 0
    assert 0 < staked[False] <= spins * RULES.free_spin_coins
    assert staked[True] > staked[False], "the gift comes in, and what it won"
    assert broken(run) == set()


def test_where_paid_gems_lead_to_no_stake_they_buy_no_free_spins() -> None:
    words: dict[str, Any] = {"users": 40, "days": 10, "pays_percent": 100, "budget_krw": 60_000}

    run = simulate(own_plan(buys_percent=50, spends_gems_percent=60, **words), in_market("kr"))

    assert report_of(run).headlines.paying_share
    assert run.tally.goods[RewardType.FREE_SPIN] == 0


def in_market(name: str) -> Rulebook:
    return rulebook_over(Settings(data_dir=Path("nowhere"), market=name))


def by_reason(run: Run, reason: str) -> Counter[Flow]:
    found: Counter[Flow] = Counter()
    for flow, amount in run.books.flows.items():
        if flow.reason == reason:
            found[flow._replace(day=0)] += amount
    return found


def test_free_coins_follow_the_level() -> None:
    words: dict[str, Any] = {"users": 30, "days": 1, "sessions_mean": 0.01, "takes_free_percent": 100, "stake_max": 10}

    low, high = (simulate(own_plan(level=level, rounds_max=1, **words), RULES) for level in (0, 3))

    assert by_reason(low, "free_coins").total() == 30 * 500
    assert by_reason(high, "free_coins").total() == 30 * 600
