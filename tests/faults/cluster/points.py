"""The moments on the way to the topic and to the warehouse at which a crash could do most harm."""

from enum import StrEnum


class Point(StrEnum):
    """Between which two steps a process dies."""

    SENT = "relay: rows sent, not acknowledged"
    PUBLISHED = "relay: rows acknowledged, position not copied"
    INSERTING = "consumer: rows on their way into the warehouse"
    INSERTED = "consumer: rows in the warehouse, position not moved"


class Wrong(StrEnum):
    """Processes that do their two steps in the wrong order, or forget something: the checks must find them."""

    HASTY_RELAY = "relay: position sent before the rows"
    HASTY_CONSUMER = "consumer: position moved before the rows are inserted"
    FORGETFUL_CONSUMER = "consumer: pages inserted under ever new tokens"
