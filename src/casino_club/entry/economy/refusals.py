"""What speaks against a run, and what is wrong with one that has ended."""

from casino_club.kernel.errors import Kind, Refused


class MixInvalid(Refused):
    """A behaviour that can't be played."""

    code = "mix_invalid"
    kind = Kind.INVALID


class MixMissing(Refused):
    """No behaviour has this name."""

    code = "mix_missing"
    kind = Kind.MISSING


class RulesInvalid(Refused):
    """A version that can't be played with."""

    code = "rules_invalid"
    kind = Kind.INVALID
