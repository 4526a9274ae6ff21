"""Everything that this slice may refuse."""

from casino_club.kernel.errors import Kind, Refused


class InvalidTable(Refused):
    code = "invalid_table"
    kind = Kind.INVALID


class InvalidBet(Refused):
    code = "invalid_bet"
    kind = Kind.INVALID


class ProductMissing(Refused):
    code = "product_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no such product, or nothing of it is live.")


class ProductPaused(Refused):
    code = "product_paused"
    kind = Kind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("This product rests while its odds are looked into; nothing was staked.")


class MoveOutdated(Refused):
    code = "move_outdated"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This hidden move holds no more: something else was drawn meanwhile. Ask for another.")


class VersionMissing(Refused):
    code = "version_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no such version.")


class VersionSettled(Refused):
    code = "version_settled"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This version is approved or withdrawn already; draft another.")


class ApprovedAlready(Refused):
    code = "approved_already"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("You have approved this version; somebody else has to be the second.")


class SeedMissing(Refused):
    code = "seed_missing"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Nothing is promised to you yet: ask for a seed's hash first.")


class ClientSeedMissing(Refused):
    code = "client_seed_missing"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Choose your client seed first; you have seen the server seed's hash.")


class SeedUnused(Refused):
    code = "seed_unused"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Nothing was drawn from this seed yet, so there is nothing to reveal.")


class SeedSecret(Refused):
    code = "seed_secret"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("The seed of this draw is in use; ask for a new one, and this one is revealed.")


class DrawMissing(Refused):
    code = "draw_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no such draw of yours.")


class ContentNeedsAge(Refused):
    code = "content_needs_age"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("This may give content for adults; prove your age first.")


class VersionNotApproved(Refused):
    code = "version_not_approved"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("A trial needs an approved table that is not the live one.")


class TrialRuns(Refused):
    code = "trial_runs"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This product has a trial already; end it first.")


class TrialMissing(Refused):
    code = "trial_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no such trial that runs.")


class FundsRefused(Refused):
    code = "funds_refused"
    kind = Kind.FORBIDDEN
