// Addresses of the web in what people write: shown as they stand there, and to be followed.

import { make } from "./dom.js";

/** Without signs that turn the direction of a text, by which it would read as another one. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu;
/** What stands after an address more often than at its end. */
const AFTER = new Set(".,:;!?'*_~]}");

/** A text in parts, of which addresses are links. */
export function withLinks(text) {
  const parts = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = withoutEnd(found);
    if (!URL.canParse(address)) continue;
    const link = make("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address);
    parts.push(text.slice(at, index), link);
    at = index + address.length;
  }
  return [...parts, text.slice(at)];
}

/** From its end on, one sign after the other: there may be as many of them as somebody likes. */
function withoutEnd(found) {
  const isOfText = !found.includes("(");
  let end = found.length;
  while (AFTER.has(found[end - 1]) || (isOfText && found[end - 1] === ")")) end -= 1;
  return found.slice(0, end);
}
