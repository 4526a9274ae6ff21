"""Everything that this slice may refuse."""

from casino_club.kernel.errors import Kind, Refused


class ErasureAsked(Refused):
    code = "erasure_asked"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("An erasure has been asked for already.")


class ErasureMissing(Refused):
    code = "erasure_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no erasure that could be shown or taken back.")


class ErasureTakenBack(Refused):
    code = "erasure_taken_back"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This erasure has been taken back.")
