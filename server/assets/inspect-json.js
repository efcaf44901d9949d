// JSON as it was written: nothing is read into values, so no digit of a number changes.

const SPACE = /[ \t\r\n]/;

/** The end of the string that begins at `at`, past its quote. */
function endOfString(text, at) {
  for (let end = at + 1; end < text.length; end += 1) {
    if (text[end] === "\\") end += 1;
    else if (text[end] === '"') return end + 1;
  }
  return text.length;
}

/** The same text with one value on a line, set in by depth. */
export function pretty(text) {
  let out = "";
  let depth = 0;
  const line = () => "\n" + "  ".repeat(depth);
  for (let at = 0; at < text.length; ) {
    const char = text[at];
    if (char === '"') {
      const end = endOfString(text, at);
      out += text.slice(at, end);
      at = end;
      continue;
    }
    at += 1;
    if (SPACE.test(char)) continue;
    if (char === "{" || char === "[") {
      let next = at;
      while (next < text.length && SPACE.test(text[next])) next += 1;
      if (text[next] === "}" || text[next] === "]") {
        out += char + text[next];
        at = next + 1;
        continue;
      }
      depth += 1;
      out += char + line();
    } else if (char === "}" || char === "]") {
      depth -= 1;
      out += line() + char;
    } else if (char === ",") {
      out += char + line();
    } else {
      out += char === ":" ? ": " : char;
    }
  }
  return out;
}

/**
 * The text of the first of those fields that the object within an object has, as `{"join":{…}}`;
 * of a text that was cut, what there is of it.
 */
export function field(text, names) {
  const found = new Map();
  let depth = 0;
  let name = null;
  let start = 0;
  const ends = (at) => {
    if (name !== null) found.set(name, text.slice(start, at).trim());
    name = null;
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') {
      const end = endOfString(text, at);
      if (depth === 2 && name === null && /^\s*:/.test(text.slice(end, end + 8))) {
        name = text.slice(at + 1, end - 1);
        start = text.indexOf(":", end) + 1;
        at = start - 1;
      } else {
        at = end - 1;
      }
    } else if (char === "{" || char === "[") {
      depth += 1;
    } else if (char === "}" || char === "]") {
      if (depth === 2) ends(at);
      depth -= 1;
    } else if (char === "," && depth === 2) {
      ends(at);
    }
  }
  ends(text.length);
  const first = names.find((one) => found.has(one));
  return first === undefined ? null : found.get(first);
}
