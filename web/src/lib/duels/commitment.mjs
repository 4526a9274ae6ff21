// What binds a user to a move in a duel, as docs/games.md writes it. No dependencies; browsers, and Node 20 or newer.

const TAG = "casino-club/duel-move/1";

/** The commitment of this user to a move (rock, paper or scissors) in a duel, as 64 hexadecimal digits. */
export async function commitmentOf(duelId, userId, move, salt) {
  const content = fields([TAG, duelId, String(userId), move, salt]);
  const digest = await crypto.subtle.digest("SHA-256", content);
  return hex(new Uint8Array(digest));
}

/** A salt of 16 random bytes; draw a new one for each duel. */
export function newSalt() {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

function fields(texts) {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const content = new Uint8Array(encoded.reduce((length, each) => length + 4 + each.length, 0));
  let at = 0;
  for (const each of encoded) {
    new DataView(content.buffer).setUint32(at, each.length);
    content.set(each, at + 4);
    at += 4 + each.length;
  }
  return content;
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
