// The list of messages: what is shown of a room, where it is scrolled to, and what is asked for.

import { announce, avatarOf, byId, count, make, setClass, setText, sync } from "./dom.js";
import { withLinks } from "./links.js";
import { Soonest } from "./soonest.js";
import { whyNot } from "./words.js";

/** How many messages are kept: at the end, and for who reads what was said long ago. */
const MAX = 400;
const MAX_READING = 4_000;
const NEAR_PX = 80;
/** While much comes at once, making it visible one by one would take longer than it takes to come. */
const MEANWHILE_MS = 250;
const TOGETHER_MS = 300_000;
/** What stands above all messages, if there are none and if there are. */
const BEGINNINGS = {
  empty: { new: "Nothing was said here yet.", unkept: "Earlier messages are not kept here." },
  full: { new: "This is the beginning.", first: "This is the beginning.", unkept: "Nothing earlier is kept." },
};

const INVITATION = " Say something, or copy the link for others.";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export class Log {
  #seen;
  #room;
  #log = byId("log");
  #list = byId("messages");
  #earlier = byId("earlier");
  #newest = byId("newest");
  #isAtEnd = true;
  #news = 0;
  #rendering = new Soonest(() => this.render());
  #first;
  /** What was said last of earlier messages that can't be loaded. */
  #told;
  /** Whether somebody who finds nothing is asked to say something. */
  #invites = false;

  /** `seen()` is told when the newest message is in sight. */
  constructor(seen) {
    this.#seen = seen;
    this.#earlier.addEventListener("click", () => this.#room?.loadOlder({ isAsked: true }));
    this.#newest.addEventListener("click", () => {
      this.#log.focus({ preventScroll: true });
      this.toEnd();
    });
    this.#log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#isAtEnd && this.#stick()).observe(this.#log);
  }

  get isAtEnd() {
    return this.#isAtEnd;
  }

  set invites(invites) {
    if (invites === this.#invites) return;
    this.#invites = invites;
    this.changed();
  }

  show(room) {
    this.#room = room;
    this.#first = undefined;
    this.#isAtEnd = true;
    this.#news = 0;
    // Messages of two rooms can have the same keys.
    sync(this.#list, []);
    this.render();
    this.#toNews(room);
  }

  /** Goes to where what was not seen begins, if that is not in sight from the end. */
  #toNews({ unread }) {
    const line = this.#list.querySelector(".news");
    const above = line ? this.#log.getBoundingClientRect().top - line.getBoundingClientRect().top : 0;
    if (unread === 0 || above <= 0) return;
    this.#isAtEnd = false;
    this.#news = unread;
    this.#log.scrollTop -= above + NEAR_PX;
    this.render();
  }

  /** A message has come, which is no news to who has sent it. */
  heard({ from }) {
    if (!this.#isAtEnd && from !== this.#room.user) this.#news += 1;
  }

  toEnd() {
    this.#isAtEnd = true;
    this.#news = 0;
    this.#stick();
    this.#seen();
    // A reader who acts sees it at once, also while much comes.
    this.#rendering.in(0);
  }

  /** Shows what has changed, however much at once. */
  changed() {
    this.#rendering.in(this.#room?.state === "joining" ? MEANWHILE_MS : 0);
  }

  render() {
    const room = this.#room;
    if (!room) return;
    room.trim(this.#isAtEnd ? MAX : MAX_READING);
    const rows = rowsOf(room);
    this.#log.setAttribute("aria-live", room.isLoading || this.#hasOlder(room.messages.items) ? "off" : "polite");
    const anchor = this.#isAtEnd ? undefined : this.#inSight();
    const top = anchor?.getBoundingClientRect().top;
    const hadFocus = this.#log.contains(document.activeElement);
    sync(this.#list, rows);
    this.#frame(room);
    // What somebody has pressed may be gone by that.
    const focused = document.activeElement;
    if (hadFocus && (focused === document.body || !focused.checkVisibility())) this.#log.focus({ preventScroll: true });
    if (this.#isAtEnd) this.#stick();
    else if (anchor?.isConnected) this.#log.scrollTop += anchor.getBoundingClientRect().top - top;
    if (this.#log.scrollHeight <= this.#log.clientHeight) room.loadOlder();
  }

  /** Whether there is now what was said before, which is no news that is to be read out. */
  #hasOlder(messages) {
    const earlier = this.#first;
    this.#first = messages[0]?.key;
    if (this.#first === earlier) return false;
    // What was the first may have been let go of.
    return earlier === undefined ? messages.length > 1 : messages.some(({ key }) => key === earlier);
  }

  #frame(room) {
    const hasMore = !room.isWhole && room.messages.items.length < MAX_READING;
    const isJoined = room.state === "joined";
    this.#earlier.hidden = !hasMore || !(isJoined || room.messages.items.length > 0);
    this.#earlier.setAttribute("aria-disabled", String(room.isLoading || !isJoined));
    const why = room.isLoading ? undefined : room.whyNoOlder;
    setText(this.#earlier, room.isLoading ? "Loading…" : why ? "Try again" : "Earlier messages");
    const isEmpty = room.messages.items.length === 0 && room.outbox.items.length === 0;
    const beginning = byId("beginning");
    beginning.hidden = (hasMore && !why) || !isJoined;
    setClass(beginning.parentElement, isEmpty && !why ? "earlier empty" : "earlier");
    const words = BEGINNINGS[isEmpty ? "empty" : "full"][room.begins];
    const invitation = isEmpty && room.begins === "new" && this.#invites ? INVITATION : "";
    const more = why ? `Earlier messages can't be loaded: ${whyNot("read", why)}.` : "More can't be shown at once.";
    setText(beginning, room.isWhole ? `${words}${invitation}` : more);
    if (why && why !== this.#told) announce(more);
    this.#told = why;
    this.#newest.hidden = this.#isAtEnd;
    setText(this.#newest, this.#news > 0 ? `↓ ${count(this.#news, "new message", "new messages")}` : "↓ Newest");
  }

  #stick() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (isAtEnd !== this.#isAtEnd) {
      this.#isAtEnd = isAtEnd;
      if (isAtEnd) {
        this.#news = 0;
        this.#seen();
      }
      this.changed();
    }
    if (scrollTop < NEAR_PX && !isAtEnd) this.#room?.loadOlder();
  }

  /** The first message that can be seen, which is to stay where it is. */
  #inSight() {
    const { top } = this.#log.getBoundingClientRect();
    const rows = this.#list.children;
    let [from, to] = [0, rows.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (rows[middle].getBoundingClientRect().bottom > top) to = middle;
      else from = middle + 1;
    }
    // The line of a day goes up with what was said before on that day.
    while (rows[from] && !rows[from].classList.contains("message")) from += 1;
    return rows[from];
  }
}

function rowsOf(room) {
  const rows = [];
  let previous;
  const put = (item, row) => {
    if (room.mark !== undefined && item.key === room.mark) {
      rows.push({ key: `news:${room.mark}`, make: () => make("li", { class: "news" }, "New") });
      previous = previous && { ...previous, from: undefined };
    }
    const date = new Date(item.time).toDateString();
    if (date !== previous?.date) rows.push({ key: `day:${date}`, make: () => dayOf(item.time) });
    const isTogether = previous?.date === date && previous.from === item.from && item.time - previous.time < TOGETHER_MS;
    rows.push(row(isTogether ? " follows" : ""));
    previous = { date, from: item.from, time: item.time };
  };
  for (const item of room.messages.items) {
    if (item.kind === "gap") {
      rows.push({ key: item.key, make: () => make("li", { class: "gap" }), update: (element) => tellGap(element, item, room) });
      previous = undefined;
      continue;
    }
    const own = item.from === room.user ? " own" : "";
    put(item, (follows) => ({
      key: item.key,
      make: () => messageOf(item),
      update: (element) => setClass(element, `message${own}${follows}`),
    }));
  }
  for (const sent of room.outbox.items) {
    put({ ...sent, from: room.user }, (follows) => ({
      key: `sent:${sent.id}`,
      make: () => sentOf(room, sent),
      update: (element) => tell(element, sent, follows),
    }));
  }
  return rows;
}

function dayOf(time) {
  return make("li", { class: "day" }, day.format(time));
}

/** What is missing, and a button to try again where the server may have it. */
function tellGap(element, { text, why }, room) {
  const words = why ? `${text} They can't be loaded: ${whyNot("read", why)}.` : text;
  if (!element.firstChild) element.append(make("span"));
  const [shown, button] = element.children;
  setText(shown, words);
  if (!why) {
    button?.remove();
    return;
  }
  const retry = button ?? make("button", { type: "button", class: "ghost" }, "Try again");
  if (!button) {
    retry.addEventListener("click", () => room.closeGap());
    element.append(retry);
  }
  retry.setAttribute("aria-disabled", String(room.isLoading));
}

function messageOf({ from, time, text }) {
  const date = new Date(time);
  const stamp = make("time", { dateTime: date.toISOString(), title: whole.format(date) }, clock.format(date));
  const head = make("p", { class: "head" }, make("bdi", { class: "from" }, from), " ", stamp);
  return make("li", {}, avatarOf(from), head, make("p", { class: "text", dir: "auto" }, ...withLinks(text)));
}

/** A message of this page that has not come back yet, and what can be done about it. */
function sentOf(room, sent) {
  const element = messageOf({ from: room.user, time: sent.time, text: sent.text });
  const retry = make("button", { type: "button", class: "ghost" }, "Send again");
  const discard = make("button", { type: "button", class: "ghost" }, "Discard");
  retry.addEventListener("click", () => room.outbox.retry(sent));
  discard.addEventListener("click", () => room.outbox.discard(sent));
  element.append(make("div", { class: "fate" }, make("span"), retry, discard));
  return element;
}

function tell(element, sent, follows) {
  const isFailed = sent.state === "failed";
  setClass(element, `message own unsent${isFailed ? " failed" : ""}${follows}`);
  const [words, retry, discard] = element.querySelector(".fate").children;
  setText(words, isFailed ? `Not sent: ${whyNot("say", sent.why)}.` : sent.state === "waiting" ? "Waiting to be sent" : "Sending…");
  retry.hidden = !isFailed;
  discard.hidden = !isFailed;
}
