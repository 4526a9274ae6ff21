"""Why nothing was given, or shown."""

from casino_club.kernel.errors import Kind, Refused


class RewardInvalid(Refused):
    """No such thing can be given."""

    code = "reward_invalid"
    kind = Kind.INVALID


class CauseReused(Refused):
    """What led to one reward leads to no other."""

    code = "cause_reused"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This reason and cause gave something else already.")


class CouponMissing(Refused):
    """There is no such coupon, or it is used, or it has run out."""

    code = "coupon_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no such coupon any more.")


class SpinsMissing(Refused):
    """No free spin is left."""

    code = "spins_missing"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("There is no free spin left for this game.")


class KindMissing(Refused):
    """Nothing says how much this gives."""

    code = "kind_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("No rewards are given for this kind of event.")


class ProposalMissing(Refused):
    """Nobody proposed this."""

    code = "proposal_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no proposal of this number.")


class ProposalSettled(Refused):
    """What was carried out or withdrawn stays so."""

    code = "proposal_settled"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This proposal was carried out or withdrawn already.")


class SecondPersonNeeded(Refused):
    """Nobody approves what they proposed themselves."""

    code = "second_person_needed"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("You proposed this yourself; it takes another person to approve it.")


class KeyReused(Refused):
    """The same key proposes the same thing."""

    code = "key_reused"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This key proposed something else; send a new one.")
