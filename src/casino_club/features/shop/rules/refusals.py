"""Everything that this slice may refuse. Nothing was paid then, taken or given."""

from casino_club.kernel.errors import Kind, Refused


class InvalidCatalogue(Refused):
    code = "invalid_catalogue"
    kind = Kind.INVALID


class SaleRepeated(Refused):
    """A deadline that people were shown stands."""

    code = "sale_repeated"
    kind = Kind.CONFLICT

    def __init__(self, item_id: str, why: str) -> None:
        super().__init__(f"{item_id}: {why}")


class CatalogueMissing(Refused):
    code = "catalogue_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("Nothing is for sale here yet; staff publish a catalogue first.")


class CatalogueChanged(Refused):
    """Nobody pays a price that they were not shown."""

    code = "catalogue_changed"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("The catalogue that you looked at is not the live one any more; look again.")


class ItemMissing(Refused):
    code = "item_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no such item for sale.")


class ItemUnavailable(Refused):
    """It is in the catalogue, and can't be bought so."""

    code = "item_unavailable"
    kind = Kind.CONFLICT

    def __init__(self, why: str, sentence: str) -> None:
        self.why = why
        super().__init__(sentence)


class MethodRefused(Refused):
    code = "payment_method_refused"
    kind = Kind.INVALID

    def __init__(self, methods: str) -> None:
        super().__init__(f"This is paid with {methods}.")


class PaymentsUnavailable(Refused):
    code = "payments_unavailable"
    kind = Kind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("Nothing can be paid for here: the operator has named no payment provider.")


class PurchasesOpen(Refused):
    code = "purchases_open"
    kind = Kind.LIMITED

    def __init__(self, open_max: int) -> None:
        super().__init__(f"You have {open_max} purchases that are not paid yet; pay them, or wait until they expire.")


class PurchaseReused(Refused):
    code = "purchase_reused"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This id is that of another purchase of yours; send a new one.")


class PurchaseMissing(Refused):
    code = "purchase_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no such purchase.")


class NotRefundable(Refused):
    """There is no money to send back, or it is on its way."""

    code = "not_refundable"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Only what was paid for with money, and not sent back yet, can be refunded.")


class RefundTooLate(Refused):
    code = "refund_too_late"
    kind = Kind.CONFLICT

    def __init__(self, days: int) -> None:
        super().__init__(f"A purchase can be given back for {days} days here; ask the support.")


class PurchaseUsed(Refused):
    code = "purchase_used"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Something of this purchase was used already, or can't be given back; ask the support.")


class VersionMissing(Refused):
    code = "catalogue_version_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no such version of the catalogue.")


class VersionSettled(Refused):
    code = "catalogue_version_settled"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This version is approved or withdrawn already; draft another.")


class ApprovedAlready(Refused):
    code = "catalogue_approved_already"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("You have approved this version; somebody else has to be the second.")
