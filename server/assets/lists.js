// The lists beside the messages: rooms to go to, and people who are here.

import { linkTo } from "./address.js";
import { avatarOf, byId, count, make, setClass, setText, sync } from "./dom.js";

const byName = new Intl.Collator(undefined, { numeric: true }).compare;
const nameOf = ({ topic, name }) => name ?? topic;

/**
 * Rooms as they are listed: those that the server declares in its order, then the others by name, so
 * that each stays where it is whoever comes and goes.
 */
function inOrder(rooms, own) {
  const unlisted = own.filter(({ topic }) => rooms.every((room) => room.topic !== topic));
  const others = [...rooms.filter(({ declared }) => !declared), ...unlisted.map(({ topic }) => ({ topic }))];
  others.sort((a, b) => byName(nameOf(a), nameOf(b)) || (a.topic < b.topic ? -1 : 1));
  return [...rooms.filter(({ declared }) => declared), ...others];
}

/**
 * Shows rooms, `{topic, name, size, full, max_members, declared, people}`, with the one that is
 * `open`, and the `own` ones that the page is in. `leave(topic)` is told of one that somebody leaves.
 */
export function showRooms({ rooms, more }, { open, own, leave }) {
  const rows = inOrder(rooms, own).map((room) => ({
    key: room.topic,
    make: () => roomOf(room.topic, leave),
    update: (element) => tellRoom(element, room, { isOpen: room.topic === open, own: own.find(({ topic }) => topic === room.topic) }),
  }));
  const list = byId("room-list");
  const hadFocus = list.contains(document.activeElement);
  sync(list, rows);
  // The row of a room that is left may be gone.
  if (hadFocus && !list.contains(document.activeElement)) list.querySelector("[aria-current]")?.focus();
  const elsewhere = own.reduce((sum, { topic, unread }) => (topic === open ? sum : sum + unread), 0);
  byId("elsewhere").hidden = elsewhere === 0;
  setText(byId("elsewhere").firstElementChild, shortly(elsewhere));
  byId("rooms-more").hidden = more === 0;
  setText(byId("rooms-more"), `and ${count(more, "more room", "more rooms")}`);
}

/** As large a number as there is room for. */
const shortly = (number) => (number > 99 ? "99+" : String(number));

/** The link to the room before or after the one that is open, once they are listed. */
export function neighbour(step) {
  const links = [...byId("room-list").querySelectorAll("a")];
  const at = links.findIndex((link) => link.hasAttribute("aria-current"));
  return links[(at + step + links.length) % links.length]?.hash;
}

function roomOf(topic, leave) {
  const title = make("bdi", { class: "name" });
  const [size, unread] = ["size", "pill"].map((name) => make("span", { class: name, "aria-hidden": "true" }));
  const link = make("a", { href: linkTo(topic), title: topic }, title, size, unread, make("span", { class: "unseen" }));
  const button = make("button", { type: "button", class: "leave ghost" }, "×");
  button.addEventListener("click", () => {
    link.focus();
    leave(topic);
  });
  return make("li", {}, link, button);
}

/** Of the one that is open it is known how many `people` there are, of the others how many members. */
function tellRoom(element, { topic, name, size = 0, full, max_members: max, people }, { isOpen, own }) {
  const [link, button] = element.children;
  const [title, number, pill, words] = link.children;
  const unread = own?.unread ?? 0;
  setClass(element, [own && "own", unread > 0 && "unread"].filter(Boolean).join(" "));
  if (isOpen) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  setText(title, nameOf({ topic, name }));
  // A member is a device: who is here by two of them is counted twice.
  const isByDevice = full || people === undefined;
  const inWords = isByDevice ? count(size, "device", "devices") : count(people, "person", "people");
  setText(number, full ? `${size}/${max}` : size ? String(people ?? size) : "");
  number.title = inWords;
  number.hidden = unread > 0;
  pill.hidden = unread === 0;
  setText(pill, shortly(unread));
  const news = unread > 0 ? `, ${unread} unread` : "";
  setText(words, `${news}, ${inWords}${full ? ", full" : ""}`);
  button.hidden = !own || isOpen;
  const label = `Leave ${nameOf({ topic, name })}`;
  if (button.title === label) return;
  button.title = label;
  button.setAttribute("aria-label", label);
}

/** How many people are shown by name. */
const MAX = 200;

/** Shows people, `{user, devices, away, typing}`. */
export function showPeople(people, me) {
  const rows = people.slice(0, MAX).map((person) => ({
    key: person.user,
    make: () => personOf(person.user, me),
    // Who types knows it.
    update: (element) => tellPerson(element, person.user === me ? { ...person, typing: false } : person),
  }));
  sync(byId("people-list"), rows);
  setText(byId("people-title"), `Here${people.length > 0 ? ` · ${people.length}` : ""}`);
  setText(byId("people-count"), String(people.length));
  byId("people-more").hidden = people.length <= MAX;
  setText(byId("people-more"), `and ${people.length - MAX} more`);
  showTyping(people.filter(({ typing, user }) => typing && user !== me).map(({ user }) => user));
}

function personOf(user, me) {
  const name = make("span", { class: "name", title: user }, make("bdi", {}, user), ...(user === me ? [make("span", {}, " (you)")] : []));
  return make("li", {}, avatarOf(user), make("span", { class: "who" }, name, make("span", { class: "note" })));
}

function tellPerson(element, { devices, away, typing }) {
  setClass(element, [away && "away", typing && "typing"].filter(Boolean).join(" "));
  const notes = [typing ? "typing…" : away ? "away" : "", devices > 1 ? `${devices} devices` : ""];
  setText(element.querySelector(".note"), notes.filter(Boolean).join(", "));
}

function showTyping(users) {
  const line = byId("typing");
  const key = users.slice(0, 3).join("\n") + users.length;
  if (line.dataset.key === key) return;
  line.dataset.key = key;
  const names = users.slice(0, 2).flatMap((user, at) => [at > 0 ? " and " : "", make("bdi", {}, user)]);
  if (users.length > 2) line.replaceChildren(`${users.length} people are typing…`);
  else if (users.length > 0) line.replaceChildren(...names, users.length > 1 ? " are typing…" : " is typing…");
  else line.replaceChildren();
}
