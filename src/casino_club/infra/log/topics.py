"""How far a consumer has come in a topic that carries the log: for each partition an offset and what it has had.

A row's partition follows from its user, here as in PostgreSQL's `topic_covers`. Offsets say where to go on reading;
whether a row was had before is judged by the steps alone, so that a row may be sent as often as it likes.
"""

from dataclasses import dataclass

import msgspec

from casino_club.infra.log.snapshots import ANY_ID, Step, Steps, earliest


@dataclass(frozen=True, slots=True)
class Part:
    """One partition: where to go on, and what has been had of its rows. One of the steps reaches to any id."""

    offset: int
    steps: Steps


@dataclass(frozen=True, slots=True)
class TopicPosition:
    """One topic, known by more than its name, in one of its relay's lives."""

    topic: str
    topic_id: str
    life: str
    parts: tuple[Part, ...]

    @property
    def delivered(self) -> str:
        """A snapshot of which all rows have been had, whatever their partition."""
        return earliest(step.snapshot for part in self.parts for step in part.steps if step.upto_id == ANY_ID)


class _Written(msgspec.Struct, frozen=True):
    """The same as it is written down: each snapshot once, since partitions share them."""

    topic: str
    topic_id: str
    life: str
    snapshots: list[str]
    parts: list[tuple[int, list[tuple[int, int]]]]


def partition_of(user_id: int, partitions: int) -> int:
    """The partition that holds a user's rows."""
    return user_id % partitions


def to_json(position: TopicPosition) -> str:
    """As PostgreSQL keeps it."""
    snapshots = list(dict.fromkeys(step.snapshot for part in position.parts for step in part.steps))
    places = {snapshot: place for place, snapshot in enumerate(snapshots)}
    parts = [(part.offset, [(places[snapshot], upto) for snapshot, upto in part.steps]) for part in position.parts]
    written = _Written(position.topic, position.topic_id, position.life, snapshots, parts)
    return msgspec.json.encode(written).decode()


def from_json(text: str) -> TopicPosition:
    """As it was written."""
    found = msgspec.json.decode(text, type=_Written)
    parts = (
        Part(offset, tuple(Step(found.snapshots[place], upto) for place, upto in steps))
        for offset, steps in found.parts
    )
    return TopicPosition(found.topic, found.topic_id, found.life, tuple(parts))
