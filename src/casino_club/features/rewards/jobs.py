"""What this slice does because time passes, and when somebody goes or wants to have what is theirs."""

from collections.abc import AsyncIterator
from datetime import timedelta

from casino_club.features.actions.public import ActionPolicy
from casino_club.features.rewards.commands import using
from casino_club.features.rewards.rules.rewards import Granted
from casino_club.features.rewards.store import bonus, reading
from casino_club.features.rewards.store.reading import Filters
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.privacy.doors import Erased, Reach, Record, erase, export, kept

PAGE_ROWS = 500


@job("expire_coupons", every=timedelta(minutes=10), about="Ends coupons that have run out, and tells the log.")
async def expire_coupons(work: Work) -> None:
    await using.expire_coupons(work.database, now=work.now, policy=work.policies[ActionPolicy])


REWARDS = kept(
    "rewards",
    about="What was given to whom and what for: it knows users by number, and money in the ledger rests on it.",
)


@erase(
    "rewards", about="Badges, coupons, free spins, what a user's bonus follows, and what staff proposed to give them."
)
async def forget_held(reach: Reach, erased: Erased) -> None:
    await reach.stores.database.run(lambda db: reading.forget(db, erased.user_id))


@export(
    "rewards",
    about="Everything that you were given, newest first: what, how much, what for, and when.",
    about_ko="받은 모든 보상, 최신순: 무엇을, 얼마나, 왜, 언제 받았는지.",
)
async def export_rewards(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    before_id = None
    while True:
        async with reach.stores.database.connection() as db:
            page = await reading.rewards_of(db, user_id, Filters(), before_id=before_id, limit=PAGE_ROWS)
        for each in page:
            yield _shown(each)
        if len(page) < PAGE_ROWS:
            return
        before_id = page[-1].id


def _shown(granted: Granted) -> Record:
    reward = granted.reward
    return {
        "id": granted.id,
        "reward_type": reward.type,
        "reward_value": reward.value,
        "reference": reward.reference,
        "reason": granted.reason,
        "awarded_at": granted.awarded_at,
    }


@export(
    "held_rewards",
    about="Your badges, the coupons and free spins that you have left, and what your bonus in games follows.",
    about_ko="보유한 배지, 남은 쿠폰과 무료 스핀, 그리고 게임 보너스의 기준.",
)
async def export_held(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    async with reach.stores.database.connection() as db:
        held = await reading.held_by(db, user_id)
        terms = await bonus.terms_of(db, user_id)
    yield {"bonus_level": terms.level, "bonus_risk": terms.risk}
    for badge in held.badges:
        yield {"badge": badge.badge, "awarded_at": badge.awarded_at}
    for coupon in held.coupons:
        yield {"coupon": coupon.coupon, "value": coupon.value, "expires_at": coupon.expires_at}
    for spins in held.free_spins:
        yield {"free_spins": spins.spins, "game": spins.game}
