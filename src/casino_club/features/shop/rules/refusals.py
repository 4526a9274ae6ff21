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
