// A room that the page is in: joined again whenever the line is back, with all that was missed or
// the word that something is missing. Knows no elements.

import { inTab } from "./keeping.js";
import { Messages, messageOf } from "./messages.js";
import { Outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { Lost, Refused, waitOf } from "./socket.js";

/** How many messages a page of history has. */
const PAGE = 50;
/** How many pages are asked for to close a gap. */
const PAGES = 20;
const EVENT = "message";
const REJOIN_MS = 1_000;
const MISSING = "Some messages are missing here.";
/** Names of what is no room: the connection itself answers there. */
const OWN_NAMES = ["parlor", "phoenix"];
/** Why messages are refused that nobody like this user may send here, whatever they say. */
const NOT_FOR_IT = ["event_not_allowed", "permission_denied"];

export class Room {
  #socket;
  #changed;
  #heard;
  #joinRef;
  #position;
  /** Whether the newest page was loaded, from which on all is held. */
  #isLoaded = false;
  /** The last message before a gap that may not be closed yet. */
  #behind;
  /** Whether it was closed before this page's eyes, which had heard all until then. */
  #sawClose = false;
  #again;
  #draft;
  #draftPlace;
  topic;
  messages = new Messages();
  presence = new Presence();
  /** What was written here and has not come back. */
  outbox;
  /** Whether the server has refused a message because of who has sent it. */
  isSilenced;
  /** "waiting", "joining", "joined", "refused" or "closed". */
  state = "waiting";
  /** Why it is refused or closed: `{reason, message}`. */
  why;
  /** Whether there is nothing earlier to be had. */
  isWhole = false;
  isLoading = false;
  meta = { away: false, typing: 0 };
  /** How many messages of others have not been seen, and the key of the first of them. */
  unread = 0;
  mark;
  /** The time of the last message that was seen; what an earlier page has seen is not news. */
  readTo;

  /** `changed(what)` is told of "messages", "people" and "state", `heard(message)` of each that is new. */
  constructor(socket, { topic, user, readTo }, { changed, heard }) {
    Object.assign(this, { topic, user, readTo });
    this.#socket = socket;
    this.#changed = changed;
    this.#heard = heard;
    // Somebody else in this tab has written something else.
    const mine = JSON.stringify([user, topic]);
    this.#draftPlace = `parlor.draft:${mine}`;
    this.#draft = inTab.text(this.#draftPlace);
    this.outbox = new Outbox({ place: `parlor.outbox:${mine}`, user }, {
      isOpen: () => this.state === "joined",
      send: (payload) => this.#ask(EVENT, payload),
      answered: (why) => this.#answered(why),
      changed: () => changed("messages"),
    });
    this.isSilenced = this.outbox.items.some(({ why }) => NOT_FOR_IT.includes(why?.reason));
  }

  /** What was written and not sent. */
  get draft() {
    return this.#draft;
  }

  set draft(text) {
    this.#draft = text;
    inTab.keep(this.#draftPlace, text);
  }

  /** The line is there: joins, as one that comes back if it was there before. */
  async join() {
    clearTimeout(this.#again);
    if (OWN_NAMES.includes(this.topic)) {
      this.#end("refused", { reason: "own name" });
      return;
    }
    const since = this.#isLoaded ? this.#position : undefined;
    const joinRef = this.#socket.ref();
    this.#joinRef = joinRef;
    this.#become("joining");
    const meta = this.meta;
    let joined;
    try {
      const payload = since ? { meta, since } : { meta };
      joined = await this.#socket.ask(joinRef, this.topic, "phx_join", payload, joinRef);
      if (joined.epoch === undefined) throw new Refused({ message: "there is no room of this name" });
      const isAll = await this.#catchUp(joined, since);
      if (joinRef !== this.#joinRef) return;
      this.#reached(joined);
      this.outbox.settle(isAll);
    } catch (error) {
      if (joinRef !== this.#joinRef) return;
      if (error instanceof Lost) return;
      if (!(error instanceof Refused)) throw error;
      this.#end("refused", { reason: error.reason, message: error.message });
      return;
    }
    this.#become("joined");
    // What a rejoin says of itself holds only if it is news; what is tracked always does.
    if (joined.rejoined || meta !== this.meta) this.#track();
    this.outbox.pump();
  }

  #reached({ epoch, offset }) {
    const at = this.#position;
    if (at?.epoch !== epoch || at.offset < offset) this.#position = { epoch, offset };
    this.#isLoaded = true;
    this.#behind = undefined;
    this.#sawClose = false;
  }

  /** Whether it was put out or not let in. */
  get isOut() {
    return this.state === "refused" || this.state === "closed";
  }

  /**
   * Where what is held begins, if there is nothing earlier to be had: "new" in a room in which
   * nothing was said, "first" at its first message, "unkept" where there may have been others.
   */
  get begins() {
    const first = this.messages.items[0];
    if (!first) return this.#position?.offset > 0 ? "unkept" : "new";
    const isOfNow = (first.epoch ?? this.#position?.epoch) === this.#position?.epoch;
    return first.offset === 1 && isOfNow ? "first" : "unkept";
  }

  /** The line is gone. */
  lost() {
    clearTimeout(this.#again);
    this.#joinRef = undefined;
    if (this.state === "joining" || this.state === "joined") this.#become("waiting");
  }

  leave() {
    clearTimeout(this.#again);
    if (this.#joinRef) this.#socket.ask(this.#joinRef, this.topic, "phx_leave", {}).catch(() => {});
    this.#joinRef = undefined;
    this.state = "waiting";
  }

  /** Says what the page shows of itself: whether its user is `away` or `typing`, or it is `closed`. */
  show(changes) {
    const { away, typing, closed } = { ...this.meta, ...changes };
    if (away === this.meta.away && typing === this.meta.typing && closed === this.meta.closed) return;
    this.meta = { away, typing, ...(closed && { closed }) };
    if (this.state === "joined") this.#track();
  }

  #track() {
    const { meta } = this;
    this.#ask("parlor:track", { meta }).catch((error) => {
      // A room without presence refuses it, and nothing is lost by that.
      if (error.reason !== "rate_limited") return;
      setTimeout(() => meta === this.meta && this.state === "joined" && this.#track(), waitOf(error));
    });
  }

  /** What somebody may do is known by what was refused, until something is taken after all. */
  #answered(why) {
    this.#silence(why ? this.isSilenced || NOT_FOR_IT.includes(why.reason) : false);
  }

  /** Somebody wants to see whether it is still so that nothing is taken. */
  tryAgain() {
    this.#silence(false);
  }

  #silence(isSilenced) {
    if (isSilenced === this.isSilenced) return;
    this.isSilenced = isSilenced;
    this.#changed("state");
  }

  /** Takes a frame of the topic that nobody has asked for. */
  receive([joinRef, , , event, payload, place]) {
    if (!this.#joinRef || (joinRef !== null && joinRef !== this.#joinRef)) return;
    if (place) this.#position = { epoch: place.epoch, offset: place.offset };
    if (event === EVENT && place) this.#take(messageOf(payload, place));
    else if (event === "presence_state") this.#see(() => this.presence.set(payload));
    else if (event === "presence_diff") this.#see(() => this.presence.change(payload));
    else if (event === "phx_close") this.#closed(payload);
    else if (event === "phx_error") this.#joinSoon();
  }

  #closed(why) {
    this.#sawClose = this.state === "joined" && why.reason !== "kicked";
    this.#end("closed", why);
  }

  /** Loads what was said before the oldest that is held. */
  async loadOlder() {
    if (this.isLoading || this.isWhole || this.state !== "joined") return;
    this.isLoading = true;
    this.#changed("messages");
    try {
      await this.#loadOlder();
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    } finally {
      this.isLoading = false;
      this.#changed("messages");
    }
  }

  /** Lets go of the oldest messages beyond `max`. */
  trim(max) {
    if (this.messages.trim(max)) this.isWhole = this.messages.unbroken < this.messages.items.length;
  }

  /**
   * Sees to it that all that was said is held. Its last answer comes after all that was missed,
   * which the server sends again by itself as far as it can.
   */
  async #catchUp(joined, since) {
    let isAll = true;
    if (!since) {
      await this.#loadOlder();
      this.#newsSince(this.readTo);
    } else if (joined.recovered && !this.#behind) {
      await this.#page(0, 1);
    } else {
      this.#behind ??= { anchor: this.messages.newest };
      isAll = await this.#closeGap(this.#behind.anchor, joined.epoch > since.epoch ? joined : undefined);
    }
    return isAll;
  }

  /** Tells what was said since the page that was there before this one was read. */
  #newsSince(readTo) {
    if (readTo === undefined) return;
    for (const message of this.messages.items) {
      if (message.time > readTo) this.#heard(message);
    }
  }

  /**
   * Asks for pages until one has the last message that is held. Gives whether there was one. A room
   * that was opened anew since, `{offset}` as it was joined, may have all that was said in it.
   */
  async #closeGap(anchor, anew) {
    const missed = new Map();
    let isClosed = false;
    for (let page = 0; page < PAGES && !isClosed; page += 1) {
      const messages = await this.#page(page * PAGE, (page + 1) * PAGE);
      const at = messages.findIndex(({ key }) => key === anchor?.key);
      isClosed = at >= 0;
      for (const message of isClosed ? messages.slice(0, at) : messages) missed.set(message.key, message);
      if (messages.length < PAGE) break;
    }
    const isFromStart = anew && (anew.offset === 0 || [...missed.values()].some(({ epoch, offset }) => epoch === undefined && offset === 1));
    const gap = isClosed ? undefined : isFromStart ? this.#opened : MISSING;
    const news = this.messages.addMissed(anchor, [...missed.values()], gap);
    if (!isClosed) this.isWhole = true;
    for (const message of news) {
      this.outbox.confirm(message);
      this.#heard(message);
    }
    return isClosed;
  }

  /** What is said where a room begins anew: who saw it close has missed nothing. */
  get #opened() {
    return this.#sawClose ? "The room was closed here, and opened anew." : "The room was opened anew here. What was said shortly before may be missing.";
  }

  async #loadOlder() {
    const start = this.messages.unbroken;
    const messages = await this.#page(start, start + PAGE);
    this.messages.addOlder(messages);
    for (const message of messages) this.outbox.confirm(message);
    this.isWhole = messages.length < PAGE;
  }

  /**
   * A page of history, newest first. What is said meanwhile moves it, so it may have some that are
   * held, but it leaves none out.
   */
  async #page(start, end) {
    for (;;) {
      try {
        const { messages } = await this.#ask("parlor:history", { event: EVENT, start, end });
        return messages.map((message) => messageOf(message.payload, message));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (error.reason !== "rate_limited") return [];
        await new Promise((resolve) => setTimeout(resolve, waitOf(error)));
      }
    }
  }

  #take(message) {
    if (!this.messages.add(message)) return;
    this.outbox.confirm(message);
    this.#heard(message);
    this.#changed("messages");
  }

  /** Where it is not in the room yet, or no more, no answer could be of use. */
  async #ask(event, payload) {
    if (!this.#joinRef) throw new Lost("not in the room");
    return this.#socket.ask(this.#joinRef, this.topic, event, payload);
  }

  #see(change) {
    change();
    this.#changed("people");
  }

  #joinSoon() {
    this.lost();
    this.#again = setTimeout(() => this.join(), REJOIN_MS);
  }

  #end(state, why) {
    this.#joinRef = undefined;
    this.why = why;
    this.presence.clear();
    this.#become(state);
    this.#changed("people");
  }

  #become(state) {
    this.state = state;
    this.#changed("state");
  }
}
