"""Every route of the slice over the real application: status, shape, permission."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from casino_club.infra.db.database import Database
from casino_club.kernel.subject import Scope
from tests.builders.actions import a_log, spin_metadata
from tests.features.actions.club import Club, a_key, as_user, open_club

BATCH = "/api/actions/batch"
REFUSED = "/api/admin/refused-actions"
NDJSON = "application/x-ndjson"


@pytest.fixture
async def club(database: Database, database_url: str, redis_url: str) -> AsyncIterator[Club]:
    async with open_club(database, database_url, redis_url) as opened:
        yield opened


def view(user_id: int | None = 1, **changes: Any) -> dict[str, Any]:
    return {"action_type": "VIEW_CONTENT", "user_id": user_id, "client_action_id": str(uuid4()), **changes}


def spin(user_id: int | None = 1, **changes: Any) -> dict[str, Any]:
    return view(user_id, action_type="SLOT_SPIN", metadata=spin_metadata(), **changes)


async def test_an_action_is_recorded_and_answered_with_its_id(club: Club) -> None:
    body = spin()

    answer = await club.post("/api/actions", body)

    assert answer.status_code == 201
    assert answer.json() == {"id": (await club.logged())[0], "client_action_id": body["client_action_id"]}
    assert "idempotency-replayed" not in answer.headers


async def test_the_same_action_again_has_the_same_answer_and_says_so(club: Club) -> None:
    body = spin(user_id=3)
    first = await club.post("/api/actions", body)

    again = await club.post("/api/actions", dict(reversed(body.items())))

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await club.logged()) == 1


async def test_an_action_without_a_time_may_be_sent_again_later(club: Club) -> None:
    body = view()
    await club.post("/api/actions", body)
    batch = await club.post(BATCH, {"actions": [body]})

    assert (await club.post("/api/actions", body)).headers["idempotency-replayed"] == "true"
    assert batch.json()["results"][0]["status"] == "duplicate"


async def test_an_id_that_was_used_for_another_action_is_a_conflict(club: Club) -> None:
    body = view(value=1)
    await club.post("/api/actions", body)

    answer = await club.post("/api/actions", {**body, "value": 2})

    assert (answer.status_code, answer.json()["code"]) == (409, "client_action_id_conflict")
    assert len(await club.logged()) == 1


async def test_users_send_their_own_actions_of_client_types_only(club: Club) -> None:
    me = as_user(5)

    answers = [
        await club.post("/api/actions", view(None), caller=me),
        await club.post("/api/actions", view(5), caller=me),
        await club.post("/api/actions", view(6), caller=me),
        await club.post("/api/actions", spin(5), caller=me),
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 403, 403]
    assert [answer.json()["code"] for answer in answers[2:]] == ["not_your_user", "sender_not_allowed"]


async def test_two_users_who_choose_the_same_id_do_not_meet(club: Club) -> None:
    body = view(None)

    answers = [await club.post("/api/actions", body, caller=as_user(user)) for user in (5, 6)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert len(await club.logged()) == 2


ROUTES = [
    ("POST", "/api/actions", Scope.ACTIONS_WRITE, True),
    ("POST", BATCH, Scope.ACTIONS_WRITE, True),
    ("GET", "/api/actions", Scope.ACTIONS_READ, True),
    ("GET", REFUSED, Scope.ACTIONS_REVIEW, False),
    ("POST", f"{REFUSED}/1/replay", Scope.ACTIONS_REVIEW, False),
    ("POST", f"{REFUSED}/1/dismiss", Scope.ACTIONS_REVIEW, False),
]


@pytest.mark.parametrize(("method", "path", "scope", "users_may"), ROUTES)
async def test_nobody_calls_a_route_without_leave(
    club: Club, method: str, path: str, scope: Scope, users_may: bool
) -> None:
    lacking = await a_key(club.database, "lacking", [each for each in Scope if each is not scope])
    having = await a_key(club.database, "having", [scope])

    async def status(headers: dict[str, str]) -> int:
        return (await club.http.request(method, path, headers=headers)).status_code

    assert await status({}) == 401
    assert await status({"authorization": "Bearer nonsense"}) == 401
    assert await status(lacking) == 403
    assert await status(having) not in (401, 403)
    assert (await status(as_user(1)) not in (401, 403)) is users_may


async def test_a_batch_has_a_verdict_for_each_row_and_a_bad_one_spoils_none(club: Club) -> None:
    known = view(2)
    await club.post("/api/actions", known)
    rows = [view(1), {"action_type": 3}, known, {**known, "value": 9}, view(None), "no action", spin(4)]

    answer = await club.post(BATCH, {"actions": rows})

    found = answer.json()
    assert answer.status_code == 200
    assert (found["accepted"], found["duplicate"], found["refused"]) == (2, 1, 4)
    assert [row["index"] for row in found["results"]] == list(range(7))
    assert [row["status"] for row in found["results"]] == [
        "accepted", "refused", "duplicate", "refused", "refused", "refused", "accepted",
    ]  # fmt: skip
    assert [row.get("code") for row in found["results"] if row["status"] == "refused"] == [
        "invalid_action", "client_action_id_conflict", "user_id_missing", "invalid_action",
    ]  # fmt: skip
    assert found["results"][0]["client_action_id"] == rows[0]["client_action_id"]  # type: ignore[index]  # a dict
    assert sorted([found["results"][0]["id"], found["results"][2]["id"], found["results"][6]["id"]]) == (
        await club.logged()
    )


async def test_lines_are_a_batch_as_well(club: Club) -> None:
    lines = [json.dumps(view(1)), "", "{broken", '{"action_type": "VIEW_CONTENT", "user_id": 1}\r', "   ", "\udcff"]
    content = "\n".join(lines).encode(errors="surrogateescape") + b"\n"

    for media_type in (NDJSON, "Application/X-NDJSON; charset=utf-8"):
        found = (await club.send(BATCH, content, media_type=media_type)).json()
        assert [row["status"] for row in found["results"]] == [
            "accepted" if media_type == NDJSON else "duplicate", "refused", "accepted", "refused",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xef\xbb\xbf" + b'{"actions":[]}', "application/json", 400),
        (b'{"actions":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "application/json", 400),
        (b"[]", "application/json", 422),
        (b'{"actions":{}}', "application/json", 422),
        (b'{"actions":[],"more":1}', "application/json", 422),
        (b'{"actions":[]}', "text/plain", 415),
        (b'{"actions":[]}', "application/json", 200),
        (b"", NDJSON, 200),
        (b"\n \n", NDJSON, 200),
    ],
)
async def test_what_is_no_batch_is_refused_as_a_whole(club: Club, content: bytes, media_type: str, status: int) -> None:
    answer = await club.send(BATCH, content, media_type=media_type)

    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {"accepted": 0, "duplicate": 0, "refused": 0, "results": []}
    assert await club.logged() == []


async def test_lines_after_a_byte_order_mark_cost_their_first_line_only(club: Club) -> None:
    content = b"\xef\xbb\xbf" + b"\n".join(json.dumps(view(user)).encode() for user in (1, 2))

    found = (await club.send(BATCH, content, media_type=NDJSON)).json()

    assert [row["status"] for row in found["results"]] == ["refused", "accepted"]


@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
async def test_a_batch_of_ten_thousand_is_taken_and_one_more_is_refused(club: Club, media_type: str) -> None:
    rows = [f'{{"action_type":"VIEW_CONTENT","user_id":{n % 300 + 1}}}' for n in range(10_001)]

    def batch(count: int) -> bytes:
        lines = "\n".join(rows[:count]) if media_type == NDJSON else f'{{"actions":[{",".join(rows[:count])}]}}'
        return lines.encode()

    too_large = await club.send(BATCH, batch(10_001), media_type=media_type)
    full = await club.send(BATCH, batch(10_000), media_type=media_type)

    assert (too_large.status_code, too_large.json()["code"]) == (413, "batch_too_large")
    assert (full.status_code, full.json()["accepted"]) == (200, 10_000)
    assert len(await club.logged()) == 10_000


async def test_a_users_rows_of_a_large_batch_reach_the_log_in_the_order_sent(club: Club) -> None:
    rows = [{"action_type": "VIEW_CONTENT", "user_id": n % 7 + 1, "value": n} for n in range(6_000)]

    await club.post(BATCH, {"actions": rows})

    async with club.database.connection() as db:
        found = await db.fetch("SELECT user_id, array_agg(value ORDER BY id) FROM user_actions GROUP BY 1 ORDER BY 1")
    assert [(row[0], row[1]) for row in found] == [(user, list(range(user - 1, 6_000, 7))) for user in range(1, 8)]


async def test_any_depth_of_nesting_is_answered_with_a_verdict(club: Club) -> None:
    statuses = set()
    for depth in (*range(850, 1_010, 4), 20_000):
        deep = b"[" * depth + b"]" * depth
        body = b'{"action_type":"NO_SUCH","user_id":1,"metadata":{"x":' + deep + b"}}"
        known = body.replace(b"NO_SUCH", b"VIEW_CONTENT")
        statuses |= {(await club.send("/api/actions", each)).status_code for each in (body, known)}
        statuses.add((await club.send(BATCH, body + b"\n" + known, media_type=NDJSON)).status_code)

    assert statuses <= {200, 201, 422}


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b'{"action_type":"A\\u0000","user_id":1}']
)
async def test_a_single_body_that_is_no_action_is_refused_and_kept(club: Club, body: bytes) -> None:
    answer = await club.send("/api/actions", body)

    assert answer.status_code == 422
    [kept] = (await club.get(REFUSED)).json()["refused"]
    assert kept["code"] == answer.json()["code"]


async def test_a_history_is_paged_newest_first(club: Club) -> None:
    await club.post(BATCH, {"actions": [view(1, value=n) for n in range(7)] + [spin(1), view(2)]})
    ids = await club.logged()

    pages, cursor = [], None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        page = (await club.get(f"/api/actions?user_id=1&limit=3{more}")).json()
        pages.append([action["id"] for action in page["actions"]])
        if (cursor := page["next_cursor"]) is None:
            break
    spins = (await club.get("/api/actions", user_id=1, action_type="SLOT_SPIN")).json()["actions"]

    assert [each for page in pages for each in page] == ids[7::-1]
    assert [len(page) for page in pages] == [3, 3, 2]
    assert [(action["id"], action["streak"]) for action in spins] == [(ids[7], 1)]
    assert spins[0]["metadata"].keys() == spin_metadata().keys()
    assert datetime.fromisoformat(spins[0]["action_timestamp"]) <= datetime.now(UTC)


async def test_users_read_their_own_history_only(club: Club) -> None:
    await club.post(BATCH, {"actions": [view(1), view(2)]})

    assert len((await club.get("/api/actions", caller=as_user(2))).json()["actions"]) == 1
    assert (await club.get("/api/actions", caller=as_user(2), user_id=1)).status_code == 403
    assert (await club.get("/api/actions")).status_code == 422


async def refused_one(club: Club, body: dict[str, Any], caller: dict[str, str] | None = None) -> dict[str, Any]:
    await club.post("/api/actions", body, caller=caller)
    kept: dict[str, Any] = (await club.get(REFUSED)).json()["refused"][-1]
    return kept


async def test_refused_actions_are_listed_with_their_reason(club: Club) -> None:
    body = view(action_type="NO_SUCH")

    kept = await refused_one(club, body)
    other = await refused_one(club, view(9), as_user(5))

    assert (kept["code"], kept["status"], kept["sender_user_id"]) == ("unknown_action_type", "open", None)
    assert json.loads(kept["body"]) == body
    assert (other["code"], other["sender_user_id"]) == ("not_your_user", 5)
    first = (await club.get(REFUSED, limit=1)).json()
    assert [row["id"] for row in first["refused"]] == [kept["id"]]
    rest = (await club.get(REFUSED, limit=1, cursor=first["next_cursor"])).json()["refused"]
    assert [row["id"] for row in rest] == [other["id"]]
    assert (await club.get(REFUSED, cursor=2**63 - 1)).json() == {"refused": [], "next_cursor": None}
    by_code = (await club.get(REFUSED, code="not_your_user")).json()["refused"]
    assert [row["id"] for row in by_code] == [other["id"]]


async def test_a_refused_action_is_corrected_and_replayed_once_in_its_senders_name(club: Club) -> None:
    await a_log(club.database).make_room()
    kept = await refused_one(club, view(None, action_type="SLOT_SPIN"), as_user(5))
    path, correction = f"{REFUSED}/{kept['id']}/replay", {"action": view(None)}

    as_it_was = await club.post(path, {})
    replayed = await club.post(path, correction)
    again = await club.post(path, correction)

    assert as_it_was.status_code == 403
    assert replayed.status_code == 200
    assert replayed.json() == {"id": kept["id"], "status": "replayed", "action_id": (await club.logged())[0]}
    assert (again.status_code, again.json()["code"]) == (409, "refused_action_settled")
    [action] = (await club.get("/api/actions", user_id=5)).json()["actions"]
    received = datetime.fromisoformat(kept["received_at"])
    assert abs(datetime.fromisoformat(action["action_timestamp"]) - received) < timedelta(milliseconds=1)
    assert (await club.get(REFUSED)).json()["refused"] == []


async def test_a_replay_whose_answer_was_lost_finds_its_own_action(club: Club) -> None:
    await a_log(club.database).make_room()
    kept = await refused_one(club, {"action_type": "NO_SUCH", "user_id": 1})
    path, correction = f"{REFUSED}/{kept['id']}/replay", {"action": {"action_type": "VIEW_CONTENT", "user_id": 1}}
    first = await club.post(path, correction)
    async with club.database.transaction() as db:
        await db.execute("UPDATE refused_actions SET status = 'open', action_id = NULL, settled_at = NULL")

    second = await club.post(path, correction)

    assert second.json() == first.json()
    assert len(await club.logged()) == 1


async def test_a_refused_action_is_dismissed_once(club: Club) -> None:
    kept = await refused_one(club, view(action_type="NO_SUCH"))
    path = f"{REFUSED}/{kept['id']}"

    dismissed = await club.post(f"{path}/dismiss", {})

    assert dismissed.json() == {"id": kept["id"], "status": "dismissed", "action_id": None}
    assert (await club.post(f"{path}/dismiss", {})).status_code == 409
    assert (await club.post(f"{path}/replay", {})).status_code == 409
    assert (await club.get(REFUSED, status="dismissed")).json()["refused"][0]["id"] == kept["id"]


@pytest.mark.parametrize("deed", ["replay", "dismiss"])
async def test_what_was_never_refused_is_missing(club: Club, deed: str) -> None:
    assert (await club.post(f"{REFUSED}/77/{deed}", {})).status_code == 404
