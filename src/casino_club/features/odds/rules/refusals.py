"""Everything that this slice may refuse."""

from casino_club.kernel.errors import Kind, Refused


class InvalidTable(Refused):
    code = "invalid_table"
    kind = Kind.INVALID


class NotCanonical(Refused):
    code = "not_canonical"
    kind = Kind.INVALID


class InvalidBet(Refused):
    code = "invalid_bet"
    kind = Kind.INVALID
