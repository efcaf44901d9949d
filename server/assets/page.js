// The page: who comes in, which room it is in, and how that is with the line.

import { addressed, linkTo } from "./address.js";
import { Attention } from "./attention.js";
import { copied } from "./clipboard.js";
import { Composer } from "./composer.js";
import { announce, byId, dress, setText } from "./dom.js";
import { Door } from "./door.js";
import { drawers } from "./drawers.js";
import { neighbour, showPeople, showRooms } from "./lists.js";
import { Log } from "./log.js";
import { Rooms } from "./rooms.js";
import { Server } from "./server.js";
import { Socket } from "./socket.js";
import { Soonest } from "./soonest.js";
import { standing, troubleOf } from "./standing.js";
import { showTrouble, tellTrouble } from "./trouble.js";
import { whyNot } from "./words.js";

const LOOK_MS = 10_000;
const LIST_MS = 1_100;
const PEOPLE_MS = 30;
const COPIED_MS = 2_000;
const FIRST_ROOM = "lobby";

const server = new Server();
const socket = new Socket(() => server.address(), { state: lineChanged, frame: heard, unopened });
const door = new Door(knock);
const log = new Log(() => read());
const composer = new Composer({
  send: say,
  draft: (text) => (room.draft = text),
  typing: (typing) => room?.show({ typing }),
  tryAgain: () => room.tryAgain(),
});
const rooms = new Rooms(socket, { changed, heard: news });
const attention = new Attention({ away: (away) => room?.show({ away }), shown, hidden: () => rooms.keep() });
/** Looks which rooms there are, and goes on looking while somebody sees it. */
const looking = new Soonest(look);
/** Many may come at once. */
const listing = new Soonest(people);
/** The one that is open. */
let room;
let wasOpen = false;

// ------------------------------------------------------------------------------------ coming in

/** The room that the address names. Whoever brings a token is another one from here on. */
function arrived() {
  const { topic, token } = addressed();
  if (token) {
    server.setToken(token);
    if (room) leave();
  }
  return topic;
}

async function start() {
  const topic = arrived();
  const { outcome, why } = await server.look();
  if (outcome !== "out" && topic && server.user) enter(topic);
  else welcome(topic, why);
}

/** Asks who it is, and where to. */
function welcome(topic, why) {
  byId("app").hidden = true;
  document.title = "parlor";
  door.open({ asksToken: server.needsToken, name: server.name, topic: topic || FIRST_ROOM, rooms: server.rooms.rooms, why });
}

async function knock({ name, token, topic }) {
  if (!server.needsToken) server.setName(name);
  else if (token) server.setToken(token);
  if (server.takesNames) {
    // An answer would come too late for what is typed next; a refusal of the name leads back here.
    go(topic || FIRST_ROOM);
    return;
  }
  const { outcome, why } = await server.look();
  if (outcome === "out") welcome(topic, why ?? "A token is needed here.");
  else if (outcome === "away") door.complain("The server does not answer. Please try again.");
  else if (!server.user) welcome(topic, "Please say who you are.");
  else go(topic || FIRST_ROOM);
}

/** Opens a room at once, so that the next key is typed there, and gives it its place in the browser's history. */
function go(topic) {
  if (addressed().topic !== topic) location.hash = linkTo(topic);
  if (room?.topic === topic) settle();
  else enter(topic);
}

/** Whoever has chosen a room goes on by writing there. */
function settle() {
  drawers.close();
  composer.focus();
}

/** Goes into a room, out of the one that it was in. */
function enter(topic) {
  if (room?.topic === topic) return;
  const { user } = server;
  if (room) composer.leave();
  else rooms.restore(user);
  door.close();
  byId("app").hidden = false;
  room = rooms.go(topic, user);
  room.show({ away: !attention.isShown });
  composer.put(room.draft);
  dress(byId("me-avatar"), room.user);
  setText(byId("me-name"), room.user);
  log.show(room);
  read();
  describe();
  changed(room, "people");
  changed(room, "state");
  announce(`Room ${server.nameOf(topic)}`);
  settle();
  attention.stir();
  if (socket.state === "open") {
    if (room.state === "waiting" || room.state === "refused") room.join();
  } else if (socket.state !== "connecting") socket.open();
  looking.now();
}

/** Is in no room any more. */
function leave() {
  if (room) composer.leave();
  rooms.leaveAll();
  room = undefined;
  socket.close();
  wasOpen = false;
}

/** Somebody else, or the same one by another name. */
function change() {
  const { topic } = room;
  leave();
  history.pushState(null, "", location.pathname);
  welcome(topic);
}

/** Leaves a room that is not open. */
function leaveOther(topic) {
  rooms.leave(topic);
  tally();
  looking.in(LIST_MS);
}

function addressChanged() {
  const before = server.token;
  const topic = arrived();
  if (server.token !== before) start();
  else if (topic && server.user) enter(topic);
  else if (room) change();
}

// -------------------------------------------------------------------------------------- the line

function heard(frame) {
  const [, , topic, event] = frame;
  if (topic === "parlor" && event.startsWith("parlor:room_")) looking.in(LIST_MS);
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
  if (outcome !== "out" || !room) return outcome !== "out";
  const { topic } = room;
  leave();
  welcome(topic, why ?? "A token is needed here.");
  return false;
}

async function look() {
  if (attention.isShown && room) {
    await server.look();
    if (room) describe();
  }
  looking.in(LOOK_MS);
}

// ------------------------------------------------------------------------------------ what is seen

function describe() {
  const info = server.rooms.rooms.find(({ topic }) => topic === room.topic);
  listRooms(room.presence.list().people);
  setText(byId("room-name"), server.nameOf(room.topic));
  setText(byId("room-about"), info?.description ?? "");
  setText(byId("open-label"), server.hasOtherRooms ? "Go to or open a room" : "Go to a room");
  allow();
  title();
}

/** The rooms as they were listed, but for this one, of which more is known. */
function listRooms(people) {
  const here = people.reduce((sum, { devices }) => sum + devices, 0);
  const isHere = ({ topic }) => topic === room.topic && here > 0;
  const { rooms: listed, more } = server.rooms;
  const all = listed.map((info) => (isHere(info) ? { ...info, size: here, people: people.length } : info));
  showRooms({ rooms: all, more }, { open: room.topic, own: rooms.all, leave: leaveOther });
}

function title() {
  const count = rooms.unread > 0 ? `(${rooms.unread}) ` : "";
  // A name that turns the direction of a text would turn that of the rest.
  const name = byId("room-name").textContent.replace(/[\p{Cc}\p{Bidi_Control}]/gu, "");
  const text = `${count}${name} – parlor`;
  if (document.title !== text) document.title = text;
}

function changed(which, what) {
  if (!room || which !== room) return;
  if (what === "messages") log.changed();
  if (what === "people") listing.in(PEOPLE_MS);
  if (what === "state") {
    // The server makes its list once a second at most.
    if (room.state === "joined") looking.in(LIST_MS);
    state();
    log.changed();
    listing.in(PEOPLE_MS);
  }
}

function people() {
  if (!room) return;
  const { people: all, untilMs } = room.presence.list();
  showPeople(all, room.user);
  listRooms(all);
  if (untilMs < Infinity) listing.in(untilMs + 10);
}

/** Shows how it stands with the line and the room. */
function state() {
  const [name, words] = standing(socket, room, wasOpen);
  byId("state").dataset.state = name;
  setText(byId("state-text"), words);
  allow();
  const trouble = troubleOf(socket, room, { takeOwn, openRoom: server.opensRooms ? openRoom : undefined });
  if (showTrouble(trouble)) composer.focus();
}

function allow() {
  const what = allowed();
  composer.allow(what);
  log.invites = what === "write";
}

function allowed() {
  if (room.isOut) return "wait";
  if (server.isForListening(room.topic)) return "listen";
  return room.isSilenced ? "try" : "write";
}

function takeOwn() {
  server.drawSession();
  socket.open();
}

async function openRoom() {
  const wanted = room;
  try {
    await socket.ask(null, "parlor", "parlor:open_room", { topic: wanted.topic });
    if (wanted === room) room.join();
  } catch (error) {
    const why = { reason: error.reason ?? "lost", message: error.message };
    if (wanted === room) tellTrouble(`It can't be opened: ${whyNot("open", why)}.`);
  }
}

// ------------------------------------------------------------------------------------ what is said

function say(text) {
  room.mark = undefined;
  room.outbox.add(text);
  log.toEnd();
}

/** A message has just come in one of the rooms, which may be in sight. */
function news(which, message) {
  if (which === room) log.heard(message);
  if (which === room && attention.isShown && log.isAtEnd) {
    rooms.read();
    return;
  }
  rooms.count(which, message);
  if (which !== room && which.unread === 1) announce(`New in ${server.nameOf(which.topic)}`);
  tally();
}

function read() {
  if (!attention.isShown || !log.isAtEnd) return;
  rooms.read();
  tally();
}

/** Says how much was not read, wherever that is said. */
function tally() {
  if (!room) return;
  title();
  listing.in(PEOPLE_MS);
}

function shown() {
  read();
  socket.hurry();
  looking.now();
}

async function copyLink() {
  const link = new URL(linkTo(room.topic), location.href).href;
  const isCopied = await copied(link);
  announce(isCopied ? "Link copied" : link);
  // On a phone there is no room for words.
  const tell = (words, isDone) => {
    setText(byId("copy").querySelector(".label"), words);
    byId("copy").classList.toggle("done", isDone);
  };
  tell(isCopied ? "Copied" : "Not copied", isCopied);
  setTimeout(() => tell("Copy link", false), COPIED_MS);
}

byId("open").addEventListener("submit", (event) => {
  event.preventDefault();
  const topic = byId("open-name").value.trim();
  byId("open-name").value = "";
  if (topic) go(topic);
});
byId("room-list").addEventListener("click", ({ target }) => {
  // The address stays the same, so nothing else tells of it.
  if (target.closest("[aria-current]")) settle();
});
byId("change").addEventListener("click", change);
byId("copy").addEventListener("click", copyLink);
byId("skip").addEventListener("click", () => composer.focus());
document.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!room || !step || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  location.hash = neighbour(step) ?? location.hash;
});
addEventListener("hashchange", addressChanged);
addEventListener("online", () => socket.hurry());
addEventListener("pagehide", () => {
  rooms.keep();
  rooms.show({ closed: true, typing: 0 });
});
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  rooms.show({ closed: undefined });
  shown();
});
start();
