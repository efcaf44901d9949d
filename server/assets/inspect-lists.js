// The tables of rooms, clients and shards. Rows stay the same elements as long as they are of the
// same thing, so that whoever is at one keeps it.

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

/** A table whose rows have names, and cells that are written by `fill`. */
class Rows {
  #section;
  #body;
  #rows = new Map();
  #make;

  constructor(section, make) {
    this.#section = section;
    this.#body = section.querySelector("tbody");
    this.#make = make;
  }

  show(items, nameOf, fill) {
    const rows = items.map((item) => {
      const name = nameOf(item);
      const row = this.#rows.get(name) ?? this.#make(item);
      fill(row, item);
      return [name, row];
    });
    this.#rows = new Map(rows);
    const shown = new Set(this.#rows.values());
    for (const row of [...this.#body.children]) {
      if (!shown.has(row)) row.remove();
    }
    rows.forEach(([, row], at) => {
      if (this.#body.children[at] !== row) this.#body.insertBefore(row, this.#body.children[at]);
    });
    this.#section.querySelector("table").hidden = rows.length === 0;
    this.#section.querySelector(".empty").hidden = rows.length > 0;
  }
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
    this.#rows = new Rows(section, ({ topic }) => {
      const row = rowOf(["number", "number", "number"], () => choose(topic === this.chosen ? null : topic));
      row.querySelector("button").append(bdi(topic), document.createElement("small"));
      row.querySelector("button").title = topic;
      return row;
    });
  }

  show({ all, matching, rooms }) {
    write(this.#section.querySelector(".head .hint"), countOf(rooms.length, matching, all));
    this.#rows.show(rooms, (room) => room.topic, (row, room) => {
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
    });
  }
}

export class Clients {
  #rows;
  #section;
  chosen = null;

  /** `choose` is told of the id of a client that is chosen, or null. */
  constructor(section, choose) {
    this.#section = section;
    this.#rows = new Rows(section, ({ client_id: id }) => {
      const row = rowOf(["number", "queue"], () => choose(id === this.chosen ? null : id));
      const button = row.querySelector("button");
      button.append(bdi(""), bdi(id, "id"), document.createElement("small"));
      return row;
    });
  }

  show({ all, matching, queue_limit: most, clients, now_ms: now }) {
    write(this.#section.querySelector(".head .hint"), countOf(clients.length, matching, all));
    this.#rows.show(clients, (client) => client.client_id, (row, client) => {
      const [rooms, queue] = row.querySelectorAll("td");
      const button = row.querySelector("button");
      button.setAttribute("aria-pressed", String(client.client_id === this.chosen));
      write(button.querySelector("bdi"), client.user_id);
      const since = ago(now - client.connected_at_ms);
      const about = [client.protocol, client.address, since].filter(Boolean).join(" · ");
      write(button.querySelector("small"), about);
      write(rooms, number(client.rooms));
      const { items, bytes: size } = client.queue;
      const part = Math.max(items / most.items, size / most.bytes);
      const text = items === 0 ? "empty" : `${number(items)} · ${bytes(size)}`;
      fill(queue, { part, name: `queue of ${client.user_id}`, text });
    });
  }
}

export class Shards {
  #rows;
  #section;

  constructor(section) {
    this.#section = section;
    this.#rows = new Rows(section, () => rowOf(["number", "number", "number", "mailbox"]));
  }

  show({ shards, mailbox: most, watchers }) {
    const watching = watchers === 1 ? "you alone watch" : `${watchers} watch`;
    write(this.#section.querySelector(".head .hint"), watching);
    this.#rows.show(shards, ({ shard }) => shard, (row, { shard, waiting, crashed, stats }) => {
      const state = stats === undefined ? " does not answer" : crashed ? " crashed" : "";
      write(row.querySelector("th"), `${shard}${state}`);
      row.classList.toggle("bad", state !== "");
      const [rooms, events, refused, mailbox] = row.querySelectorAll("td");
      write(rooms, stats === undefined ? "–" : number(stats.topics));
      write(events, stats === undefined ? "–" : number(eventsOf(stats)));
      write(refused, stats === undefined ? "–" : number(sum(stats.refusals)));
      const text = `${number(waiting)} of ${number(most)}`;
      fill(mailbox, { part: waiting / most, name: `mailbox of shard ${shard}`, text });
    });
  }
}

const sum = (counts) => Object.values(counts).reduce((one, other) => one + other, 0);

/** All but ticks, of which there is one with each batch. */
export const eventsOf = ({ events }) => sum(events) - events.tick;

function countOf(shown, matching, all) {
  if (shown < matching) return `${number(shown)} of ${number(matching)}, the first`;
  return matching < all ? `${number(matching)} of ${number(all)}` : number(all);
}
