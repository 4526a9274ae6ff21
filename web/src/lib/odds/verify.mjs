// Verifies the proof of a draw, offline, in a browser or in Node. docs/odds-proofs.md says what a proof is.

import { canonicalText, digestOf, fields, readCanonical } from "./canonical.mjs";
import { outcomeOf, stopAt, wheelsOf, words } from "./draws.mjs";
import { hex, hmacSha256, sha256, unhex } from "./sha256.mjs";

const FORMAT = "casino-club/odds-proof/1";
const HEX = /^[0-9a-f]{64}$/;

const FORM = {
  bets: isListOfBets,
  client_seed: (held) => typeof held === "string" && /^[!-~]{1,64}$/.test(held),
  commit_id: (held) => typeof held === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(held),
  format: (held) => held === FORMAT,
  nonce: (held) => Number.isSafeInteger(held) && held >= 1,
  outcome: isObject,
  receipt: isHex,
  seed_hash: isHex,
  server_seed: isHex,
  state: Number.isSafeInteger,
  stops: (held) => Array.isArray(held) && held.length > 0 && held.every(Number.isSafeInteger),
  table: isObject,
  table_digest: isHex,
};

/** Every check of a proof (bytes or text), in order: {name, holds, about}. Genuine if all of them hold. */
export function verify(content) {
  let proof;
  try {
    proof = read(content);
  } catch (wrong) {
    return [{ name: "form", holds: false, about: `This is no proof in the form ${FORMAT}: ${wrong.message}` }];
  }
  return [{ name: "form", holds: true, about: `It is a proof in the form ${FORMAT}.` }, ...checks(proof)];
}

/** Whether all checks of a proof hold. */
export function isGenuine(content) {
  return verify(content).every((check) => check.holds);
}

function read(content) {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const text = typeof content === "string" ? content : decoder.decode(content);
  const proof = readCanonical(text.endsWith("\n") ? text.slice(0, -1) : text);
  if (!isObject(proof) || Object.keys(proof).join() !== Object.keys(FORM).join()) throw new Error("not its fields");
  for (const [name, isRight] of Object.entries(FORM)) if (!isRight(proof[name])) throw new Error(`${name} is not valid`);
  return proof;
}

function checks(proof) {
  const seed = unhex(proof.server_seed);
  const { server_seed: _, table, receipt, ...account } = proof;
  const sealed = hex(hmacSha256(seed, fields("casino-club/odds-receipt/1", canonicalText(account))));
  return [
    {
      name: "seed",
      holds: hex(sha256(seed)) === proof.seed_hash,
      about: "The server seed has the hash that was published.",
    },
    {
      name: "table",
      holds: digestOf(canonicalText(table)) === proof.table_digest,
      about: "The table has the digest that was published.",
    },
    { name: "receipt", holds: sealed === receipt, about: "The receipt is the one that these facts have." },
    ...drawAgain(proof, seed),
  ];
}

function drawAgain(proof, seed) {
  try {
    const { commit_id: commitId, client_seed: clientSeed, nonce, table_digest: tableDigest } = proof;
    const source = words(seed, { commitId, clientSeed, nonce, tableDigest });
    const stops = wheelsOf(proof.table, proof.state).map((weights) => stopAt(weights, source));
    const outcome = outcomeOf(proof.table, proof.state, stops, proof.bets);
    return [
      {
        name: "draw",
        holds: stops.join() === proof.stops.join(),
        about: "The wheels stop there for these seeds and this nonce.",
      },
      {
        name: "outcome",
        holds: canonicalText(withoutNothing(outcome)) === canonicalText(proof.outcome),
        about: "The table gives this outcome for these stops, bets and state.",
      },
    ];
  } catch (wrong) {
    return [{ name: "draw", holds: false, about: `It can't be drawn again: ${wrong.message}` }];
  }
}

function withoutNothing(outcome) {
  const { prize, ...rest } = outcome;
  return prize === undefined ? rest : outcome;
}

function isObject(held) {
  return typeof held === "object" && held !== null && !Array.isArray(held);
}

function isHex(held) {
  return typeof held === "string" && HEX.test(held);
}

function isListOfBets(held) {
  const isBet = (each) =>
    isObject(each) &&
    Object.keys(each).join() === "bet,stake" &&
    typeof each.bet === "string" &&
    Number.isSafeInteger(each.stake);
  return Array.isArray(held) && held.every(isBet);
}
