// The one text of a value: names sorted, no spaces, whole numbers, composed letters. Anything else is refused.

import { hex, sha256 } from "./sha256.mjs";

const DEPTH_MAX = 16;
const NAME = /^[a-z][a-z0-9_]{0,39}$/;
const UNDEFINED_OR_CONTROL = /[\p{Cc}\p{Cs}\p{Cn}\p{Co}]/u;
const encoder = new TextEncoder();

/** The one text of this value. Throws for what has none. */
export function canonicalText(value, depth = 0) {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${value} is no whole number from 0 on`);
    return String(value);
  }
  if (typeof value === "string") {
    if (UNDEFINED_OR_CONTROL.test(value)) throw new Error("a text holds a control character");
    if (value.normalize("NFC") !== value) throw new Error("a text is not composed");
    return JSON.stringify(value);
  }
  if (depth === DEPTH_MAX) throw new Error("nested too deep");
  if (Array.isArray(value)) return `[${value.map((each) => canonicalText(each, depth + 1)).join(",")}]`;
  if (value === null || typeof value !== "object") throw new Error(`${value} has no canonical form`);
  const names = Object.keys(value).sort();
  for (const name of names) if (!NAME.test(name)) throw new Error(`${name} is no name`);
  return `{${names.map((name) => `"${name}":${canonicalText(value[name], depth + 1)}`).join(",")}}`;
}

/** The value of a text that is canonical already. Throws if a single byte could differ. */
export function readCanonical(text) {
  const value = JSON.parse(text);
  if (canonicalText(value) !== text) throw new Error("the text is not in canonical form");
  return value;
}

/** SHA-256 of a text, in hexadecimal. */
export function digestOf(text) {
  return hex(sha256(encoder.encode(text)));
}

/** Texts one after the other, each behind its length in bytes. */
export function fields(...texts) {
  const encoded = texts.map((text) => encoder.encode(text));
  const bytes = new Uint8Array(encoded.reduce((length, each) => length + 4 + each.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const each of encoded) {
    view.setUint32(at, each.length);
    bytes.set(each, at + 4);
    at += 4 + each.length;
  }
  return bytes;
}
