"""Trials: an approved table beside the live one, for a share of the users."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.odds.commands.desk import live_or_refuse
from casino_club.features.odds.rules.refusals import TrialMissing, TrialRuns, VersionNotApproved
from casino_club.features.odds.rules.trials import Difference, Side, difference
from casino_club.features.odds.store import trials, versions, watch
from casino_club.features.odds.store.trials import Trial
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import Actor


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of the users of both tables, a number per user."""

    figure: str
    live: Side
    challenger: Side
    difference: Difference


async def begin(db: Db, version_id: int, *, share_permille: int, by: Actor, now: datetime) -> Trial:
    """Let a share of the users draw from an approved table. One trial of a product at a time."""
    version = await versions.version_of(db, version_id, is_locked=True)
    live = await live_or_refuse(db, version.product, now=now)
    if version.approved_at is None or version.digest == live.digest:
        raise VersionNotApproved
    if live.trial_id is not None:
        raise TrialRuns

    trial_id = await trials.add(db, version, share_permille=share_permille, by=deeds.named(by), now=now)

    how: dict[str, str | int | bool] = {"version": version_id, "share_permille": share_permille}
    await deeds.note(db, by, "begin_odds_trial", f"odds_trial:{trial_id}", how, now=now)
    return await _trial(db, trial_id)


async def end(db: Db, trial_id: int, *, by: Actor, now: datetime) -> Trial:
    """End a trial: everybody draws from the live table again."""
    if not await trials.end(db, trial_id, now=now):
        raise TrialMissing

    await deeds.note(db, by, "end_odds_trial", f"odds_trial:{trial_id}", now=now)
    return await _trial(db, trial_id)


async def compare(db: Db, trial_id: int, *, now: datetime) -> tuple[Trial, list[Compared]]:
    """A trial, and how its users differ. Raises `TrialMissing`."""
    trial = await _trial(db, trial_id)
    sides = await watch.sides(db, trial.product, trial.challenger, since=trial.began_at, until=trial.ended_at or now)
    return trial, [
        Compared(name, sides[False][name], sides[True][name], difference(sides[False][name], sides[True][name]))
        for name in watch.FIGURES
    ]


async def _trial(db: Db, trial_id: int) -> Trial:
    found = await trials.trial_of(db, trial_id)
    if found is None:
        raise TrialMissing
    return found
