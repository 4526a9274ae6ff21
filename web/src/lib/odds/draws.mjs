// A draw, made again: words from the seeds, wheels that stop at them, and what the table gives for the stops.

import { fields } from "./canonical.mjs";
import { hmacSha256 } from "./sha256.mjs";

const WORDS = 1n << 64n;

/** Words of 64 bits without end, four from each block. */
export function* words(serverSeed, { commitId, clientSeed, nonce, tableDigest }) {
  for (let block = 0; ; block += 1) {
    const parts = ["casino-club/odds-draw/1", commitId, clientSeed, String(nonce), tableDigest, String(block)];
    const view = new DataView(hmacSha256(serverSeed, fields(...parts)).buffer);
    for (let at = 0; at < 32; at += 8) yield view.getBigUint64(at);
  }
}

/** Where a wheel stops at the next word that favours no place. */
export function stopAt(weights, source) {
  const total = weights.reduce((whole, weight) => whole + weight, 0);
  if (total <= 0) throw new Error("a wheel without weight");
  const fair = WORDS - (WORDS % BigInt(total));
  let word = source.next().value;
  while (word >= fair) word = source.next().value;
  let rest = Number(word % BigInt(total));
  let place = 0;
  while (rest >= weights[place]) {
    rest -= weights[place];
    place += 1;
  }
  return place;
}

/** The weights of every wheel, in this state. */
export function wheelsOf(table, state) {
  if (table.kind === "wager") return [onlyState(state, table.places).map(weightOf)];
  if (table.kind === "slot") return onlyState(state, table.reels).map((reel) => reel.map(weightOf));
  if (table.kind === "cells") return [table.cells[state].weights];
  if (table.kind !== "prizes") throw new Error(`there are no tables of the kind ${table.kind}`);
  const lasting = table.phases.flatMap((phase) => new Array(phase.draws).fill(phase.weights));
  return [onlyBelow(state, lasting)];
}

/** What these stops give. */
export function outcomeOf(table, state, stops, bets) {
  checkBets(table, bets);
  if (table.kind === "wager") return wagerOutcome(table, table.places[stops[0]].id, bets);
  if (table.kind === "slot") return slotOutcome(table, stops, bets);
  const item = table.items[stops[0]];
  return { name: item.id, next_state: nextState(table, state, item), returned: 0, prize: item.prize };
}

function nextState(table, state, item) {
  if (table.kind === "cells" || (table.resets ?? []).includes(item.tier)) return 0;
  const states = table.phases.reduce((sum, phase) => sum + phase.draws, 0);
  return Math.min(state + 1, states - 1);
}

function wagerOutcome(table, place, bets) {
  const returned = bets.map(({ bet, stake }) => {
    const wins = table.bets.find((each) => each.id === bet).wins;
    return (stake / table.stake.step) * (wins.find((win) => win.on.includes(place))?.pays ?? 0);
  });
  return { name: place, next_state: 0, returned: sum(returned) };
}

function slotOutcome(table, stops, bets) {
  const lines = table.lines.map((line) => {
    const symbols = line.map((row, reel) => {
      const stopsOfReel = table.reels[reel];
      return stopsOfReel[(stops[reel] + row) % stopsOfReel.length].symbol;
    });
    const paying = table.pays.filter(({ symbol, count }) =>
      symbols.slice(0, count).every((shown) => shown === symbol || shown === (table.wild ?? "")),
    );
    return Math.max(0, ...paying.map((entry) => entry.pays));
  });
  return { name: stops.join("-"), next_state: 0, returned: (bets[0].stake / table.stake.step) * sum(lines) };
}

function checkBets(table, bets) {
  const known = table.kind === "slot" ? ["spin"] : (table.bets ?? []).map((bet) => bet.id);
  if (known.length === 0 && bets.length === 0) return;
  const names = bets.map((bet) => bet.bet);
  if (names.length === 0 || names.length > 50 || new Set(names).size !== names.length) throw new Error("not these bets");
  for (const { bet, stake } of bets) {
    if (!known.includes(bet)) throw new Error(`there is no bet ${bet}`);
    const { min, max, step } = table.stake;
    if (stake < min || stake > max || stake % step !== 0) throw new Error(`${stake} can't be staked`);
  }
}

function onlyState(state, found) {
  if (state !== 0) throw new Error("this table has one state");
  return found;
}

function onlyBelow(state, found) {
  if (state >= found.length) throw new Error("this table has fewer states");
  return found[state];
}

function weightOf(place) {
  return place.weight;
}

function sum(numbers) {
  return numbers.reduce((whole, each) => whole + each, 0);
}
