"""A page of the topic: its new rows, and the position behind any of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from confluent_kafka import Message

from casino_club.infra.backends.kafka.messages import Heading, heading_of, row_of
from casino_club.infra.log.reader import Page, Position
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.snapshots import Step, Steps, covered, joined
from casino_club.infra.log.topics import Part, TopicPosition


class Lost(Exception):
    """The topic does not go on from here."""


@dataclass(slots=True)
class _Reach:
    """How far one partition has come while a page is put together. Messages of one pass come in a run."""

    offset: int
    steps: Steps
    run: tuple[bytes, bytes] = (b"", b"")
    last_id: int = 0

    def takes(self, heading: Heading, row_id: int) -> bool:
        """Go on to this row; False if it was had before."""
        run = (heading.delivered, heading.delivering)
        if run != self.run:
            self.end_run()
            self.run, self.last_id = run, 0
        if row_id <= self.last_id:
            return False
        self.last_id = row_id
        return not covered(self.steps, heading.xact, row_id)

    def end_run(self) -> None:
        if self.last_id:
            delivered, delivering = (snapshot.decode() for snapshot in self.run)
            self.steps = joined(self.steps, (Step(delivered), Step(delivering, self.last_id)))
        self.run, self.last_id = (b"", b""), 0

    def mark(self, heading: Heading) -> None:
        self.end_run()
        self.steps = joined(self.steps, (Step(heading.delivered.decode()),))

    def part(self) -> Part:
        self.end_run()
        return Part(self.offset, self.steps)


@dataclass(frozen=True, slots=True)
class TopicPage(Page):
    """A page that knows the position behind each of its rows, whatever partition brought it."""

    messages: Sequence[Message] = field(default=(), repr=False)

    def until(self, row: LogRow, before: Position) -> Position:
        if row is self.rows[-1]:
            return self.after
        assert before.topic is not None
        return page_of(self.messages, before, before.topic, upto_id=row.id).after


def page_of(
    messages: Sequence[Message], position: Position, topic: TopicPosition, *, upto_id: int | None = None
) -> TopicPage:
    """What these messages bring to who is at this position, or the part of it up to one row. Raises Lost, NotOurs."""
    reaches = [_Reach(part.offset, part.steps) for part in topic.parts]
    life, rows = topic.life.encode(), []
    for message in messages:
        number, offset = message.partition(), message.offset()
        assert number is not None
        assert offset is not None
        reach = reaches[number]
        if message.error() is not None:
            reach.offset = offset
            continue
        row = _row(message, reach, position, life)
        reach.offset = offset + 1
        if row is not None:
            rows.append(row)
            if row.id == upto_id:
                break
    parts = tuple(reach.part() for reach in reaches)
    reached = TopicPosition(topic.topic, topic.topic_id, topic.life, parts)
    return TopicPage(rows, replace(position, delivered=reached.delivered, topic=reached), messages)


def _row(message: Message, reach: _Reach, position: Position, life: bytes) -> LogRow | None:
    """The row that a message brings; None if it was had before, or if there is none in it."""
    heading = heading_of(message)
    if heading.life != life:
        raise Lost("the log is being sent again from its beginning")
    if heading.next_topic is not None:
        raise Lost(f"it goes on in {heading.next_topic.decode()}")
    if message.value() is None:
        reach.mark(heading)
        return None
    row = row_of(message, heading.xact)
    if row.id <= position.floor_id:
        return None
    return row if reach.takes(heading, row.id) else None
