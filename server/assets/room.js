// A room that the page is in: joined again whenever the line is back, with all that was missed or
// the word that something is missing. Knows no elements.

import { History } from "./history.js";
import { inTab } from "./keeping.js";
import { Messages, messageOf } from "./messages.js";
import { Outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { Lost, Refused, waitOf } from "./socket.js";

const EVENT = "message";
const REJOIN_MS = 1_000;
/** Catching up that takes longer is shown. */
const CATCHING_UP_MS = 1_000;
const MISSING = "Some messages are missing here.";
/** Names of what is no room: the connection itself answers there. */
const OWN_NAMES = ["parlor", "phoenix"];
/** Why messages are refused that nobody like this user may send here, whatever they say. */
const NOT_FOR_IT = ["event_not_allowed", "permission_denied"];

export class Room {
  #socket;
  #changed;
  #heard;
  #history = new History((event, payload) => this.#ask(event, payload));
  #joinRef;
  /** Whether the server has answered the join: what comes before that was said to an earlier one. */
  #isIn = false;
  /** Up to where all has been received. */
  #position;
  /** Whether the newest page was loaded, from which on all is held. */
  #isLoaded = false;
  /** Where earlier messages go on, if a page has said it: else before the oldest that is held. */
  #earlier;
  /** The last message before a gap that may not be closed yet, and the room as it was joined then. */
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
  /** Why earlier messages could not be loaded: `{reason, message}`. */
  whyNoOlder;
  /** Whether the room has been joined, and what was missed takes its time to come. */
  isCatchingUp = false;
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
    this.#isIn = false;
    this.whyNoOlder = undefined;
    this.#become("joining");
    const meta = this.meta;
    let joined;
    try {
      const payload = since ? { meta, since } : { meta };
      joined = await this.#socket.ask(joinRef, this.topic, "phx_join", payload, joinRef);
      if (joined.epoch === undefined) throw new Refused({ message: "there is no room of this name" });
      this.#isIn = true;
      const isAll = await this.#caughtUp(joined, since);
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

  /** Messages that came meanwhile may be past the position that the join was answered with. */
  #reached({ recovered: _, rejoined: __, name: ___, ...position }) {
    const at = this.#position;
    if (at?.epoch !== position.epoch || at.offset < position.offset) this.#position = position;
    this.#isLoaded = true;
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
    return first.offset === 1 && first.epoch === this.#position?.epoch ? "first" : "unkept";
  }

  /** The line is gone. */
  lost() {
    clearTimeout(this.#again);
    this.#out();
    if (this.state === "joining" || this.state === "joined") this.#become("waiting");
  }

  leave() {
    clearTimeout(this.#again);
    if (this.#joinRef) this.#socket.ask(this.#joinRef, this.topic, "phx_leave", {}).catch(() => {});
    this.#out();
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
    if (!this.#isIn || (joinRef !== null && joinRef !== this.#joinRef)) return;
    if (place) this.#position = place;
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

  /** Loads what was said before the oldest that is held; after it was refused, only if somebody asks for it. */
  async loadOlder({ isAsked = false } = {}) {
    const isHeldBack = this.whyNoOlder && !isAsked;
    if (this.isLoading || this.isWhole || isHeldBack || this.state !== "joined") return;
    await this.#load(() => this.#loadOlder());
  }

  /** Tries again to close a gap. */
  async closeGap() {
    if (this.isLoading || !this.#behind || this.state !== "joined") return;
    await this.#load(() => this.#closeGap());
  }

  async #load(act) {
    this.isLoading = true;
    this.#changed("messages");
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    } finally {
      this.isLoading = false;
      this.#changed("messages");
    }
  }

  /** Lets go of the oldest messages beyond `max`. */
  trim(max) {
    if (!this.messages.trim(max)) return;
    this.isWhole = false;
    this.#earlier = undefined;
  }

  /** Catches up, and has it shown if that takes long. Gives whether all that was missed is held. */
  async #caughtUp(joined, since) {
    const joinRef = this.#joinRef;
    const late = setTimeout(() => joinRef === this.#joinRef && this.#catchUpVisibly(true), CATCHING_UP_MS);
    try {
      return await this.#catchUp(joined, since);
    } finally {
      clearTimeout(late);
      this.isCatchingUp = false;
    }
  }

  #catchUpVisibly(isCatchingUp) {
    this.isCatchingUp = isCatchingUp;
    this.#changed("state");
  }

  /**
   * Sees to it that all that was said is held. Its last answer comes after all that was missed,
   * which the server sends again by itself as far as it can.
   */
  async #catchUp(joined, since) {
    if (!since) {
      await this.#loadOlder();
      this.#newsSince(this.readTo);
      return true;
    }
    if (joined.recovered && !this.#behind) {
      await this.#ask("parlor:history", { event: EVENT, end: 1 }).catch(ignoreRefusal);
      return true;
    }
    this.#behind ??= { anchor: this.messages.newest };
    this.#behind.anew ??= joined.epoch !== since.epoch ? joined : undefined;
    return this.#closeGap();
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
   * that was opened anew since, `{epoch, offset}` as it was joined, may have all that was said in it.
   */
  async #closeGap() {
    const { anchor, anew } = this.#behind;
    let told = { messages: [], isAll: false };
    let why;
    try {
      told = await this.#history.after(anchor?.key);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      why = { reason: error.reason, message: error.message };
    }
    const { messages, isAll } = told;
    const isFromStart = anew && !why && (anew.offset === 0 || messages.some(({ epoch, offset }) => epoch === anew.epoch && offset === 1));
    const gap = isAll ? undefined : { text: isFromStart ? this.#opened : MISSING, why };
    const news = this.messages.addMissed(anchor, messages, gap);
    if (!why) this.#behind = undefined;
    for (const message of news) {
      this.outbox.confirm(message);
      this.#heard(message);
    }
    return isAll;
  }

  /** What is said where a room begins anew: who saw it close has missed nothing. */
  get #opened() {
    return this.#sawClose ? "The room was closed here, and opened anew." : "The room was opened anew here. What was said shortly before may be missing.";
  }

  async #loadOlder() {
    try {
      const { messages, more } = await this.#history.before(this.#earlier ?? this.messages.oldest?.place);
      this.messages.addOlder(messages);
      for (const message of messages) this.outbox.confirm(message);
      this.#earlier = more;
      this.isWhole = !more;
      this.whyNoOlder = undefined;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.whyNoOlder = { reason: error.reason, message: error.message };
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

  #out() {
    this.#joinRef = undefined;
    this.#isIn = false;
    this.isCatchingUp = false;
  }

  #end(state, why) {
    this.#out();
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

function ignoreRefusal(error) {
  if (!(error instanceof Refused)) throw error;
}
