"""What slices above must ask before something happens to a user, and what they may know: one bit, and consents."""

from casino_club.features.protection.commands.admitting import ProtectionPolicy, admit, settle
from casino_club.features.protection.rules import refusals
from casino_club.features.protection.rules.consents import Purpose
from casino_club.features.protection.rules.occasions import Admission, Occasion
from casino_club.features.protection.rules.refusals import LimitReached, Vetoed
from casino_club.features.protection.store.consents import who_consents
from casino_club.features.protection.store.protections import may_be_approached

__all__ = [
    "ADMIT_REFUSALS",
    "Admission",
    "LimitReached",
    "Occasion",
    "ProtectionPolicy",
    "Purpose",
    "Vetoed",
    "admit",
    "may_be_approached",
    "settle",
    "who_consents",
]

ADMIT_REFUSALS = (
    refusals.PlayLimited,
    refusals.PlayPaused,
    refusals.PlayProtected,
    refusals.PlayExcluded,
    refusals.PlayClosed,
    refusals.LimitReached,
    refusals.AmountInvalid,
)
"""What `admit` may raise, besides `UserGone`."""
