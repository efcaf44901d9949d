// The lines of the stream: the latest of them, found by filters, held back by a pause.
//
// Whatever a line says is text, and nothing else: no markup is ever made of it.

import { field, pretty } from "./inspect-json.js";

/** How many lines are remembered, for filters that change. */
const KEPT = 2000;
/** How many of them are in the page. */
const SHOWN = 400;
/** How much of what a line says is in its row, in characters. */
const BRIEF = 240;
/** What is shown of a line in its row: the first of these that it has. */
const SAYS = ["payload", "payload_base64", "diff", "entries", "messages", "reason", "label", "meta", "data"];

/** How many clients are remembered by the users that they act for. */
const KNOWN = 5000;

const users = new Map();

/** Remembers which user a client acts for, so that rows can say it. */
export function learn(client, user) {
  if (users.has(client)) return;
  if (users.size >= KNOWN) users.delete(users.keys().next().value);
  users.set(client, user);
}

/** The user, and as much of the id as tells clients apart at a glance. */
const nameOf = (client) => (users.has(client) ? `${users.get(client)} ${client.slice(0, 6)}` : client);

/**
 * A line as it came, and what of it is looked at. `ofClient` is the client that was asked for: of
 * those who receive something, the line names the first only.
 */
export function entryOf(data, ofClient) {
  const line = JSON.parse(data);
  // A publish tells whom it is for, and another user: whose it is.
  if (line.client_id && line.user_id && line.kind !== "publish") learn(line.client_id, line.user_id);
  // What stands before has other names, and in a text a quote has a backslash before it.
  const at = data.indexOf('"body":');
  const body = line.body_start ?? (at < 0 ? null : data.slice(at + 7, -1));
  return { data, line, body, ofClient, text: data.toLowerCase() };
}

export class Log {
  #box;
  #newest;
  #copy;
  #counted;
  #kept = [];
  #queue = [];
  #held = null;
  #lost = 0;
  #frame = 0;
  /** Whether the end is in sight, and is to stay so. */
  #follows = true;
  #matches = () => true;
  /** What is said where there was nothing yet. */
  #hint;

  /** `copy` takes a text; `counted` is told how many lines a pause holds back, and how many not. */
  constructor({ box, newest, copy, counted }) {
    this.#box = box;
    this.#hint = box.querySelector(".empty").textContent;
    this.#newest = newest;
    this.#copy = copy;
    this.#counted = counted;
    box.addEventListener("toggle", (event) => this.#opened(event.target), true);
    box.addEventListener("keydown", (event) => this.#walk(event));
    box.addEventListener("focusin", (event) => this.#visited(event.target));
    box.addEventListener("scroll", () => this.#look(), { passive: true });
    newest.addEventListener("click", () => this.#toEnd());
    new ResizeObserver(() => this.#follow()).observe(box);
  }

  get isPaused() {
    return this.#held !== null;
  }

  add(entries) {
    if (this.#held === null) {
      this.#take(entries);
      return;
    }
    this.#held.push(...entries);
    const over = this.#held.length - KEPT;
    if (over > 0) {
      this.#held.splice(0, over);
      this.#lost += over;
    }
    this.#counted(this.#held.length, this.#lost);
  }

  /** Says something of the stream itself; `tone` is `warn` if something is missing. */
  note(text, tone = "") {
    this.add([{ note: text, tone }]);
  }

  pause() {
    this.#held ??= [];
    this.#counted(0, 0);
  }

  resume() {
    const [held, lost] = [this.#held ?? [], this.#lost];
    [this.#held, this.#lost] = [null, 0];
    if (lost > 0) this.#take([{ note: `${lost} lines are not shown: more than could be held`, tone: "warn" }]);
    this.#take(held);
    this.#toEnd();
  }

  clear() {
    this.#kept = [];
    this.#show([]);
    if (this.#held !== null) {
      [this.#held, this.#lost] = [[], 0];
      this.#counted(0, 0);
    }
  }

  /** Shows what fits, also of what was there before. */
  filter(matches) {
    this.#matches = (entry) => !isLine(entry) || matches(entry);
    this.#show(this.#kept.filter(this.#matches));
  }

  #take(entries) {
    this.#kept.push(...entries);
    if (this.#kept.length > KEPT) this.#kept.splice(0, this.#kept.length - KEPT);
    this.#queue.push(...entries.filter(this.#matches));
    if (this.#queue.length > SHOWN) this.#queue.splice(0, this.#queue.length - SHOWN);
    if (this.#queue.length > 0) this.#frame ||= requestAnimationFrame(() => this.#flush());
  }

  #show(entries) {
    this.#queue = entries.slice(-SHOWN);
    const none = element("p", "empty", this.#kept.some(isLine) ? "No line fits what is looked for." : this.#hint);
    this.#box.replaceChildren(...(entries.some(isLine) ? [] : [none]));
    this.#flush();
    this.#toEnd();
  }

  #flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const entries = this.#queue;
    this.#queue = [];
    if (entries.length === 0) return;
    const box = this.#box;
    if (entries.some(isLine)) box.querySelector(".empty")?.remove();
    box.append(...entries.map(rowOf));
    const hadFocus = box.contains(document.activeElement);
    while (box.childElementCount > SHOWN) box.firstElementChild.remove();
    if (hadFocus && !box.contains(document.activeElement)) box.focus({ preventScroll: true });
    if (box.querySelector('summary[tabindex="0"]') === null) {
      box.querySelector("details:last-of-type > summary")?.setAttribute("tabindex", "0");
    }
    this.#follow();
  }

  #look() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    this.#follows = scrollHeight - scrollTop - clientHeight < 24;
    this.#newest.hidden = this.#follows;
  }

  #follow() {
    if (this.#follows) this.#toEnd();
    else this.#look();
  }

  #toEnd() {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#look();
  }

  #opened(details) {
    if (!details.open || details.childElementCount > 1) return;
    const { line, body, data } = details.entry;
    const inside = document.createElement("div");
    inside.className = "inside";
    inside.append(element("p", "facts", factsOf(line)));
    if (body !== null) {
      const text = line.body_start === undefined ? pretty(body) : `${body}\n… (longer than is shown)`;
      inside.append(element("pre", "", text));
    }
    const copy = element("button", "", "Copy the line");
    copy.type = "button";
    copy.addEventListener("click", () => this.#copy(data));
    inside.append(copy);
    details.append(inside);
    // Who reads it is not to lose it by what comes next.
    this.#look();
  }

  /** From line to line, so that one does not have to go through all of them by tab. */
  #walk(event) {
    const rows = [...this.#box.querySelectorAll("details > summary")];
    const at = rows.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined || at < 0 || event.target.localName !== "summary") return;
    event.preventDefault();
    rows[Math.min(Math.max(to, 0), rows.length - 1)].focus();
  }

  #visited(target) {
    if (target.localName !== "summary") return;
    this.#box.querySelector('summary[tabindex="0"]')?.setAttribute("tabindex", "-1");
    target.setAttribute("tabindex", "0");
  }
}

/** What is said of the stream itself is none. */
const isLine = ({ note }) => note === undefined;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.textContent = text;
  return made;
}

function rowOf(entry) {
  if (!isLine(entry)) return element("p", `note ${entry.tone}`, entry.note);
  const { line, body } = entry;
  const details = document.createElement("details");
  details.className = `line ${line.way}`;
  details.entry = entry;
  const summary = document.createElement("summary");
  summary.tabIndex = -1;
  const kind = element("span", "kind", line.answers ? `${line.kind} to ${line.answers}` : line.kind);
  summary.append(
    element("time", "", timeOf(line.at_ms)),
    element("span", "way", line.way),
    kind,
    element("bdi", "topic", line.topic ?? ""),
    element("bdi", "who", whoOf(line)),
    element("bdi", line.refused ? "says refused" : "says", saysOf(line, body)),
  );
  details.append(summary);
  return details;
}

function whoOf({ way, kind, client_id, user_id, to }) {
  if (way === "in") {
    if (kind === "publish") return [user_id, client_id && `to ${nameOf(client_id)}`].filter(Boolean).join(" ");
    return client_id ? nameOf(client_id) : (user_id ?? "");
  }
  if (to === undefined) return "";
  if (to.count === 0) return "to nobody";
  return to.count === 1 ? `to ${nameOf(to.first[0])}` : `to ${to.count.toLocaleString("en")}`;
}

function saysOf({ event, refused, body: said }, body) {
  if (refused) return [refused, said?.reply?.payload?.message].filter(Boolean).join(": ");
  const text = body === null ? null : field(body, SAYS);
  const brief = text !== null && text.length > BRIEF ? `${text.slice(0, BRIEF)}…` : text;
  return [event, brief].filter(Boolean).join(" ");
}

function factsOf({ number, at_ms, way, to }) {
  const facts = [way === "in" ? `event ${number}` : `after event ${number}`];
  facts.push(new Date(at_ms).toISOString());
  if (to !== undefined) {
    const more = to.count > to.first.length ? " …" : "";
    facts.push(to.count === 0 ? "to nobody" : `to ${to.count.toLocaleString("en")}: ${to.first.join(", ")}${more}`);
  }
  return facts.join(" · ");
}

function timeOf(ms) {
  const date = new Date(ms);
  const two = (number) => String(number).padStart(2, "0");
  const [h, m, s] = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two);
  return `${h}:${m}:${s}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
