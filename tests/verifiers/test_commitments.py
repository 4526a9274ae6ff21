"""What binds a user to a move in a duel is the same in Python and in the browser's JavaScript."""

import json
import subprocess

from casino_club.features.games.rules.duels import Move, commitment_of
from casino_club.kernel.ids import derived_uuid
from tests.architecture.repo import ROOT
from tests.verifiers.test_agreement import with_node

SCRIPT = """
import { commitmentOf, newSalt } from "./web/src/lib/duels/commitment.mjs";
const asked = JSON.parse(process.argv[1]);
const found = await Promise.all(asked.map((each) => commitmentOf(...each)));
console.log(JSON.stringify({ found, salts: [newSalt(), newSalt()] }));
"""


@with_node
def test_both_commit_alike() -> None:
    asked = [
        (derived_uuid("duel", number), 2**40 + number, move, f"{number:032x}") for number in range(50) for move in Move
    ]
    sent = json.dumps([(str(duel_id), user_id, move, salt) for duel_id, user_id, move, salt in asked])

    done = subprocess.run(
        ["node", "--input-type=module", "--eval", SCRIPT, sent], cwd=ROOT, capture_output=True, check=True, timeout=60
    )

    said = json.loads(done.stdout)
    assert said["found"] == [commitment_of(*each) for each in asked]
    assert [len(salt) for salt in said["salts"]] == [32, 32]
    assert len(set(said["salts"])) == 2
