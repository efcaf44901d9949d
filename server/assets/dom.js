// Elements, made of texts alone: nothing that anybody has written is ever read as markup.

/** An element with properties and children, of which texts become text. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setClass(element, name) {
  if (element.className !== name) element.className = name;
}

const SAID_MS = 50;

/** Says something to who does not see the page, also if it was said before. */
export function announce(text) {
  const line = byId("said");
  line.textContent = "";
  setTimeout(() => setText(line, text), SAID_MS);
}

const shown = new WeakMap();

/** Makes `parent` have `rows`, `{key, make, update}`, touching only what has changed. */
export function sync(parent, rows) {
  const earlier = shown.get(parent) ?? new Map();
  const wanted = new Map(rows.map((row) => [row.key, row]));
  for (const [key, element] of earlier) {
    if (wanted.has(key)) continue;
    element.remove();
    earlier.delete(key);
  }
  const elements = new Map();
  let at = parent.firstElementChild;
  for (const [key, row] of wanted) {
    const element = earlier.get(key) ?? row.make();
    row.update?.(element);
    elements.set(key, element);
    if (element === at) at = at.nextElementSibling;
    else parent.insertBefore(element, at);
  }
  shown.set(parent, elements);
}

/** As many as in page.css. */
const TINTS = 12;
const SIGNS = /[\p{L}\p{N}\p{Extended_Pictographic}]/u;

/** A coloured disc with the first sign of a name, for the eye alone. */
export function avatarOf(name) {
  const avatar = make("span", { "aria-hidden": "true" });
  dress(avatar, name);
  return avatar;
}

export function dress(avatar, name) {
  let hash = 0;
  for (const sign of name.slice(0, 64)) hash = Math.imul(hash ^ sign.codePointAt(0), 0x9e3779b1);
  setClass(avatar, `avatar tint-${(hash >>> 0) % TINTS}`);
  setText(avatar, name.slice(0, 64).match(SIGNS)?.[0].toUpperCase() ?? "·");
}

/** How many of something, in words. */
export const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;
