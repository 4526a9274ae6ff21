"""What users were given and have left: their own, and others' for whoever may ask."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from casino_club.features.actions.public import UserGone
from casino_club.features.identity.public import UserMissing
from casino_club.features.odds.public import OddsDesk
from casino_club.features.rewards.commands.amounts import amount_due
from casino_club.features.rewards.commands.bonus import bonus_chance
from casino_club.features.rewards.commands.granting import RewardPolicy
from casino_club.features.rewards.rules.refusals import KindMissing
from casino_club.features.rewards.rules.rewards import may_read
from casino_club.features.rewards.schemas import (
    AmountDueOut,
    AmountsOut,
    GameBonusOut,
    HoldingsOut,
    RewardsPage,
    RewardsQuery,
    amount_due_out,
    amounts_out,
    game_bonus_out,
    holdings_out,
    reward_out,
)
from casino_club.features.rewards.store import reading
from casino_club.features.rewards.store.reading import Filters
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Id, Routes
from casino_club.kernel.subject import Scope, Subject, UserSubject

Clock = Callable[[], datetime]
Game = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]

Kind = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]

routes = Routes(tags=["rewards"])


@routes.get(
    "/api/rewards",
    audience=Audience.USER,
    summary="What you were given, newest first",
    query=RewardsQuery,
    answers={200: RewardsPage},
)
async def read_rewards(subject: UserSubject, query: RewardsQuery, database: Database) -> RewardsPage:
    return await _page(database, subject.user_id, query)


@routes.get(
    "/api/rewards/held",
    audience=Audience.USER,
    summary="Your badges, your coupons that have not run out, and your free spins",
    answers={200: HoldingsOut},
)
async def read_held_rewards(subject: UserSubject, database: Database, clock: Clock) -> HoldingsOut:
    async with database.connection() as db:
        return holdings_out(await reading.held_by(db, subject.user_id, now=clock()))


@routes.get(
    "/api/rewards/bonuses/{game}",
    audience=Audience.USER,
    summary="The bonus that comes with your next play of a game, and how likely it is just now",
    answers={200: GameBonusOut},
)
async def read_bonus(
    game: Game,
    subject: UserSubject,
    database: Database,
    odds_desk: OddsDesk,
    reward_policy: RewardPolicy,
    clock: Clock,
) -> GameBonusOut:
    now = clock()
    offer = await database.run(
        lambda db: bonus_chance(db, odds_desk, game, subject.user_id, now=now, policy=reward_policy)
    )
    return game_bonus_out(game, offer)


@routes.get(
    "/api/rewards/amounts",
    audience=Audience.PUBLIC,
    summary="How much rewards are, by kind of event, level and streak",
    answers={200: AmountsOut},
)
async def read_reward_amounts(reward_policy: RewardPolicy) -> AmountsOut:
    return amounts_out(reward_policy.amounts)


@routes.get(
    "/api/rewards/amounts/{kind}",
    audience=Audience.USER,
    summary="How much a kind of event would give you just now, and why",
    answers={200: AmountDueOut},
    refusals=(KindMissing, UserGone),
)
async def read_amount_due(
    kind: Kind, subject: UserSubject, database: Database, reward_policy: RewardPolicy, clock: Clock
) -> AmountDueOut:
    if kind not in reward_policy.amounts.kinds:
        raise KindMissing
    now = clock()
    due = await database.run(lambda db: amount_due(db, subject.user_id, kind, now=now, policy=reward_policy))
    return amount_due_out(due, reward_policy.amounts.version)


@routes.get(
    "/api/users/{user_id}/rewards",
    audience=Audience.CALLER,
    scope=Scope.REWARDS_READ,
    summary="What a user was given, newest first: for themselves, support, admins, and services",
    query=RewardsQuery,
    answers={200: RewardsPage},
    refusals=(UserMissing,),
)
async def read_users_rewards(user_id: Id, subject: Subject, query: RewardsQuery, database: Database) -> RewardsPage:
    if not may_read(subject, user_id):
        raise UserMissing
    return await _page(database, user_id, query)


async def _page(database: Database, user_id: int, query: RewardsQuery) -> RewardsPage:
    filters = Filters(query.reward_type, query.since, query.until)
    async with database.connection() as db:
        found = await reading.rewards_of(db, user_id, filters, before_id=query.cursor, limit=query.limit)
    next_cursor = found[-1].id if len(found) == query.limit else None
    return RewardsPage(user_id, [reward_out(each) for each in found], next_cursor)
