// What was written in a room and has not come back: sent in its order, again where nobody can have
// it yet, and kept for a page that is loaded anew. Knows no elements, and nothing else of the room.

import { inTab } from "./keeping.js";
import { drawId } from "./messages.js";
import { Lost, waitOf } from "./socket.js";

/** For how long the newest page surely has what was sent. */
const KNOWN_MS = 300_000;
/** How often a message is sent of which no answer comes. */
const TRIES = 3;

export class Outbox {
  #place;
  #user;
  #on;
  #isPlain = false;
  #isPumping = false;
  /** `{id, text, time, state, why, isUnsure, tries}`, "waiting", "sending", "sent" or "failed". */
  items;

  /**
   * What is kept is kept at `place`, and what `user` has said is its own. `on.isOpen()` tells
   * whether anything can be sent, `on.send(payload)` sends it and gives its place, `on.answered(why)`
   * hears what the server thinks of it, which is nothing if it was taken, and `on.changed()` that
   * there is something to show.
   */
  constructor({ place, user }, on) {
    this.#place = place;
    this.#user = user;
    this.#on = on;
    this.items = inTab.value(place, []).map((item) => ({ ...item, state: item.why ? "failed" : "waiting" }));
  }

  /** Sends a message, at once or when it can be. */
  add(text) {
    this.items.push({ id: drawId(), text, state: "waiting", time: Date.now() });
    this.#keep();
    this.pump();
  }

  retry(item) {
    Object.assign(item, { state: "waiting", why: undefined, isUnsure: false, tries: 0 });
    this.#keep();
    this.pump();
  }

  discard(item) {
    this.items = this.items.filter((other) => other !== item);
    this.#keep();
    this.#on.changed();
  }

  /** A message has come back that may be one of these. */
  confirm({ id, offset, text, from }) {
    const is = (sent) =>
      sent.id === id || (id === undefined && (sent.offset === offset || (sent.isUnsure && sent.text === text && from === this.#user)));
    const sent = this.items.find(is);
    if (sent) this.discard(sent);
  }

  /**
   * All that came back has: what was neither answered nor heard is sent again, unless nobody knows
   * whether that `isAll`.
   */
  settle(isAll) {
    this.items = this.items.filter(({ state }) => state !== "sent");
    for (const item of this.items.filter(({ isUnsure }) => isUnsure)) {
      const isSure = isAll && Date.now() - item.time < KNOWN_MS;
      // The server may end connections for it.
      const isTooOften = item.tries >= TRIES;
      if (!isSure || isTooOften) Object.assign(item, { state: "failed", why: { reason: "lost" } });
      item.isUnsure = false;
    }
    this.#keep();
  }

  /** Sends what waits, one after the other, so that the order stays. */
  async pump() {
    this.#on.changed();
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (;;) {
      const next = this.items.find(({ state }) => state === "waiting");
      if (!next || !this.#on.isOpen()) break;
      await this.#transmit(next);
    }
    this.#isPumping = false;
  }

  async #transmit(item) {
    Object.assign(item, { state: "sending", isUnsure: true, tries: (item.tries ?? 0) + 1 });
    this.#keep();
    const { id, text } = item;
    try {
      const { offset } = await this.#on.send(this.#isPlain ? { text } : { text, id });
      Object.assign(item, { state: "sent", offset, isUnsure: false });
      this.#on.answered(undefined);
    } catch (error) {
      if (error instanceof Lost) {
        item.state = "waiting";
      } else if (error.reason === "validation_failed" && !this.#isPlain) {
        // A room that takes nothing but a text.
        this.#isPlain = true;
        Object.assign(item, { state: "waiting", isUnsure: false });
      } else if (error.reason === "rate_limited") {
        Object.assign(item, { state: "waiting", isUnsure: false });
        await new Promise((resolve) => setTimeout(resolve, waitOf(error)));
      } else {
        const why = { reason: error.reason, message: error.message };
        Object.assign(item, { state: "failed", why, isUnsure: false });
        this.#on.answered(why);
      }
    }
    this.#keep();
    this.#on.changed();
  }

  /** What the server has taken is not sent again, nor by itself what has failed. */
  #keep() {
    const own = this.items.filter(({ state }) => state !== "sent");
    const items = own.map(({ id, text, time, why, isUnsure, tries }) => ({ id, text, time, why, isUnsure, tries }));
    inTab.keepValue(this.#place, items.length > 0 ? items : undefined);
  }
}
