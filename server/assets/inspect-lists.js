// The tables of rooms and clients, and of the engine with its lanes.

import { Table } from "./inspect-table.js";

const KIB = 1024;

export const number = (value) => value.toLocaleString("en");

export function bytes(value) {
  if (value < KIB) return `${value} B`;
  if (value < KIB * KIB) return `${(value / KIB).toFixed(1)} KiB`;
  return `${(value / KIB / KIB).toFixed(1)} MiB`;
}

export function ago(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** A row whose first cell is a button, if `choose` is given, and then so many others. */
function rowOf(cells, choose) {
  const row = document.createElement("tr");
  const first = document.createElement("th");
  first.scope = "row";
  if (choose !== undefined) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "name";
    button.addEventListener("click", choose);
    first.append(button);
  }
  row.append(first);
  for (const className of cells) {
    const cell = document.createElement("td");
    cell.className = className;
    row.append(cell);
  }
  return row;
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function meterIn(cell) {
  let meter = cell.querySelector("meter");
  if (meter === null) {
    meter = document.createElement("meter");
    cell.append(meter, document.createElement("span"));
  }
  return meter;
}

/** Shows how full something is, and says it. */
function fill(cell, { part, name, text }) {
  const meter = meterIn(cell);
  [meter.max, meter.optimum, meter.low, meter.high] = [1, 0, 0.5, 0.8];
  meter.value = part;
  meter.setAttribute("aria-label", name);
  write(cell.querySelector("span"), text);
}

function bdi(text, className) {
  const node = document.createElement("bdi");
  if (className !== undefined) node.className = className;
  node.textContent = text;
  return node;
}

export class Rooms {
  #rows;
  #section;
  chosen = null;

  /** `choose` is told of a topic that is chosen, or null. */
  constructor(section, choose) {
    this.#section = section;
    this.#rows = new Table(section, {
      columns: {
        topic: ({ topic }) => topic,
        members: ({ members }) => members,
        sent: ({ offset }) => offset,
        kept: ({ history_bytes: held }) => held,
      },
      by: { name: "members", sign: -1 },
      nameOf: ({ topic }) => topic,
      make: ({ topic }) => {
        const row = rowOf(["number members", "number", "number"], () => choose(topic === this.chosen ? null : topic));
        row.querySelector("button").append(bdi(topic), document.createElement("small"));
        row.querySelector("button").title = topic;
        return row;
      },
      fill: (row, room) => this.#fill(row, room),
    });
  }

  show({ all, matching, rooms }) {
    write(this.#section.querySelector(".head .hint"), countOf(rooms.length, matching, all, "largest"));
    this.#rows.show(rooms);
  }

  #fill(row, room) {
    const [members, sent, kept] = row.querySelectorAll("td");
    const button = row.querySelector("button");
    button.setAttribute("aria-pressed", String(room.topic === this.chosen));
    const about = [room.name, room.owner && `of ${room.owner}`].filter(Boolean).join(", ");
    write(button.querySelector("small"), about);
    const most = room.max_members === undefined ? "" : ` of ${number(room.max_members)}`;
    const away = room.members - room.attached;
    write(members, `${number(room.members)}${most}${away > 0 ? `, ${number(away)} away` : ""}`);
    write(sent, number(room.offset));
    const held = room.history_messages;
    write(kept, held === 0 ? "–" : `${number(held)} · ${bytes(room.history_bytes)}`);
  }
}

export class Clients {
  #rows;
  #section;
  /** How much may wait for each, and the server's time. */
  #most;
  #now;
  chosen = null;

  /** `choose` is told of the id of a client that is chosen, or null. */
  constructor(section, choose) {
    this.#section = section;
    this.#rows = new Table(section, {
      columns: {
        user: ({ user_id: user }) => user,
        since: ({ connected_at_ms: since }) => -since,
        rooms: ({ rooms }) => rooms,
        queue: (client) => this.#fullness(client),
      },
      by: { name: "queue", sign: -1 },
      nameOf: ({ client_id: id }) => id,
      make: ({ client_id: id }) => {
        const row = rowOf(["number", "number", "queue"], () => choose(id === this.chosen ? null : id));
        const button = row.querySelector("button");
        button.append(bdi(""), bdi(id, "id"), document.createElement("small"));
        return row;
      },
      fill: (row, client) => this.#fill(row, client),
    });
  }

  show({ all, matching, queue_limit: most, clients, now_ms: now }) {
    [this.#most, this.#now] = [most, now];
    write(this.#section.querySelector(".head .hint"), countOf(clients.length, matching, all, "fullest"));
    this.#rows.show(clients);
  }

  #fullness({ queue: { items, bytes: size } }) {
    return Math.max(items / this.#most.items, size / this.#most.bytes);
  }

  #fill(row, client) {
    const [since, rooms, queue] = row.querySelectorAll("td");
    const button = row.querySelector("button");
    button.setAttribute("aria-pressed", String(client.client_id === this.chosen));
    write(button.querySelector("bdi"), client.user_id);
    write(button.querySelector("small"), [client.protocol, client.address].filter(Boolean).join(" · "));
    write(since, ago(this.#now - client.connected_at_ms));
    write(rooms, client.rooms === undefined ? "–" : number(client.rooms));
    const { items, bytes: size, answer_items: answers = 0, answer_bytes: answered } = client.queue;
    const live = items === 0 ? "" : `${number(items)} · ${bytes(size)}`;
    const asked = answers === 0 ? "" : `answers: ${bytes(answered)}`;
    const text = [live, asked].filter(Boolean).join(", ") || "empty";
    fill(queue, { part: this.#fullness(client), name: `queue of ${client.user_id}`, text });
  }
}

/** The engine, and the lanes that run beside it. */
export class Engine {
  #rows;
  #section;

  constructor(section) {
    this.#section = section;
    this.#rows = new Table(section, {
      columns: {
        part: ({ part }) => part,
        rooms: ({ stats }) => stats?.topics,
        events: ({ stats }) => stats && eventsOf(stats),
        refused: ({ stats }) => stats && sum(stats.refusals),
        waiting: ({ waiting }) => waiting,
      },
      by: { name: "part", sign: 1 },
      nameOf: ({ part }) => part,
      make: () => rowOf(["number", "number", "number", "waiting"]),
      fill: (row, part) => this.#fill(row, part),
    });
  }

  show({ crashed, stats, mailbox, lanes, watchers }) {
    const watching = watchers === 1 ? "You are the only one watching." : `${number(watchers)} are watching.`;
    write(this.#section.querySelector(".head .hint"), watching);
    const state = stats === undefined ? " does not answer" : crashed ? " crashed" : "";
    const beside = lanes.length > 1 ? lanes.map((lane, place) => ({ part: `lane ${place}`, state: "", ...lane })) : [];
    this.#rows.show([{ part: "engine", state, stats, ...mailbox }, ...beside]);
  }

  #fill(row, { part, state, stats, waiting: items, limit, helped }) {
    write(row.querySelector("th"), `${part}${state}`);
    row.classList.toggle("bad", state !== "");
    const [rooms, events, refused, waiting] = row.querySelectorAll("td");
    write(rooms, stats === undefined ? "–" : number(stats.topics));
    write(events, stats === undefined ? "–" : number(eventsOf(stats)));
    write(refused, stats === undefined ? "–" : number(sum(stats.refusals)));
    const most = limit ?? LANE_LIMIT;
    const aid = helped > 0 ? `, helped ${number(helped)} times` : "";
    fill(waiting, { part: items / most, name: `what waits for ${part}`, text: `${number(items)} of ${number(most)}${aid}` });
  }
}

/** From so many deliveries on, the engine helps a lane. */
const LANE_LIMIT = 65_536;

const sum = (counts) => Object.values(counts).reduce((one, other) => one + other, 0);

/** All but ticks, of which there is one with each batch. */
export const eventsOf = ({ events }) => sum(events) - events.tick;

function countOf(shown, matching, all, which) {
  if (shown < matching) return `the ${number(shown)} ${which} of ${number(matching)}`;
  return matching < all ? `${number(matching)} of ${number(all)}` : `${number(all)} in all`;
}
