// The page: who comes in, which room it is in, and how that is with the line.

import { Composer } from "./composer.js";
import { byId, dress, make, setText } from "./dom.js";
import { drawers } from "./drawers.js";
import { linkTo, neighbour, showPeople, showRooms } from "./lists.js";
import { Log } from "./log.js";
import { Rooms } from "./rooms.js";
import { Server } from "./server.js";
import { Socket } from "./socket.js";
import { standing, troubleOf } from "./standing.js";

const LOOK_MS = 10_000;
const LIST_MS = 1_100;
const HIDDEN_MS = 1_000;
const IDLE_MS = 300_000;
const PEOPLE_MS = 30;
const FIRST_ROOM = "lobby";

const server = new Server();
const socket = new Socket(() => server.address(), { state: lineChanged, frame: heard, unopened });
const log = new Log(() => read());
const composer = new Composer((text) => say(text), (typing) => room?.show({ typing }));
const rooms = new Rooms(socket, { changed, heard: news });
/** The one that is open. */
let room;
let wasOpen = false;
let lookAgain;
let lookAt = Infinity;
let peopleAgain;
let peopleAt = Infinity;
let idleAt;
let hiddenAt;

// ------------------------------------------------------------------------------------ coming in

/** The room that the address names; a token in it is taken out, so that no link has it. */
function addressed() {
  const parts = location.hash.slice(1).split("&");
  const token = parts.find((part) => part.startsWith("token="));
  const topic = decoded(parts.find((part) => !part.startsWith("token=")) ?? "");
  if (token) {
    server.setToken(decoded(token.slice("token=".length)));
    history.replaceState(null, "", topic ? linkTo(topic) : location.pathname);
  }
  return topic;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function start() {
  const topic = addressed();
  const { outcome, why } = await server.look();
  if (outcome === "out") welcome(why);
  else if (topic && (server.needsToken || server.name)) enter(topic);
  else welcome();
}

/** Asks who it is, and where to. */
function welcome(why, topic = addressed()) {
  byId("app").hidden = true;
  byId("welcome").hidden = false;
  document.title = "parlor";
  byId("name-field").hidden = server.needsToken;
  byId("token-field").hidden = !server.needsToken;
  byId("name").value = server.name;
  byId("room").value = topic || FIRST_ROOM;
  showRooms(server.rooms);
  complain(why);
  byId(server.needsToken ? "token" : "name").focus();
}

function complain(why) {
  byId("enter-error").hidden = !why;
  setText(byId("enter-error"), why ?? "");
}

async function knock(event) {
  event.preventDefault();
  const [name, token, topic] = ["name", "token", "room"].map((id) => byId(id).value.trim());
  if (server.needsToken && token) server.setToken(token);
  if (!server.needsToken && !name) {
    complain("Please say who you are.");
    byId("name").focus();
    return;
  }
  if (!server.needsToken) server.setName(name);
  const { outcome, why } = await server.look();
  if (outcome === "out") {
    welcome(why ?? "A token is needed here.");
    return;
  }
  byId("token").value = "";
  if (outcome === "away") complain("The server does not answer. Please try again.");
  else if (addressed() === topic) enter(topic);
  else location.hash = linkTo(topic || FIRST_ROOM);
}

/** Goes into a room, out of the one that it was in. */
function enter(topic) {
  if (room?.topic === topic) return;
  const user = server.user ?? server.name;
  if (room) room.draft = composer.take();
  else rooms.restore(user);
  byId("welcome").hidden = true;
  byId("app").hidden = false;
  room = rooms.go(topic, user);
  room.show({ away: document.visibilityState === "hidden" });
  composer.put(room.draft);
  dress(byId("me-avatar"), room.user);
  setText(byId("me-name"), room.user);
  drawers.close();
  log.show(room);
  read();
  describe();
  changed(room, "people");
  changed(room, "state");
  setText(byId("said"), `Room ${topic}`);
  composer.focus();
  stir();
  if (socket.state === "open") {
    if (room.state === "waiting" || room.state === "refused") room.join();
  } else if (socket.state !== "connecting") socket.open();
  look();
}

function leave() {
  const { topic } = room;
  composer.take();
  rooms.leaveAll();
  room = undefined;
  socket.close();
  wasOpen = false;
  history.pushState(null, "", location.pathname);
  welcome(undefined, topic);
}

/** Leaves a room that is not open. */
function leaveOther(topic) {
  rooms.leave(topic);
  tally();
  lookIn(LIST_MS);
}

function addressChanged() {
  const topic = addressed();
  if (topic && (server.needsToken ? server.user : server.name)) enter(topic);
  else if (room) leave();
}

// -------------------------------------------------------------------------------------- the line

function heard(frame) {
  const [, , topic, event] = frame;
  if (topic === "parlor" && event.startsWith("parlor:room_")) lookIn(LIST_MS);
  else rooms.receive(frame);
}

function lineChanged(state) {
  if (state === "open") {
    wasOpen = true;
    rooms.join();
  } else {
    rooms.lost();
  }
  changed(room, "state");
}

/** A connection did not come about: whether that is worth another try. */
async function unopened() {
  const { outcome, why } = await server.look();
  if (outcome !== "out") return true;
  rooms.forget();
  room = undefined;
  socket.close();
  welcome(why ?? "A token is needed here.");
  return false;
}

/** Looks which rooms there are, and goes on looking while somebody sees it. */
async function look() {
  clearTimeout(lookAgain);
  lookAt = Infinity;
  if (document.visibilityState === "visible" && room) {
    await server.look();
    if (room) describe();
  }
  lookIn(LOOK_MS);
}

/** Looks then, unless it does so earlier. */
function lookIn(ms) {
  const at = Date.now() + ms;
  if (at >= lookAt) return;
  lookAt = at;
  clearTimeout(lookAgain);
  lookAgain = setTimeout(look, ms);
}

// ------------------------------------------------------------------------------------ what is seen

function describe() {
  const info = server.rooms.rooms.find(({ topic }) => topic === room.topic);
  listRooms(room.presence.list().people);
  setText(byId("room-name"), nameOf(room));
  setText(byId("room-about"), info?.description ?? "");
  title();
}

const nameOf = ({ topic }) => server.rooms.rooms.find((info) => info.topic === topic)?.name ?? topic;

/** The rooms as they were listed, but for this one, of which more is known. */
function listRooms(people) {
  const here = people.reduce((sum, { devices }) => sum + devices, 0);
  const isHere = ({ topic }) => topic === room.topic && here > 0;
  const { rooms: listed, more } = server.rooms;
  const all = listed.map((info) => (isHere(info) ? { ...info, size: here, people: people.length } : info));
  showRooms({ rooms: all, more }, room.topic, rooms.all, leaveOther);
}

function title() {
  const count = rooms.unread > 0 ? `(${rooms.unread}) ` : "";
  const text = room ? `${count}${byId("room-name").textContent} – parlor` : "parlor";
  if (document.title !== text) document.title = text;
}

function changed(which, what) {
  if (!room || which !== room) return;
  if (what === "messages") log.changed();
  if (what === "people") peopleIn(PEOPLE_MS);
  if (what === "state") {
    // The server makes its list once a second at most.
    if (room.state === "joined") lookIn(LIST_MS);
    state();
    log.changed();
    peopleIn(PEOPLE_MS);
  }
}

/** Many may come at once. */
function peopleIn(ms) {
  const at = Date.now() + ms;
  if (at >= peopleAt) return;
  peopleAt = at;
  clearTimeout(peopleAgain);
  peopleAgain = setTimeout(people, ms);
}

function people() {
  peopleAt = Infinity;
  if (!room) return;
  const { people: all, untilMs } = room.presence.list();
  showPeople(all, room.user);
  listRooms(all);
  if (untilMs < Infinity) peopleIn(untilMs + 10);
}

/** Shows how it stands with the line and the room. */
function state() {
  const [name, words] = standing(socket, room, wasOpen);
  byId("state").dataset.state = name;
  setText(byId("state-text"), words);
  composer.allow(!room.isOut);
  const trouble = troubleOf(socket, room, { takeOwn, openRoom: server.opensRooms ? openRoom : undefined });
  const box = byId("trouble");
  box.hidden = !trouble;
  if (!trouble) return;
  setText(byId("trouble-text"), trouble.text);
  const buttons = Object.entries(trouble.actions).map(([label, act]) => {
    const button = make("button", { type: "button" }, label);
    button.addEventListener("click", act);
    return button;
  });
  byId("trouble-actions").replaceChildren(...buttons);
}

function takeOwn() {
  server.drawSession();
  socket.open();
}

async function openRoom() {
  try {
    await socket.ask(null, "parlor", "parlor:open_room", { topic: room.topic });
    room.join();
  } catch (error) {
    setText(byId("trouble-text"), `It can't be opened: ${error.message}.`);
  }
}

// ------------------------------------------------------------------------------------ what is said

function say(text) {
  room.mark = undefined;
  room.send(text);
  log.toEnd();
}

/** A message has just come in one of the rooms, which may be in sight. */
function news(which, message) {
  if (which === room) log.heard();
  if (which === room && document.visibilityState === "visible" && log.isAtEnd) {
    rooms.read();
    return;
  }
  rooms.count(which, message);
  if (which !== room && which.unread === 1) setText(byId("said"), `New in ${nameOf(which)}`);
  tally();
}

function read() {
  if (document.visibilityState !== "visible" || !log.isAtEnd) return;
  rooms.read();
  tally();
}

/** Says how much was not read, wherever that is said. */
function tally() {
  title();
  peopleIn(PEOPLE_MS);
}

// ---------------------------------------------------------------------------------- who is here

function visibilityChanged() {
  clearTimeout(hiddenAt);
  if (document.visibilityState === "hidden") {
    rooms.keep();
    // So it is too when it is loaded anew, and then nobody is away.
    hiddenAt = setTimeout(() => room?.show({ away: true }), HIDDEN_MS);
    return;
  }
  stir();
  read();
  socket.hurry();
  look();
}

/** Somebody is at the page, until nothing has happened for a while. */
function stir() {
  clearTimeout(idleAt);
  idleAt = setTimeout(() => room?.show({ away: true }), IDLE_MS);
  if (document.visibilityState === "visible") room?.show({ away: false });
}

async function copyLink() {
  const link = new URL(linkTo(room.topic), location.href).href;
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(link);
  } catch {
    // Only pages with https may write to the clipboard by themselves.
    const field = make("textarea", { value: link });
    document.body.append(field);
    field.select();
    isCopied = document.execCommand("copy");
    field.remove();
    byId("copy").focus();
  }
  setText(byId("said"), isCopied ? "Link copied" : link);
  const label = byId("copy").querySelector(".label");
  setText(label, isCopied ? "Copied" : "Not copied");
  setTimeout(() => setText(label, "Copy link"), 2_000);
}

byId("enter").addEventListener("submit", knock);
byId("open").addEventListener("submit", (event) => {
  event.preventDefault();
  const topic = byId("open-name").value.trim();
  byId("open-name").value = "";
  if (topic) location.hash = linkTo(topic);
});
byId("change").addEventListener("click", leave);
byId("copy").addEventListener("click", copyLink);
byId("skip").addEventListener("click", () => composer.focus());
for (const what of ["pointerdown", "pointermove", "keydown", "scroll"]) {
  document.addEventListener(what, stir, { passive: true, capture: true });
}
document.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!room || !step || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  location.hash = neighbour(step);
});
addEventListener("hashchange", addressChanged);
document.addEventListener("visibilitychange", visibilityChanged);
addEventListener("online", () => socket.hurry());
addEventListener("pagehide", () => rooms.keep());
start();
