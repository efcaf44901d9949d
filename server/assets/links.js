// Addresses of the web in what people write: shown as they stand there, and to be followed.

import { make } from "./dom.js";

/** Without signs that turn the direction of a text, by which it would read as another one. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu;
/** What stands after an address more often than at its end. */
const AFTER = /[.,:;!?'*_~\]}]+$/u;

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

function withoutEnd(found) {
  const address = found.replace(AFTER, "");
  const isOfText = address.endsWith(")") && !address.includes("(");
  return isOfText ? withoutEnd(address.slice(0, -1)) : address;
}
