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


class ExportAsked(Refused):
    code = "export_asked"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("An export is being gathered already; ask how it stands.")


class ExportTooSoon(Refused):
    code = "export_too_soon"
    kind = Kind.LIMITED

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"You have had an export just now; the next one in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds


class ExportMissing(Refused):
    code = "export_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no export, it is not ready yet, or it has been deleted.")


class ExportTooLarge(Refused):
    code = "export_too_large"
    kind = Kind.TOO_LARGE

    def __init__(self) -> None:
        super().__init__("The export is too large to be fetched over HTTP; the operator can hand it out.")
