// The rooms that the window is in: the one that is open, and those that were, in which it stays so
// that what is said there is counted. Knows no elements.

import { inTab } from "./keeping.js";
import { Room } from "./room.js";

/** In how many rooms a window stays; past that it leaves the one that was open longest ago. */
const MAX = 8;
/** How many messages are kept of a room that is not open. */
const KEPT = 400;
const PLACE = "parlor.rooms";

export class Rooms {
  #socket;
  #on;
  /** By topic; the one that was opened last is the last. */
  #all = new Map();
  /** The one that is shown. */
  open;

  /** `on.changed(room, what)` and `on.heard(room, message)` are told what rooms tell. */
  constructor(socket, on) {
    this.#socket = socket;
    this.#on = on;
  }

  /** All of them, with the open one first. */
  get all() {
    return [...this.#all.values()].reverse();
  }

  get unread() {
    return this.all.reduce((sum, { unread }) => sum + unread, 0);
  }

  /** Opens a room. In the one that was open until then it stays, unless it is out of that. */
  go(topic, user) {
    const before = this.open;
    before?.show({ away: true, typing: 0 });
    if (before?.unread === 0) before.mark = undefined;
    if (before?.isOut) this.#all.delete(before.topic);
    const room = this.#all.get(topic) ?? this.#make(topic, user);
    this.#all.delete(topic);
    this.#all.set(topic, room);
    this.open = room;
    for (const { topic: oldest } of [...this.#all.values()].slice(0, -MAX)) this.leave(oldest);
    this.keep();
    return room;
  }

  /** Leaves one that is not open. */
  leave(topic) {
    this.#all.get(topic)?.leave();
    this.#all.delete(topic);
    this.keep();
  }

  leaveAll() {
    for (const room of this.all) room.leave();
    this.forget();
  }

  forget() {
    for (const room of this.all) room.lost();
    this.#all.clear();
    this.open = undefined;
    this.keep();
  }

  /** Says in all of them what the page shows of itself. */
  show(meta) {
    for (const room of this.all) room.show(meta);
  }

  /** The line is there: whoever was put out comes back when it wants to, not by itself. */
  join() {
    for (const room of this.all) {
      if (room.state === "waiting" || room.state === "joining") room.join();
    }
  }

  lost() {
    for (const room of this.all) room.lost();
  }

  receive(frame) {
    this.#all.get(frame[2])?.receive(frame);
  }

  /** A message has come that nobody has seen, unless it is the user's own. */
  count(room, message) {
    if (message.from === room.user) return;
    if (room.unread === 0) room.mark = message.key;
    room.unread += 1;
  }

  /** All that is held of the open room was seen. */
  read() {
    if (!this.open) return;
    this.open.unread = 0;
    this.open.readTo = this.open.messages.newest?.time ?? this.open.readTo;
  }

  /** Writes down for a page that is loaded anew which rooms it was in, and up to when it has read. */
  keep() {
    const rooms = [...this.#all.values()].map(({ topic, readTo }) => ({ topic, readTo }));
    inTab.keepValue(PLACE, this.open && { user: this.open.user, rooms });
  }

  /** Goes back into the rooms that the page was in before it was loaded anew, as the same user. */
  restore(user) {
    const { user: earlier, rooms } = inTab.value(PLACE, {});
    if (earlier !== user) return;
    for (const { topic, readTo } of rooms) this.#make(topic, user, readTo);
  }

  #make(topic, user, readTo) {
    const room = new Room(this.#socket, { topic, user, readTo }, {
      changed: (what) => {
        // Who is not let in any more has nothing to wait for there; who is put out is to see it.
        if (room !== this.open && room.state === "refused") this.leave(topic);
        this.#on.changed(room, what);
      },
      heard: (message) => {
        if (room !== this.open) room.trim(KEPT);
        this.#on.heard(room, message);
      },
    });
    room.meta = { away: true, typing: 0 };
    this.#all.set(topic, room);
    return room;
  }
}
