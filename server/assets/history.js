// Pages back through a room's history from a position. New messages do not shift the pages, so
// none repeats or skips a message. Touches no DOM elements.

import { messageOf } from "./messages.js";
import { waitOf } from "./socket.js";

/** How many messages a page has. */
const PAGE = 50;
/** How many pages are asked for at once to close a gap, or until one is not empty. */
const PAGES = 40;
const EVENT = "message";
/** A longer wait that the server asks for is shown to the reader instead. */
const PATIENCE_MS = 5_000;

export class History {
  #ask;

  /** `ask(event, payload)` asks the room. */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * Messages before a position, or the newest: `{messages, more}`, newest first and at least one
   * unless there are none, and the position to go on before if there may be others.
   */
  async before(position) {
    let more = position;
    for (let page = 0; page < PAGES; page += 1) {
      const answer = await this.#page(more);
      if (answer.messages.length > 0 || !answer.more) return answer;
      more = answer.more;
    }
    return { messages: [], more };
  }

  /**
   * Messages after the one that has the key, newest first, and whether they are all. It is not
   * found if the server has let go of it or of so many after it that reading on would take too long.
   */
  async after(key) {
    const messages = [];
    let more;
    for (let page = 0; page < PAGES; page += 1) {
      const answer = await this.#page(more);
      const at = answer.messages.findIndex((message) => message.key === key);
      if (at >= 0) return { messages: [...messages, ...answer.messages.slice(0, at)], isAll: true };
      messages.push(...answer.messages);
      more = answer.more;
      if (!more) break;
    }
    return { messages, isAll: false };
  }

  /** Waits where the server is busy, and throws what it refuses. */
  async #page(before) {
    for (;;) {
      try {
        return read(await this.#ask("parlor:history", { event: EVENT, end: PAGE, ...(before && { before }) }), before);
      } catch (error) {
        if (error.reason !== "rate_limited" || waitOf(error) > PATIENCE_MS) throw error;
        await new Promise((resolve) => setTimeout(resolve, waitOf(error)));
      }
    }
  }
}

/** A page that is full goes on before its last message; one that is not says where, if anywhere. */
function read({ epoch, messages: told, more }, before) {
  const messages = told.map(({ payload, event: _, meta: __, ...place }) => messageOf(payload, { epoch, ...place }));
  const next = more ?? (messages.length >= PAGE ? messages.at(-1).place : undefined);
  const isStuck = messages.length === 0 && next?.epoch === before?.epoch && next?.offset === before?.offset;
  return { messages, more: isStuck ? undefined : next };
}
