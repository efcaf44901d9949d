// What was said in a room, as far as the page holds it, oldest first: each message once, whatever
// way it came. Knows neither sockets nor elements.

/**
 * A message of a live frame or of a page of history, with its sender and time. Its place is kept as
 * it came, to be given back.
 */
export function messageOf(payload, place) {
  const { epoch, offset, from, timestamp_ms: time } = place;
  const id = typeof payload?.id === "string" ? payload.id : undefined;
  return { kind: "message", key: `${offset}@${time}`, place, epoch, offset, from, time, id, text: textOf(payload) };
}

/** What is shown of whatever somebody has sent. */
function textOf(payload) {
  if (typeof payload === "string") return payload;
  for (const name of ["text", "body", "message"]) {
    if (typeof payload?.[name] === "string") return payload[name];
  }
  return JSON.stringify(payload) ?? "(no text)";
}

export class Messages {
  items = [];
  #keys = new Set();

  /** Takes one that was said after all others. Gives whether it is new. */
  add(message) {
    const isNew = this.#take(message);
    if (isNew) this.items.push(message);
    return isNew;
  }

  /** Takes those that were said before all others, newest first. */
  addOlder(messages) {
    const older = messages.filter((message) => this.#take(message));
    this.items.unshift(...older.reverse());
  }

  /**
   * Takes all that was said after `anchor`, newest first, of which it may have some; or if nobody
   * knows whether that is all, with a `gap` before it, `{text, why}`. Gives those that are new,
   * oldest first.
   */
  addMissed(anchor, messages, gap) {
    const run = [...messages].reverse();
    const news = run.filter((message) => this.#take(message));
    const runs = new Set(run.map(({ key }) => key));
    const from = this.items.indexOf(anchor) + 1;
    const here = `gap:${anchor?.key}`;
    const later = this.items.slice(from).filter(({ key }) => !runs.has(key) && key !== here);
    const between = gap ? [{ kind: "gap", key: here, ...gap }] : [];
    this.items = [...this.items.slice(0, from), ...between, ...run, ...later];
    return news;
  }

  get oldest() {
    return this.items.find(({ kind }) => kind === "message");
  }

  get newest() {
    return this.items.findLast(({ kind }) => kind === "message");
  }

  /** Lets go of the oldest. Gives whether there were too many. */
  trim(max) {
    const gone = this.items.splice(0, Math.max(0, this.items.length - max));
    for (const { key } of gone) this.#keys.delete(key);
    return gone.length > 0;
  }

  #take({ key }) {
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    return true;
  }
}

/** A text that nobody else draws; `crypto.randomUUID` is not there on pages without https. */
export function drawId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
