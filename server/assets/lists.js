// The lists beside the messages: rooms to go to, and people who are here.

import { avatarOf, byId, count, make, setClass, setText, sync } from "./dom.js";

/** The link to a room, as it stands in the address. */
export const linkTo = (topic) => `#${encodeURIComponent(topic).replaceAll("%3A", ":").replaceAll("%2F", "/")}`;

/** Shows rooms, `{topic, name, description, size, full}`, with the one that the page is in. */
export function showRooms({ rooms, more }, current) {
  const isListed = rooms.some(({ topic }) => topic === current);
  const all = isListed || current === undefined ? rooms : [{ topic: current, size: undefined }, ...rooms];
  sync(
    byId("room-list"),
    all.map((room) => ({ key: room.topic, make: roomOf, update: (element) => tellRoom(element, room, room.topic === current) })),
  );
  const options = rooms.map(({ topic }) => ({ key: topic, make: () => make("option", { value: topic }) }));
  sync(byId("room-names"), options);
  byId("rooms-more").hidden = more === 0;
  setText(byId("rooms-more"), `and ${count(more, "smaller room", "smaller rooms")}`);
}

function roomOf() {
  const size = make("span", { class: "size" });
  return make("li", {}, make("a", {}, make("bdi", { class: "name" }), size, make("span", { class: "unseen" })));
}

function tellRoom(element, { topic, name, size, full, max_members: max }, isCurrent) {
  const link = element.firstElementChild;
  const [title, number, words] = link.children;
  if (link.getAttribute("href") !== linkTo(topic)) link.setAttribute("href", linkTo(topic));
  if (isCurrent) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  setText(title, name ?? topic);
  if (link.title !== topic) link.title = topic;
  number.setAttribute("aria-hidden", "true");
  setText(number, full ? `${size}/${max}` : size ? String(size) : "");
  setText(words, `, ${count(size ?? 0, "person", "people")}${full ? ", full" : ""}`);
}

/** How many people are shown by name. */
const MAX = 200;

/** Shows people, `{user, devices, away, typing}`. */
export function showPeople(people, me) {
  const rows = people.slice(0, MAX).map((person) => ({
    key: person.user,
    make: () => personOf(person.user, me),
    update: (element) => tellPerson(element, person),
  }));
  sync(byId("people-list"), rows);
  setText(byId("people-title"), `Here${people.length > 0 ? ` · ${people.length}` : ""}`);
  setText(byId("people-count"), String(people.length));
  byId("people-more").hidden = people.length <= MAX;
  setText(byId("people-more"), `and ${people.length - MAX} more`);
  showTyping(people.filter(({ typing, user }) => typing && user !== me).map(({ user }) => user));
}

function personOf(user, me) {
  const name = make("span", { class: "name", title: user }, make("bdi", {}, user), user === me ? " (you)" : "");
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
