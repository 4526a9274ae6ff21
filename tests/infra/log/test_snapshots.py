"""Our judgement of snapshots is PostgreSQL's own, and what a reader has had is told by steps as by a set of rows."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from casino_club.infra.db.database import Database
from casino_club.infra.log.snapshots import ANY_ID, Step, covered, earliest, joined, parsed
from casino_club.infra.log.topics import Part, TopicPosition, to_json

XACTS = range(1, 40)
IDS = range(1, 30)
SNAPSHOTS = 400


def snapshots_in_time(rng: Random, number: int) -> list[str]:
    """Snapshots of one server, in the order in which they were taken, while transactions begin and end."""
    running, next_xact, taken = set[int](), 1, []
    for _ in range(number):
        for _ in range(rng.randrange(4)):
            running.add(next_xact)
            next_xact += 1
        for xact in sorted(running):
            if rng.random() < 0.3:
                running.discard(xact)
        taken.append(f"{min(running, default=next_xact)}:{next_xact}:{','.join(map(str, sorted(running)))}")
    return taken


async def test_what_a_snapshot_shows_is_what_postgresql_says(database: Database) -> None:
    rng = Random(4)
    texts = [text for _ in range(SNAPSHOTS // 10) for text in snapshots_in_time(rng, 10)]

    async with database.connection() as db:
        said = await db.fetch(
            """SELECT s, x, pg_visible_in_snapshot(x::text::xid8, s::pg_snapshot)
               FROM unnest($1::text[]) AS s CROSS JOIN unnest($2::bigint[]) AS x""",
            texts,
            list(XACTS),
        )

    assert len(said) > 10_000
    assert [row for row in said if parsed(row[0]).shows(row[1]) != row[2]] == []


@given(st.randoms(use_true_random=False))
def test_later_snapshots_show_all_of_earlier_ones(rng: Random) -> None:
    taken = snapshots_in_time(rng, 6)

    for place, text in enumerate(taken):
        for later in taken[place:]:
            assert parsed(later).shows_all_of(parsed(text))
        for earlier in taken[:place]:
            shows_no_more = all(parsed(earlier).shows(xact) for xact in XACTS if parsed(text).shows(xact))
            assert shows_no_more or not parsed(earlier).shows_all_of(parsed(text))
    assert parsed(earliest(rng.sample(taken, len(taken)))) == parsed(taken[0])


@given(st.randoms(use_true_random=False))
def test_joined_steps_cover_what_each_of_them_covers_and_nothing_else(rng: Random) -> None:
    taken = snapshots_in_time(rng, 6)
    steps = [Step(rng.choice(taken), rng.choice((ANY_ID, rng.choice(IDS)))) for _ in range(5)]

    together = joined((), steps)

    assert len(together) <= len(steps)
    for xact in XACTS:
        for row_id in IDS:
            assert covered(together, xact, row_id) == covered(tuple(steps), xact, row_id)


async def test_postgresql_judges_a_topics_rows_as_we_do(database: Database) -> None:
    rng = Random(5)
    taken = snapshots_in_time(rng, 12)
    parts = [
        Part(0, joined((Step(taken[0]),), [Step(rng.choice(taken), rng.choice(IDS)) for _ in range(3)]))
        for _ in range(3)
    ]
    position = TopicPosition("t", "id", "life", tuple(parts))

    async with database.connection() as db:
        said = await db.fetch(
            """SELECT u, x, i, topic_covers($1::text::jsonb, u, x::text::xid8, i) FROM unnest($2::bigint[]) AS u
               CROSS JOIN unnest($3::bigint[]) AS x CROSS JOIN unnest($4::bigint[]) AS i""",
            to_json(position),
            [1, 2, 3, 5],
            list(XACTS),
            list(IDS),
        )

    assert {row[3] for row in said} == {True, False}
    assert [row for row in said if covered(parts[row[0] % 3].steps, row[1], row[2]) != row[3]] == []
