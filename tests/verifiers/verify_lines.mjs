// Verifies the proofs that come in, one per line, and says how many are genuine and how many flipped bits are caught.
// With --every-bit each bit of each proof is flipped once; otherwise one per proof, another place each time.

import { createInterface } from "node:readline";

import { isGenuine } from "../../web/src/lib/odds/verify.mjs";

const everyBit = process.argv.includes("--every-bit");
const seen = { proofs: 0, genuine: 0, flips: 0, caught: 0 };

for await (const line of createInterface({ input: process.stdin })) {
  const bytes = new TextEncoder().encode(line);
  const bits = bytes.length * 8;
  const first = everyBit ? 0 : (seen.proofs * 7919) % bits;
  const after = everyBit ? bits : first + 1;
  seen.proofs += 1;
  seen.genuine += isGenuine(bytes) ? 1 : 0;
  for (let bit = first; bit < after; bit += 1) {
    bytes[bit >> 3] ^= 1 << (bit & 7);
    seen.flips += 1;
    seen.caught += isGenuine(bytes) ? 0 : 1;
    bytes[bit >> 3] ^= 1 << (bit & 7);
  }
}
console.log(JSON.stringify(seen));
