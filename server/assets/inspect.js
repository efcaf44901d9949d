// The page at /inspect: shows what a server tells of itself, and changes nothing.

import { copied } from "./clipboard.js";
import { Charts } from "./inspect-charts.js";
import { Kinds } from "./inspect-kinds.js";
import { Clients, Engine, Rooms, ago, number } from "./inspect-lists.js";
import { Log, entryOf, learn } from "./inspect-log.js";
import { Refused, ask, key, watch } from "./inspect-server.js";

const $ = (id) => document.getElementById(id);
const later = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * How often counts and lists are asked for; where the server takes long to answer, so many times as
 * long as that.
 */
const EVERY_MS = 2000;
const [COUNT_PATIENCE, PATIENCE] = [2, 20];
/** How many rooms and clients are listed, and so sorted by the headings. */
const LISTED = 200;
/** How long to wait before a lost stream is asked for again, at first and at most. */
const [SOON_MS, LATEST_MS] = [500, 5000];

const state = $("state");
let stream = new AbortController();
let lists = new AbortController();
let isLive = false;

function say(text, kind) {
  if (state.textContent !== text) state.textContent = text;
  state.dataset.kind = kind;
}

const log = new Log({ box: $("log"), newest: $("newest"), copy, counted });
const rooms = new Rooms($("rooms"), (topic) => choose({ topic }));
const clients = new Clients($("clients"), (client) => choose({ client }));
const engine = new Engine($("engine"));
const charts = new Charts($("charts"));
const kinds = new Kinds($("kinds"), filtered);

// ---------------------------------------------------------------------------------- the stream

/** Chooses a topic or a client to watch, or with null all of them again. */
function choose({ topic = rooms.chosen, client = clients.chosen }) {
  [rooms.chosen, clients.chosen] = [topic, client];
  const chosen = $("chosen");
  const parts = [["topic", topic, { topic: null }], ["client", client, { client: null }]]
    .filter(([, name]) => name !== null)
    .map(([what, name, none]) => {
      const button = document.createElement("button");
      button.type = "button";
      const shown = document.createElement("bdi");
      shown.textContent = name;
      button.append(`${what} `, shown, " ×");
      button.setAttribute("aria-label", `${what} ${name}: show all again`);
      button.addEventListener("click", () => {
        choose(none);
        $("log").focus();
      });
      return button;
    });
  chosen.replaceChildren(...parts);
  chosen.hidden = parts.length === 0;
  for (const button of document.querySelectorAll("tbody button.name")) {
    const name = button.querySelector(".id")?.textContent ?? button.querySelector("bdi").textContent;
    const isOfClient = button.closest("#clients") !== null;
    button.setAttribute("aria-pressed", String(name === (isOfClient ? client : topic)));
  }
  remember();
  filter();
  restart();
}

function filtered() {
  filter();
  restartSoon();
}

/** Shows of what has come what is looked for. */
function filter() {
  const text = $("text").value.toLowerCase();
  const way = $("way").value;
  const [topic, client] = [rooms.chosen, clients.chosen];
  const isOf = ({ line, ofClient }) =>
    ofClient === client || line.client_id === client || (line.to?.first.includes(client) ?? false);
  log.filter(
    (entry) =>
      kinds.has(entry.line) &&
      (way === "" || entry.line.way === way) &&
      (topic === null || entry.line.topic === topic) &&
      (client === null || isOf(entry)) &&
      entry.text.includes(text),
  );
}

const asked = () => ({
  topic: rooms.chosen,
  client: clients.chosen,
  kind: kinds.asked,
  way: $("way").value,
});

let last = "";
let soon = 0;

/** Asks for another stream if it is another one. */
function restartSoon() {
  clearTimeout(soon);
  soon = setTimeout(() => {
    if (JSON.stringify(asked()) !== last) restart();
  }, 400);
}

function restart() {
  if (!$("main").hidden) run();
}

async function run() {
  stream.abort();
  const { signal } = (stream = new AbortController());
  const params = asked();
  last = JSON.stringify(params);
  let wait = SOON_MS;
  while (!signal.aborted) {
    let why = "connection lost, trying again";
    try {
      for await (const some of watch(params, signal)) {
        wait = SOON_MS;
        tell(some, params.client);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.isOfKey) {
        refused(error);
        return;
      }
      why = error instanceof Refused ? error.message : why;
    }
    if (signal.aborted) return;
    if (isLive) log.note("The stream has ended. What happens until there is another is not shown.", "warn");
    isLive = false;
    say(why, "bad");
    await later(wait);
    wait = Math.min(wait * 2, LATEST_MS);
  }
}

function tell(some, client) {
  const entries = [];
  for (const { event, data } of some) {
    if (event === "message") entries.push(entryOf(data, client));
    else if (event === "skipped") entries.push(skipped(JSON.parse(data).lines));
    else if (event === "watching") watching();
  }
  log.add(entries);
}

function skipped(lines) {
  const were = lines === 1 ? "line was" : "lines were";
  return { note: `${number(lines)} ${were} skipped: more than could be sent`, tone: "warn" };
}

function watching() {
  isLive = true;
  const of = [rooms.chosen && `topic ${rooms.chosen}`, clients.chosen && `client ${clients.chosen}`];
  const whom = of.filter(Boolean).join(" and ");
  log.note(whom === "" ? "Watching from here." : `Watching ${whom} from here.`);
  tellState();
}

function tellState() {
  if (!isLive) return;
  if (log.isPaused) say("paused", "paused");
  else say("live", "live");
}

function pause() {
  if (log.isPaused) log.resume();
  else log.pause();
  if (!log.isPaused) $("pause").textContent = "Pause";
  tellState();
}

function counted(held, lost) {
  const more = lost > 0 ? "+" : "";
  $("pause").textContent = held === 0 ? "Go on" : `Go on (${number(held)}${more} new)`;
}

async function copy(text) {
  const words = (await copied(text)) ? "copied" : "not copied";
  const { kind } = state.dataset;
  const before = state.textContent;
  say(words, kind);
  await later(1500);
  if (state.textContent === words) say(before, kind);
}

// ------------------------------------------------------------------------------------ the lists

function totals({ stats, now_ms: now, started_at_ms: started }) {
  const of = (name) => stats?.[name] ?? 0;
  const values = {
    topics: [number(of("topics")), of("topics") === 1 ? "room" : "rooms"],
    memberships: [number(of("memberships")), of("memberships") === 1 ? "membership" : "memberships"],
    uptime: [ago(now - started), "uptime"],
  };
  for (const [name, [value, words]] of Object.entries(values)) {
    const shown = document.querySelector(`[data-total="${name}"]`);
    shown.textContent = value;
    shown.previousElementSibling.textContent = words;
  }
}

/** The server's time when it was asked last. */
let now;

async function count(signal) {
  const counted = await ask("engine", {}, signal);
  now = counted.now_ms;
  totals(counted);
  charts.add(counted);
  engine.show(counted);
}

async function list(signal) {
  const [some, connected] = await Promise.all([
    ask("rooms", { text: $("rooms-text").value, limit: LISTED }, signal),
    ask("clients", { text: $("clients-text").value, limit: LISTED }, signal),
  ]);
  for (const { client_id: client, user_id: user } of connected.clients) learn(client, user);
  rooms.show(some);
  clients.show({ ...connected, now_ms: now ?? Date.now() });
}

/** Goes on asking, for counts more often than for lists, which cost the server more. */
async function keepLists() {
  lists.abort();
  const { signal } = (lists = new AbortController());
  // What lists ask of the engine is what counts would wait for.
  await once(count, signal);
  keep(count, COUNT_PATIENCE, signal);
  keep(list, PATIENCE, signal);
}

async function keep(what, patience, signal) {
  while (!signal.aborted) {
    const began = performance.now();
    if (!document.hidden) await once(what, signal);
    await later(Math.max(EVERY_MS, patience * (performance.now() - began)));
  }
}

async function once(what, signal) {
  try {
    await what(signal);
  } catch (error) {
    // Whether there is a connection is told by the stream.
    if (!signal.aborted && error.isOfKey) refused(error);
  }
}

// -------------------------------------------------------------------------------------- access

const WHY = { no_key: "", wrong_key: "This key is not the right one." };
const NO_KEY = "This server has no key for operators, so there is none to be asked for. It says:";

function refused(error) {
  stream.abort();
  lists.abort();
  isLive = false;
  // Who shows a wrong one is not let in from the same machine either.
  key.set("");
  show(false);
  const { reason, message } = error;
  const isThereNone = reason === "no_operators_key";
  $("enter").hidden = isThereNone;
  $("access-title").textContent = isThereNone ? "Nothing is shown from here" : "A key is needed";
  $("why").textContent = isThereNone ? `${NO_KEY} ${message}.` : (WHY[reason] ?? message);
  $("access").hidden = false;
  say("not allowed", "bad");
  $(isThereNone ? "access-title" : "key").focus();
}

function show(is) {
  for (const id of ["main", "totals"]) $(id).hidden = !is;
  $("forget").hidden = !is || !key.get();
}

let beginning = new AbortController();

/** Begins, as soon as the server lets it. */
async function begin() {
  beginning.abort();
  const { signal } = (beginning = new AbortController());
  for (let isLetIn = false; !isLetIn; ) {
    try {
      await ask("engine", {}, signal);
      isLetIn = true;
    } catch (error) {
      if (signal.aborted) return;
      if (error.isOfKey) {
        refused(error);
        return;
      }
      say(error instanceof Refused ? error.message : "no connection, trying again", "bad");
      await later(LATEST_MS);
    }
    if (signal.aborted) return;
  }
  $("access").hidden = true;
  $("key").value = "";
  show(true);
  say("connecting …", "");
  run();
  keepLists();
}

$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  key.set($("key").value.trim());
  begin();
});

// A link with a token to a page that is open loads nothing by itself.
addEventListener("hashchange", () => {
  if (new URLSearchParams(location.hash.slice(1)).has("token")) location.reload();
});

$("forget").addEventListener("click", () => {
  key.set("");
  location.reload();
});

// ----------------------------------------------------------------------------- what is pressed

$("pause").addEventListener("click", pause);
$("clear").addEventListener("click", () => log.clear());
$("text").addEventListener("input", filtered);
$("way").addEventListener("change", filtered);
for (const id of ["rooms-text", "clients-text"]) {
  let timer = 0;
  $(id).addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(keepLists, 200);
  });
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !$("main").hidden) keepLists();
});

for (const button of $("views").querySelectorAll("button")) {
  button.addEventListener("click", () => view(button.dataset.show));
}

/** Where there is no room for a list beside the stream. */
const narrow = matchMedia("(max-width: 60rem)");

/** Shows a part: one of the lists, or where there is no room for both, the stream. */
function view(name) {
  document.body.dataset.view = name;
  if (name !== "stream") document.body.dataset.list = name;
  const shown = narrow.matches ? name : document.body.dataset.list;
  for (const button of $("views").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.show === shown));
  }
}
narrow.addEventListener("change", () => view(document.body.dataset.view));
view("stream");

const TYPED_INTO = "input, select, textarea, button, summary, a, [contenteditable]";

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll(".menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    return;
  }
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!isPlain || $("main").hidden || !$("shortcuts").checked) return;
  const isInText = event.target.matches("input, textarea, select");
  if (event.key === "/" && !isInText) {
    event.preventDefault();
    view("stream");
    $("text").focus();
  } else if (event.key === " " && !event.target.matches(TYPED_INTO)) {
    event.preventDefault();
    pause();
  }
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// ------------------------------------------------------------------------------- what is linked

function remember() {
  const url = new URL(location.href);
  for (const [name, value] of [["topic", rooms.chosen], ["client", clients.chosen]]) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, "", url);
}

const linked = new URLSearchParams(location.search);
choose({ topic: linked.get("topic") || null, client: linked.get("client") || null });
begin();
